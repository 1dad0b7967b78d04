"""Editing comforts: indentation, comments, Home, alt keys, clipboard, undo, what is reported."""

import pytest
from textual.events import Paste


@pytest.mark.parametrize(
    ("text", "place", "after", "cursor"),
    [
        ("x = 1", (0, 5), "x = 1\n", (1, 0)),
        ("    x = 1", (0, 9), "    x = 1\n    ", (1, 4)),
        ("def f():", (0, 8), "def f():\n    ", (1, 4)),
        ("if x:  # why: not", (0, 17), "if x:  # why: not\n    ", (1, 4)),
        ("s = '# no:'", (0, 11), "s = '# no:'\n", (1, 0)),
        ("f(", (0, 2), "f(\n    ", (1, 4)),
        ("    a = [1, {", (0, 13), "    a = [1, {\n        ", (1, 8)),
        ("\tif x:", (0, 6), "\tif x:\n\t\t", (1, 2)),
        ("if x:\n  y\nz:", (2, 2), "if x:\n  y\nz:\n  ", (3, 2)),
        ("    ", (0, 4), "\n    ", (1, 4)),
        ("    x", (0, 2), "\n  x", (1, 2)),
        ("one two", (0, 3), "one\ntwo", (1, 0)),
        ("", (0, 0), "\n", (1, 0)),
    ],
)
async def test_enter_keeps_the_indentation_and_opens_blocks(editing, text, place, after, cursor):
    async with editing(text) as bench:
        bench.editor.move_cursor(place)
        await bench.keys("enter")
        assert (bench.editor.text, bench.editor.cursor_location) == (after, cursor)
        await bench.keys("ctrl+z")
        assert (bench.editor.text, bench.editor.cursor_location) == (text, place)


async def test_enter_replaces_a_selection(editing):
    async with editing("    one\n    two\n") as bench:
        bench.editor.move_cursor((0, 5))
        bench.editor.move_cursor((1, 6), select=True)
        await bench.keys("enter")
        assert bench.editor.text == "    o\n    o\n"


@pytest.mark.parametrize(
    ("text", "place", "after"),
    [
        ("", (0, 0), "    "),
        ("ab", (0, 2), "ab  "),
        ("\tx\n", (1, 0), "\tx\n\t"),
        ("字", (0, 1), "字  "),
    ],
)
async def test_tab_goes_to_the_next_level(editing, text, place, after):
    async with editing(text) as bench:
        bench.editor.move_cursor(place)
        await bench.keys("tab")
        assert bench.editor.text == after
        assert bench.editor.has_focus


async def test_tab_and_shift_tab_move_selected_lines(editing):
    async with editing("a\n\n  b\nc\n") as bench:
        bench.editor.move_cursor((0, 1))
        bench.editor.move_cursor((3, 0), select=True)  # the line c is not touched
        await bench.keys("tab")
        assert bench.editor.text == "  a\n\n    b\nc\n"
        assert bench.editor.selection == ((0, 3), (3, 0))
        await bench.keys("shift+tab", "shift+tab")
        assert bench.editor.text == "a\n\nb\nc\n"
        assert bench.editor.selection == ((0, 1), (3, 0))
        await bench.keys("ctrl+z", "ctrl+z")
        assert bench.editor.text == "  a\n\n    b\nc\n"
        await bench.keys("ctrl+z")
        assert bench.editor.text == "a\n\n  b\nc\n"


@pytest.mark.parametrize("key", ["ctrl+underscore", "ctrl+slash"])
async def test_comments_are_toggled(editing, key):
    async with editing("if x:\n\n    y()\nz\n") as bench:
        bench.editor.move_cursor((2, 5), select=True)
        await bench.keys(key)
        assert bench.editor.text == "# if x:\n\n#     y()\nz\n"
        await bench.keys(key)
        assert bench.editor.text == "if x:\n\n    y()\nz\n"
        assert bench.editor.selection == ((0, 0), (2, 5))


async def test_the_comment_sign_is_the_languages(editing):
    async with editing("let x;\n", path="a.js") as bench:
        await bench.keys("ctrl+slash")
        assert bench.editor.text == "// let x;\n"
    async with editing("{}\n", path="a.json") as bench:
        await bench.keys("ctrl+slash")
        assert bench.editor.text == "{}\n"


async def test_home_goes_to_the_first_sign_and_then_to_the_margin(editing):
    async with editing("    x = 1\n") as bench:
        bench.editor.move_cursor((0, 7))
        places = []
        for _ in range(3):
            await bench.keys("home")
            places.append(bench.editor.cursor_location[1])
        assert places == [4, 0, 4]


async def test_modified_keys_are_never_text(editing):
    async with editing("x\n") as bench:
        await bench.keys("alt+n", "alt+right_square_bracket", "super+s", "alt+N")
        assert bench.editor.text == "x\n"


async def test_quotes_and_brackets_are_not_closed(editing):
    async with editing("") as bench:
        await bench.keys("(", '"', "[", "{")
        assert bench.editor.text == '("[{'


