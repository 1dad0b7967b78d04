"""Wide ghost text and wrapped lines: nothing is cut, and the mouse and the cursor agree with it."""


async def test_a_wide_ghost_goes_on_in_the_next_row(editing):
    async with editing("x = \nnext\n", size=(26, 8)) as bench:
        await bench.ghost("a_long_name(of_something, other)", (0, 4))
        assert bench.rows()[:3] == ["x = a_long_name(of_some", "thing, other)", "next"]
        numbers = [row[: bench.editor.gutter_width].strip() for row in bench.raw_rows()]
        assert numbers[:3] == ["1", "", "2"]
        assert bench.style(3, 1).italic
        await bench.keys("a", "_")
        assert bench.rows()[:2] == ["x = a_long_name(of_some", "thing, other)"]
        await bench.keys("tab")
        assert bench.editor.document[0] == "x = a_long_name(of_something, other)"


async def test_a_click_below_a_wide_ghost_lands_on_what_is_drawn_there(editing):
    async with editing("字 = 1\nnext\n", size=(26, 8)) as bench:
        gutter = bench.editor.gutter_width
        for cell, place in [
            ((1, 2), (1, 1)),
            ((13, 1), (0, 5)),
            ((9, 1), (0, 4)),
            ((0, 0), (0, 0)),
            ((20, 0), (0, 4)),
        ]:
            await bench.ghost("y" * 30, (0, 4))
            await bench.pilot.click(bench.editor, offset=(gutter + cell[0], cell[1]))
            assert bench.editor.cursor_location == place, cell
            assert bench.editor.selection.is_empty


async def test_wrapped_lines_are_drawn_walked_and_clicked(editing):
    async with editing("one two three four five six\nnext\n", size=(22, 8)) as bench:
        bench.editor.soft_wrap = True
        await bench.settle()
        assert bench.rows()[:3] == ["one two three four", "five six", "next"]
        await bench.keys("end", "right", "down")
        assert bench.editor.cursor_location == (1, 0)
        await bench.keys("up")
        assert bench.editor.cursor_location == (0, 19)
        await bench.pilot.click(bench.editor, offset=(bench.editor.gutter_width + 5, 1))
        assert bench.editor.cursor_location == (0, 24)
        await bench.keys("!")
        assert bench.rows()[1] == "five !six"


async def test_a_ghost_in_a_wrapped_line_pushes_everything_on(editing):
    async with editing("one two three four five six\nnext\n", size=(22, 8)) as bench:
        bench.editor.soft_wrap = True
        await bench.settle()
        await bench.ghost("and a half \nmore", (0, 8))
        assert bench.rows()[:6] == [
            "one two and a half",
            "three four five",
            "six",
            "more",
            "next",
            "",
        ]
        await bench.pilot.click(bench.editor, offset=(bench.editor.gutter_width + 1, 4))
        assert bench.editor.cursor_location == (1, 1)


async def test_wrapping_is_laid_out_again_when_the_width_changes(editing):
    text = "word " * 30 + "\n" + "\n".join(f"line{n}" for n in range(60))
    async with editing(text, path="a.txt", size=(60, 12)) as bench:
        bench.editor.soft_wrap = True
        bench.editor.go_to(40)
        await bench.keys("left")
        await bench.pilot.resize_terminal(25, 15)
        await bench.settle()
        assert "line37" in bench.rows()
        bench.editor.soft_wrap = False
        await bench.settle()
        assert "line37" in bench.rows()


async def test_the_cursor_stays_on_screen_when_the_size_changes(editing):
    text = "\n".join(f"line{number}" for number in range(100))
    async with editing(text, path="a.txt", size=(40, 40)) as bench:
        await bench.keys(*["down"] * 30)
        assert bench.rows()[30] == "line30"
        await bench.pilot.resize_terminal(40, 13)
        await bench.settle()
        assert "line30" in bench.rows()
