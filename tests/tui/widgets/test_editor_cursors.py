"""Several cursors: what a key does it does at each, and one undo takes all of it back."""

from textual import events

TEXT = "one = 1\ntwo = one\none(one)\n"


async def test_occurrences_are_selected_one_after_the_other_and_replaced(editing):
    async with editing(TEXT) as bench:
        await bench.keys("ctrl+d", "ctrl+d", "ctrl+d", "ctrl+d", "ctrl+d")
        await bench.keys("x", "y")
        assert bench.editor.text == "xy = 1\ntwo = xy\nxy(xy)\n"
        await bench.keys("backspace", "left", "(")
        assert bench.editor.text == "(x = 1\ntwo = (x\n(x((x)\n"
        for _ in range(4):
            await bench.keys("ctrl+z")
        assert bench.editor.text == TEXT


async def test_one_key_at_many_cursors_is_one_step(editing):
    async with editing(TEXT) as bench:
        await bench.keys("ctrl+d", "ctrl+d", "x")
        await bench.keys("ctrl+z")
        assert bench.editor.text == TEXT
        await bench.keys("ctrl+y")
        assert bench.editor.text == "x = 1\ntwo = x\none(one)\n"


async def test_cursors_in_a_column(editing):
    async with editing("aaa\nb\nccc\n", path="a.txt") as bench:
        bench.editor.move_cursor((0, 2))
        await bench.keys("alt+ctrl+down", "alt+ctrl+down", "-")
        assert bench.editor.text == "aa-a\nb-\ncc-c\n"
        await bench.keys("home", "enter")
        assert bench.editor.text == "\naa-a\n\nb-\n\ncc-c\n"
        await bench.keys("escape", "!")
        assert bench.editor.text == "\naa-a\n\nb-\n\n!cc-c\n"


async def test_cursors_above(editing):
    async with editing("a\nb\nc", path="a.txt") as bench:
        bench.editor.move_cursor((2, 1))
        await bench.keys("alt+ctrl+up", "x")
        assert bench.editor.text == "a\nbx\ncx"


async def test_cursors_that_meet_are_one(editing):
    async with editing("ab\nab", path="a.txt") as bench:
        await bench.keys("alt+ctrl+down", "ctrl+home", "x")
        assert bench.editor.text == "xab\nab"
        await bench.keys("alt+ctrl+down", "up", "up", "y")
        assert bench.editor.text == "yxab\nab"


async def test_alt_and_a_click_adds_a_cursor_and_a_click_leaves_one(editing):
    async with editing("ab\ncd", path="a.txt") as bench:
        gutter = bench.editor.gutter_width
        await bench.pilot._post_mouse_events(
            [events.MouseDown, events.MouseUp], bench.editor, (gutter + 1, 1), button=1, meta=True
        )
        await bench.keys("x")
        assert bench.editor.text == "xab\ncxd"
        await bench.pilot.click(bench.editor, offset=(gutter, 0))
        await bench.keys("y")
        assert bench.editor.text == "yxab\ncxd"


async def test_copy_and_paste_at_each(editing):
    async with editing("one two\none two\n", path="a.txt") as bench:
        await bench.keys("ctrl+d", "ctrl+d", "ctrl+c")
        assert bench.app.clipboard == "one\none"
        bench.app.copy_to_clipboard("x")
        await bench.keys("ctrl+v")
        assert bench.editor.text == "x two\nx two\n"
        bench.app.post_message(events.Paste("yz"))
        await bench.settle()
        assert bench.editor.text == "xyz two\nxyz two\n"


async def test_every_cursor_is_drawn_and_no_ghost_beside_several(editing):
    async with editing("ab\ncd", path="a.txt") as bench:
        cursor, plain = bench.style(0, 0).bgcolor, bench.style(0, 1).bgcolor
        await bench.ghost("ghost", (0, 0))
        await bench.keys("alt+ctrl+down")
        assert bench.editor.ghost == ""
        assert bench.style(0, 0).bgcolor == bench.style(0, 1).bgcolor == cursor != plain
        bench.editor.ghost = "ghost"
        assert bench.editor.ghost == ""