async def test_keys_sent_at_once_keep_their_order(editing):
    async with editing("") as bench:
        await bench.keys(
            "i", "f", " ", "x", ":", "enter", "y", "backspace", "z", "enter", "tab", "w"
        )
        assert bench.editor.text == "if x:\n    z\n        w"


async def test_copy_cut_and_paste_reach_the_terminals_clipboard(editing):
    async with editing("one two\n") as bench:
        bench.editor.move_cursor((0, 3), select=True)
        await bench.keys("ctrl+c")
        assert bench.app.clipboard == "one"
        await bench.keys("ctrl+x", "end", "ctrl+v")
        assert bench.editor.text == " twoone\n"


async def test_a_paste_brings_one_kind_of_newline_and_no_nul(editing):
    async with editing("") as bench:
        bench.app.post_message(Paste("a\r\nb\rc\0\x0cd"))
        await bench.settle()
        assert bench.editor.document.lines == ["a", "b", "c\x0cd"]
        await bench.keys("ctrl+z")
        assert bench.editor.text == ""


async def test_a_read_only_text_can_be_walked_and_not_changed(editing):
    async with editing("one\ntwo\n", read_only=True) as bench:
        await bench.keys(
            "x", "enter", "tab", "shift+tab", "backspace", "ctrl+slash", "ctrl+x", "down"
        )
        assert bench.editor.text == "one\ntwo\n"
        assert bench.editor.cursor_location == (1, 0)


async def test_typing_after_an_undo_is_a_step_of_its_own(editing):
    async with editing("") as bench:
        await bench.keys("a", "b", "enter", "c")
        await bench.keys("ctrl+z", "d")
        assert bench.editor.text == "ab\nd"
        await bench.keys("ctrl+z")
        assert bench.editor.text == "ab\n"


async def test_what_happened_is_told(editing):
    async with editing("x\n") as bench:
        bench.told.clear()
        await bench.keys("a", "right", "ctrl+z", "ctrl+z", "ctrl+y")
        assert bench.told == [
            ("edited", "typed"),
            ("moved",),
            ("edited", "undone"),
            ("edited", "undone"),
        ]


async def test_modified_compares_with_what_was_saved(editing):
    async with editing("x\n") as bench:
        assert not bench.editor.modified
        await bench.keys("a")
        assert bench.editor.modified
        await bench.keys("ctrl+z")
        assert not bench.editor.modified
        await bench.keys("b")
        bench.editor.mark_saved()
        assert not bench.editor.modified


async def test_load_starts_anew(editing):
    async with editing("x = 1\n") as bench:
        await bench.keys("down", "a")
        bench.editor.load("\tone\r\n\x0c", path="b.txt", read_only=True)
        await bench.settle()
        assert bench.editor.document.lines == ["\tone", "\x0c"]
        assert (bench.editor.modified, bench.editor.read_only) == (False, True)
        assert (bench.editor.language_name, bench.editor.indentation) == (None, "\t")
        assert bench.editor.cursor_location == (0, 0)
        await bench.keys("ctrl+z")
        assert bench.editor.document[0] == "\tone"
        assert bench.told[-1] == ("edited", "loaded")


async def test_go_to_counts_from_one_and_stays_in_the_text(editing):
    async with editing("one\ntwo\n") as bench:
        bench.editor.go_to(2, 3)
        assert bench.editor.cursor_location == (1, 2)
        bench.editor.go_to(99, 99)
        assert bench.editor.cursor_location == (2, 0)


async def test_the_text_around_the_cursor_is_cut_to_what_a_request_carries(editing):
    lines = [f"{n:05}" for n in range(20_000)]
    text = "\n".join(lines)
    async with editing(text, path="a.txt") as bench:
        bench.editor.move_cursor((10_000, 2))
        prefix, suffix = bench.editor.cursor_offset_text()
        offset = 10_000 * 6 + 2
        assert prefix == text[offset - 32_768 : offset]
        assert suffix == text[offset : offset + 16_384]
    async with editing("x" * 100_000) as bench:
        bench.editor.move_cursor((0, 50_000))
        assert [len(part) for part in bench.editor.cursor_offset_text()] == [32_768, 16_384]
    async with editing("a\nb") as bench:
        assert bench.editor.cursor_offset_text() == ("", "a\nb")


async def test_the_partner_of_a_bracket_is_shown_and_a_far_one_is_not_searched_for(editing):
    async with editing("f(a, [1])\n", path="a.txt") as bench:
        bench.editor.move_cursor((0, 1))
        await bench.settle()
        marked = bench.style(8, 0).bgcolor
        assert marked != bench.style(7, 0).bgcolor
    async with editing("(" + "x" * 300_000 + ")", path="a.txt") as bench:
        bench.editor.move_cursor((0, 0))
        assert bench.editor.matching_bracket_location is None


async def test_ctrl_home_and_ctrl_end_go_to_the_ends_of_the_file(editing):
    async with editing("one\n  two\nthree") as bench:
        bench.editor.move_cursor((1, 3))
        await bench.keys("ctrl+end")
        assert bench.editor.cursor_location == (2, 5)
        await bench.keys("ctrl+home")
        assert bench.editor.cursor_location == (0, 0)
