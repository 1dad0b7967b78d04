"""Pairs, levels of indentation and lines that go back: what typing does beyond its character."""

import pytest


async def typed(editing, text, place, keys, *, path="a.py", pairs=True):
    async with editing(text, path=path) as bench:
        bench.editor.pairs = pairs
        bench.editor.move_cursor(place)
        await bench.keys(*keys)
        after = bench.editor.text, bench.editor.cursor_location
        for _ in range(len(keys) + 1):
            await bench.keys("ctrl+z")
        assert bench.editor.text == text
        return after


@pytest.mark.parametrize(
    ("text", "place", "keys", "after", "cursor"),
    [
        ("", (0, 0), "(", "()", (0, 1)),
        ("", (0, 0), "(a)b", "(a)b", (0, 4)),
        ("", (0, 0), '"a"', '"a"', (0, 3)),
        ("", (0, 0), ["(", "backspace"], "", (0, 0)),
        ("", (0, 0), ["f", "(", "enter", "x"], "f(\n    x\n)", (1, 5)),
        ("a b", (0, 1), "(", "a() b", (0, 2)),
    ],
)
async def test_pairs(editing, text, place, keys, after, cursor):
    assert await typed(editing, text, place, list(keys)) == (after, cursor)


async def test_a_selection_is_wrapped_and_stays_selected(editing):
    async with editing("one two\n") as bench:
        bench.editor.pairs = True
        bench.editor.move_cursor((0, 3), select=True)
        await bench.keys("(", "[")
        assert bench.editor.text == "([one]) two\n"
        assert bench.editor.selected_text == "one"
        await bench.keys("ctrl+z", "ctrl+z")
        assert bench.editor.text == "one two\n"


async def test_a_ghost_that_begins_with_the_bracket_is_typed_through(editing):
    async with editing("f\n") as bench:
        bench.editor.pairs = True
        await bench.ghost("(x)", (0, 1))
        await bench.keys("(")
        assert (bench.editor.document[0], bench.editor.ghost) == ("f(", "x)")


async def test_typing_over_is_told_as_typing(editing):
    async with editing("") as bench:
        bench.editor.pairs = True
        await bench.keys("(")
        bench.told.clear()
        await bench.keys(")")
        assert bench.told == [("edited", "typed")]


@pytest.mark.parametrize(
    ("text", "place", "keys", "after"),
    [
        ("def f():\n    return 1", (1, 12), ["enter", "x"], "def f():\n    return 1\nx"),
        ("    if x:\n        pass", (1, 12), ["enter", "y"], "    if x:\n        pass\n    y"),
        ("    return f(", (0, 13), ["enter", "x"], "    return f(\n        x"),
        ("    returned = 1", (0, 16), ["enter", "x"], "    returned = 1\n    x"),
        ("if x:\n    y\n    ", (2, 4), "else:", "if x:\n    y\nelse:"),
        ("try:\n    y\n    ", (2, 4), "except E:", "try:\n    y\nexcept E:"),
        (
            "if x:\n    if y:\n        z\n        ",
            (3, 8),
            "elif w:",
            "if x:\n    if y:\n        z\n    elif w:",
        ),
        ("if x:\n    y\n", (2, 0), "else:", "if x:\n    y\nelse:"),
        ("x = {\n    1,\n    ", (2, 4), "}", "x = {\n    1,\n}"),
        ("        x", (0, 8), ["backspace"], "    x"),
        ("      x", (0, 6), ["backspace"], "    x"),
        ("a   x", (0, 4), ["backspace"], "a  x"),
    ],
)
async def test_indentation(editing, text, place, keys, after):
    assert (await typed(editing, text, place, list(keys), pairs=False))[0] == after


async def test_prose_that_begins_with_return_is_no_end_of_a_block(editing):
    after, _ = await typed(editing, "  return it", (0, 11), ["enter", "x"], path="a.md")
    assert after == "  return it\n  x"


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("a.css", "/* x */\n"),
        ("a.html", "<!-- x -->\n"),
        ("a.md", "<!-- x -->\n"),
        ("a.rs", "// x\n"),
        ("a.sql", "-- x\n"),
        ("a.ts", "// x\n"),
        ("a.yaml", "# x\n"),
    ],
)
async def test_comment_signs(editing, path, after):
    async with editing("x\n", path=path) as bench:
        await bench.keys("ctrl+slash")
        assert bench.editor.text == after
        await bench.keys("ctrl+slash")
        assert bench.editor.text == "x\n"
