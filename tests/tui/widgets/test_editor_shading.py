"""The end of a suggestion that is less likely: fainter, on whichever rows it is."""

GHOST = "return [\n        x,\n    ]"
CODE = "def f(x):\n    \n\nz = 1\n"


def faint(editor, rows):
    """Return the text in the fainter style on each of the first ``rows`` rows of the screen."""
    colour = editor.get_component_rich_style("editor--ghost-unsure").color
    return [
        "".join(s.text for s in editor.render_line(y) if s.style and s.style.color == colour)
        for y in range(rows)
    ]


async def test_only_the_end_is_fainter_also_across_lines(editing):
    async with editing(CODE) as bench:
        await bench.ghost("", (1, 4))
        bench.editor.show_ghost(GHOST, 9)
        assert faint(bench.editor, 4) == ["", "", " x,", "    ]"]
        bench.editor.show_ghost(GHOST, 0)
        assert faint(bench.editor, 4) == ["", "", "", ""]
        bench.editor.show_ghost(GHOST, len(GHOST))
        assert faint(bench.editor, 2)[1] in ("return [", "eturn [")  # the cursor is on the first


async def test_the_end_stays_the_end_while_its_beginning_is_typed(editing):
    async with editing(CODE) as bench:
        await bench.ghost("", (1, 4))
        bench.editor.show_ghost("return x + y", 4)
        await bench.keys("r", "e")
        assert faint(bench.editor, 2)[1] == " + y"
        await bench.keys("ctrl+right")
        assert faint(bench.editor, 2)[1] == " + y"


async def test_another_suggestion_is_not_fainter_because_the_last_one_was(editing):
    async with editing(CODE) as bench:
        await bench.ghost("", (1, 4))
        bench.editor.show_ghost("return x", 8)
        bench.editor.ghost = "return y"
        assert faint(bench.editor, 2)[1] == ""


async def test_the_sure_part_is_accepted_and_undone_in_one_step(editing):
    async with editing(CODE) as bench:
        await bench.ghost("", (1, 4))
        bench.editor.show_ghost("return x + y", 4)
        bench.editor.accept_sure()
        await bench.keys()
        assert bench.editor.document[1] == "    return x"
        assert bench.editor.ghost == " + y"
        assert ("accepted", "return x", "part") in bench.told
        await bench.keys("ctrl+z")
        assert bench.editor.text == CODE
