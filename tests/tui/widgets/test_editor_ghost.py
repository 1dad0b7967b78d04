"""Ghost text and keys: what accepts it, what keeps it, what drops it."""

import pytest

GHOST = "return [\n        x,\n        y,\n    ]"
CODE = "def f(x, y):\n    \n\nz = 1\n"


async def test_tab_accepts_all_and_one_undo_takes_it_back(editing):
    async with editing(CODE) as bench:
        await bench.ghost(GHOST, (1, 4))
        await bench.keys("tab")
        assert bench.editor.text == f"def f(x, y):\n    {GHOST}\n\nz = 1\n"
        assert bench.editor.cursor_location == (4, 5)
        assert bench.editor.ghost == ""
        assert bench.told == [("accepted", GHOST, "all"), ("edited", "accepted")]
        await bench.keys("ctrl+z")
        assert bench.editor.text == CODE
        assert bench.editor.cursor_location == (1, 4)
        await bench.keys("ctrl+y")
        assert bench.editor.text == f"def f(x, y):\n    {GHOST}\n\nz = 1\n"


async def test_an_undo_after_accept_takes_neither_typing_before_nor_after_it(editing):
    async with editing("") as bench:
        await bench.keys("a", "b")
        bench.editor.ghost = "c"
        await bench.keys("tab")
        await bench.keys("d", "e")
        assert bench.editor.text == "abcde"
        await bench.keys("ctrl+z")
        assert bench.editor.text == "abc"
        await bench.keys("ctrl+z")
        assert bench.editor.text == "ab"
        await bench.keys("ctrl+z")
        assert bench.editor.text == ""


async def test_words_are_accepted_one_by_one_also_across_lines(editing):
    async with editing(CODE) as bench:
        await bench.ghost("return [\n        x,", (1, 4))
        seen = []
        for _ in range(4):
            await bench.keys("ctrl+right")
            seen.append(
                (bench.editor.document[bench.editor.cursor_location[0]], bench.editor.ghost)
            )
        assert seen == [
            ("    return", " [\n        x,"),
            ("    return [", "\n        x,"),
            ("        x", ","),
            ("        x,", ""),
        ]
        assert ("accepted", "\n        x", "word") in bench.told
        assert not [told for told in bench.told if told[0] in ("dismissed", "moved")]


async def test_without_a_ghost_ctrl_right_moves_a_word(editing):
    async with editing("one two\n") as bench:
        await bench.keys("ctrl+right")
        assert bench.editor.cursor_location == (0, 3)
        assert bench.editor.text == "one two\n"


@pytest.mark.parametrize("key", ["shift+tab", "end"])
async def test_lines_are_accepted_one_by_one(editing, key):
    async with editing(CODE) as bench:
        await bench.ghost("a = 1\n\n    b = 2\n    c = 3", (1, 4))
        await bench.keys(key)
        assert (bench.editor.document[1], bench.editor.ghost) == (
            "    a = 1",
            "\n\n    b = 2\n    c = 3",
        )
        await bench.keys(key)
        assert bench.editor.document.lines[1:4] == ["    a = 1", "", "    b = 2"]
        await bench.keys(key)
        assert bench.editor.ghost == ""
        assert bench.editor.document[4] == "    c = 3"
        await bench.keys("ctrl+z")
        assert bench.editor.document[4] == ""


async def test_end_inside_a_line_moves_and_drops_the_ghost(editing):
    async with editing("f(x) + 1\n") as bench:
        await bench.ghost("y, ", (0, 2))
        await bench.keys("end")
        assert bench.editor.cursor_location == (0, 8)
        assert bench.told == [("dismissed", "moved"), ("moved",)]


async def test_shift_tab_without_a_ghost_dedents(editing):
    async with editing("        x\n") as bench:
        bench.editor.move_cursor((0, 9))
        await bench.keys("shift+tab")
        assert (bench.editor.text, bench.editor.cursor_location) == ("    x\n", (0, 5))
        assert bench.editor.has_focus


async def test_escape_dismisses_and_keeps_the_focus(editing):
    async with editing(CODE) as bench:
        await bench.ghost(GHOST, (1, 4))
        await bench.keys("escape")
        assert (bench.editor.ghost, bench.editor.text) == ("", CODE)
        assert bench.told == [("dismissed", "escape")]
        await bench.keys("escape", "escape")
        assert bench.editor.has_focus
        assert bench.told == [("dismissed", "escape")]


async def test_typing_what_the_ghost_says_keeps_the_rest(editing):
    async with editing(CODE) as bench:
        await bench.ghost("x = 1\n    y = 2", (1, 4))
        await bench.keys("x", " ", "=")
        assert bench.editor.ghost == " 1\n    y = 2"
        await bench.keys(" ", "1", "enter")
        assert bench.editor.document.lines[1:3] == ["    x = 1", "    "]
        assert bench.editor.ghost == "y = 2"
        await bench.keys("y")
        assert bench.editor.ghost == " = 2"
        assert {told[1] for told in bench.told} == {"typed"}
        await bench.keys(" ", "=", " ", "2")
        assert bench.editor.ghost == ""
        assert (
            bench.told[-1] == ("dismissed", "finished") or ("dismissed", "finished") in bench.told
        )


