"""Keys for whole lines, selecting by syntax, brackets, and wrapping."""

import pytest

CODE = "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("place", "key", "after", "cursor"),
    [
        ((1, 2), "alt+up", "two\none\nthree\n", (0, 2)),
        ((1, 2), "alt+down", "one\nthree\ntwo\n", (2, 2)),
        ((0, 1), "alt+up", CODE, (0, 1)),
        ((1, 1), "alt+shift+down", "one\ntwo\ntwo\nthree\n", (2, 1)),
        ((1, 1), "alt+shift+up", "one\ntwo\ntwo\nthree\n", (1, 1)),
        ((1, 1), "alt+k", "one\nthree\n", (1, 1)),
        ((0, 1), "alt+i", "one two\nthree\n", (0, 3)),
    ],
)
async def test_a_line_is_moved_copied_deleted_joined(editing, place, key, after, cursor):
    async with editing(CODE, path="a.txt") as bench:
        bench.editor.move_cursor(place)
        await bench.keys(key)
        assert (bench.editor.text, bench.editor.cursor_location) == (after, cursor)
        if after != CODE:
            await bench.keys("ctrl+z")
            assert (bench.editor.text, bench.editor.cursor_location) == (CODE, place)


async def test_selected_lines_move_together(editing):
    async with editing(CODE, path="a.txt") as bench:
        bench.editor.move_cursor((0, 1))
        bench.editor.move_cursor((1, 2), select=True)
        await bench.keys("alt+down")
        assert bench.editor.text == "three\none\ntwo\n"
        assert bench.editor.selection == ((1, 1), (2, 2))


async def test_a_line_is_selected_and_then_the_next(editing):
    async with editing(CODE, path="a.txt") as bench:
        await bench.keys("alt+l")
        assert bench.editor.selected_text == "one\n"
        await bench.keys("alt+l")
        assert bench.editor.selected_text == "one\ntwo\n"


async def test_the_selection_grows_and_shrinks_by_syntax(editing):
    async with editing("def f(x):\n    return g(x + 1, [2])\n") as bench:
        bench.editor.move_cursor((1, 13))
        seen = []
        for _ in range(5):
            await bench.keys("alt+shift+right")
            seen.append(bench.editor.selected_text)
        assert seen == ["x", "x + 1", "x + 1, [2]", "(x + 1, [2])", "g(x + 1, [2])"]
        await bench.keys("alt+shift+left", "alt+shift+left")
        assert bench.editor.selected_text == "x + 1, [2]"


async def test_without_a_grammar_words_lines_and_the_text_are_selected(editing):
    async with editing("one two\nthree\n", path="a.txt") as bench:
        seen = []
        for _ in range(3):
            await bench.keys("alt+shift+right")
            seen.append(bench.editor.selected_text)
        assert seen == ["one", "one two", "one two\nthree\n"]


async def test_the_matching_bracket(editing):
    async with editing("f(a, [1, 2])\n") as bench:
        places = []
        for start in (1, 11, 12, 8):
            bench.editor.move_cursor((0, start))
            await bench.keys("alt+m")
            places.append(bench.editor.cursor_location[1])
        assert places == [11, 1, 1, 5]