async def test_enter_that_indents_otherwise_than_the_ghost_drops_it(editing):
    async with editing("def f():\n    x = 1") as bench:
        await bench.ghost("\n\nz = 2", (1, 9))
        await bench.keys("enter")
        assert bench.editor.ghost == ""
        assert ("dismissed", "typed") in bench.told


async def test_enter_on_a_blank_line_clears_it_and_keeps_a_ghost_that_agrees(editing):
    async with editing("if x:\n    ") as bench:
        await bench.ghost("\n    y = 1", (1, 4))
        await bench.keys("enter")
        assert bench.editor.text == "if x:\n\n    "
        assert bench.editor.ghost == "y = 1"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (["q"], "typed"),
        (["backspace"], "typed"),
        (["left"], "moved"),
        (["right"], "moved"),
        (["down"], "moved"),
        (["home"], "moved"),
        (["shift+left"], "moved"),
        (["pagedown"], "moved"),
        (["ctrl+z"], "undo"),
        (["ctrl+y"], "undo"),
    ],
)
async def test_anything_else_drops_it(editing, keys, reason):
    async with editing(CODE) as bench:
        await bench.keys("#")
        await bench.ghost("x = 1", (1, 3))
        await bench.keys(*keys)
        assert bench.editor.ghost == ""
        assert ("dismissed", reason) in bench.told
        assert "x = 1" not in bench.editor.text


async def test_losing_the_focus_drops_it(editing):
    async with editing(CODE) as bench:
        await bench.ghost(GHOST, (1, 4))
        bench.app.query_one("Button").focus()
        await bench.settle()
        assert bench.told == [("dismissed", "blur")]
        bench.editor.ghost = GHOST
        assert bench.editor.ghost == ""


async def test_an_edit_elsewhere_drops_it(editing):
    async with editing(CODE) as bench:
        await bench.ghost("x = 1", (1, 4))
        bench.editor.insert("x", (3, 0))
        assert bench.editor.ghost == ""


async def test_a_paste_that_the_ghost_says_keeps_the_rest(editing):
    async with editing(CODE) as bench:
        await bench.ghost("x = 1", (1, 4))
        bench.app.copy_to_clipboard("x =")
        await bench.keys("ctrl+v")
        assert bench.editor.ghost == " 1"


async def test_no_ghost_over_a_selection_or_in_a_read_only_text(editing):
    async with editing(CODE) as bench:
        await bench.keys("shift+right")
        bench.editor.ghost = "x"
        assert bench.editor.ghost == ""
    async with editing(CODE, read_only=True) as bench:
        bench.editor.ghost = "x"
        await bench.keys("tab", "x", "enter")
        assert (bench.editor.ghost, bench.editor.text) == ("", CODE)


async def test_a_streamed_ghost_grows_in_place(editing):
    async with editing(CODE) as bench:
        await bench.ghost("x", (1, 4))
        assert bench.rows()[1] == "    x"
        bench.editor.ghost = "x = 1\n    y"
        assert bench.rows()[1:3] == ["    x = 1", "    y"]
        bench.editor.ghost = "x = 1\n    y = 2"
        assert bench.rows()[1:4] == ["    x = 1", "    y = 2", ""]
        assert bench.told == []


# ── Tab between accepting and indenting ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "place", "ghost", "after"),
    [
        # leading space, less deep than the line above asks for: indent
        ("def f():\n", (1, 0), "return 1", "def f():\n    "),
        ("if x:\n    y\n", (2, 0), "z", "if x:\n    y\n    "),
        ("a = [\n", (1, 0), "1,", "a = [\n    "),
        # the ghost starts with space: indent
        ("x = 1\n", (1, 0), "    y", "x = 1\n    "),
        # as deep as it should be: accept
        ("def f():\n    ", (1, 4), "return 1", "def f():\n    return 1"),
        ("x = 1\n", (1, 0), "y = 2", "x = 1\ny = 2"),
        ("", (0, 0), "import os", "import os"),
        # code left of the cursor: accept, whatever the ghost starts with
        ("def f():", (0, 8), "\n    return 1", "def f():\n    return 1"),
        ("    x =", (0, 7), " 1", "    x = 1"),
    ],
)
async def test_tab_indents_in_leading_space_that_is_too_short(editing, text, place, ghost, after):
    async with editing(text) as bench:
        await bench.ghost(ghost, place)
        await bench.keys("tab")
        assert bench.editor.text == after


async def test_tab_that_indents_types_through_the_ghost(editing):
    async with editing("def f():\n") as bench:
        await bench.ghost("    return 1", (1, 0))
        await bench.keys("tab")
        assert (bench.editor.document[1], bench.editor.ghost) == ("    ", "return 1")
        await bench.keys("tab")
        assert (bench.editor.document[1], bench.editor.ghost) == ("    return 1", "")
