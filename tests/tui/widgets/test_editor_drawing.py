"""What is on the screen: ghost rows, scrolling, wide characters, tabs, the mouse below a ghost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

CODE = "def f(x):\n    \n\nz = 1\nlast"


async def test_further_lines_are_rows_below_the_cursor_and_real_text_moves_right(editing):
    async with editing("f(x) + 1\nnext\n") as bench:
        await bench.ghost("y, [\n    1,\n    2,\n], ", (0, 2))
        assert bench.rows()[:6] == ["f(y, [x) + 1", "    1,", "    2,", "],", "next", ""]
        numbers = [row[: bench.editor.gutter_width].strip() for row in bench.raw_rows()]
        assert numbers[:6] == ["1", "", "", "", "2", "3"]
        assert all(cell_len(row) == 60 for row in bench.raw_rows())


async def test_ghost_is_dim_and_italic_and_code_keeps_its_colours(editing):
    async with editing("x = None\nnext = True\n") as bench:
        before = [bench.style(x, 0).color for x in (4, 5, 6, 7)]
        plain = bench.style(7, 1).color
        await bench.ghost("y or\n    z", (0, 4))
        assert [bench.style(x, 0).color for x in (8, 9, 10, 11)] == before
        ghost = bench.style(5, 0)
        assert (ghost.italic, ghost.dim) == (True, True)
        assert bench.style(4, 1).italic
        assert not bench.style(9, 0).italic
        assert bench.style(7, 2).color == plain
        assert ghost.bgcolor == bench.style(1, 0).bgcolor != bench.style(4, 1).bgcolor


async def test_fenced_code_in_markdown_has_the_colours_of_its_language(editing):
    text = '```py\nreturn "x"\n```\n'
    async with editing(text, path="a.md") as bench:
        assert bench.style(0, 1).color != bench.style(8, 1).color
    async with editing(text.replace("py", "unknown"), path="a.md") as bench:
        assert bench.style(0, 1).color == bench.style(8, 1).color


async def test_a_ghost_splits_the_colour_of_a_token_it_stands_in(editing):
    async with editing('x = "ab"\n') as bench:
        colour = bench.style(5, 0).color
        await bench.ghost("??", (0, 6))
        assert bench.rows()[0] == 'x = "a??b"'
        assert bench.style(5, 0).color == bench.style(8, 0).color == colour
        assert bench.style(7, 0).color != colour


async def test_the_rest_of_a_ghost_without_room_is_counted(editing):
    text = "\n".join(f"line{n}" for n in range(30))
    async with editing(text, path="a.txt", size=(40, 6)) as bench:
        bench.editor.move_cursor((10, 6))
        await bench.ghost(" a\nb\nc\nd\ne\nf\ng")
        bench.editor.scroll_to(0, 8, animate=False)
        await bench.settle()
        assert bench.rows() == ["line8", "line9", "line10 a", "b", "c", "d  … +3 lines"]
        bench.editor.scroll_to(0, 5, animate=False)
        await bench.settle()
        assert bench.rows()[-1] == "line10 a  … +6 lines"
        bench.editor.scroll_to(0, 12, animate=False)
        await bench.settle()
        assert bench.rows() == ["c", "d", "e", "f", "g", "line11"]
        bench.editor.scroll_to(0, 4, animate=False)
        await bench.settle()
        assert bench.rows()[-1] == "line9"


async def test_the_count_fits_into_a_full_row_and_counts_one_line(editing):
    text = "x" * 200 + "\n" * 9
    async with editing(text, path="a.txt", size=(30, 5)) as bench:
        height = bench.editor.scrollable_content_region.height
        await bench.ghost("a" + "\nb" * height, (0, 3))
        bench.editor.scroll_to(0, 0, animate=False)
        await bench.settle()
        assert bench.rows()[-1] == "b  … +1 line"
        bench.editor.ghost = "a" + "\nb" * (height - 2) + "\n" + "y" * 60
        visible = bench.raw_rows()[-1][: bench.editor.scrollable_content_region.width]
        assert visible.endswith("yyy … +2 lines ")


async def test_a_cursor_moved_by_keys_keeps_room_below(editing):
    text = "\n".join(f"line{n}" for n in range(100))
    async with editing(text, path="a.txt", size=(40, 15)) as bench:
        await bench.keys(*["down"] * 30)
        top = bench.editor.scroll_offset.y
        room = bench.editor.scrollable_content_region.height // 3
        assert 30 - top == bench.editor.scrollable_content_region.height - 1 - room
        bench.editor.move_cursor(bench.editor.document.end)
        await bench.settle()
        assert bench.rows()[-room:] == [""] * room
        assert bench.rows()[-room - 1] == "line99"


async def test_the_start_of_a_line_comes_back_into_view(editing):
    text = "def f():\n" + "    x" * 30
    for keys in (["enter"], ["up"], ["home"], ["home", *["right"] * 9]):
        async with editing(text, path="a.py", size=(40, 10)) as bench:
            await bench.keys("down", "end")
            assert bench.editor.scroll_offset.x > 0
            await bench.keys(*keys)
            assert bench.editor.scroll_offset.x == 0, keys


async def test_a_pressed_button_does_not_scroll_to_the_start_of_a_line(editing):
    async with editing("x" * 150 + "\nnext", path="a.txt", size=(40, 10)) as bench:
        bench.editor.scroll_to(12, 0, animate=False)
        await bench.settle()
        await bench.pilot.mouse_down(bench.editor, offset=(20, 0))
        assert bench.editor.cursor_location == (0, 20 + 12 - bench.editor.gutter_width)
        assert bench.editor.scroll_offset.x == 12
        await bench.pilot.mouse_up(bench.editor, offset=(20, 0))
        assert bench.editor.selection.is_empty


@pytest.mark.parametrize("scroll", [0, 1, 3, 4, 9])
async def test_horizontal_scrolling_moves_ghost_and_code_alike(editing, scroll):
    text = "a字b\tcd" + "-" * 80 + "\nnext" + "." * 80
    async with editing(text, size=(30, 8)) as bench:
        await bench.ghost("字ö\n\tü字x", (0, 3))
        full = ["a字b字ö cd", "    ü字x"]  # the first tab starts at cell 7
        bench.editor.scroll_to(scroll, 0, animate=False)
        await bench.settle()
        for row, whole in zip(bench.raw_rows(), full, strict=False):
            shown = row[bench.editor.gutter_width :]
            assert cell_len(row) == 30
            assert shown.startswith(_cells(whole, scroll))


def _cells(text: str, start: int) -> str:
    """Return ``text`` from cell ``start`` on, half a wide character as a space."""
    width = 0
    for column, character in enumerate(text):
        if width >= start:
            return " " * (width - start) + text[column:]
        width += cell_len(character)
    return ""


async def test_control_characters_are_shown_and_never_sent(editing):
    async with editing("a\x1b[31mred\x07\x85\u202eabc\n", path="a.txt") as bench:
        await bench.ghost("\x1b]0;title\x07", (0, 1))
        drawn = "".join(bench.raw_rows())
        assert drawn.isprintable()
        assert bench.rows()[0] == "a␛]0;title␇␛[31mred␇·‧abc"


async def test_the_cursor_is_drawn_on_the_first_cell_of_the_ghost(editing):
    async with editing("ab\n") as bench:
        cursor = bench.style(0, 0)
        await bench.ghost("xy", (0, 1))
        assert bench.style(1, 0).bgcolor == cursor.bgcolor
        assert bench.style(2, 0).bgcolor != cursor.bgcolor


async def test_a_selection_shows_its_line_ends(editing):
    async with editing("ab\n\ncd\n", path="a.txt") as bench:
        bench.editor.move_cursor((0, 1))
        bench.editor.move_cursor((2, 1), select=True)
        selected = bench.style(1, 0).bgcolor
        cells = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1), (0, 2)]
        marked = [cell for cell in cells if bench.style(*cell).bgcolor == selected]
        assert marked == [(1, 0), (2, 0), (0, 1), (0, 2)]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.text("ab字\t 😀e\u0301", max_size=30), min_size=1, max_size=4),
    st.text("x字\n\té", min_size=1, max_size=20),
    st.data(),
)
async def test_every_row_has_the_width_of_the_view(lines, ghost, data):
    from tests.tui.widgets.conftest import Harness
    from tui.widgets.editor import Editor

    app = Harness(Editor("\n".join(lines), path="a.txt"))
    async with app.run_test(size=(24, 10)) as pilot:
        editor = app.editor
        editor.focus()
        row = data.draw(st.integers(0, len(lines) - 1))
        editor.move_cursor((row, data.draw(st.integers(0, len(lines[row])))))
        await pilot.pause()
        editor.ghost = ghost
        editor.scroll_to(data.draw(st.integers(0, 40)), 0, animate=False, force=True)
        for y in range(editor.size.height):
            strip = editor.render_line(y)
            assert cell_len(strip.text) == strip.cell_length == editor.size.width


# ── the mouse ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "place"),
    [
        ((2, 3), (2, 2)),  # the line below the ghost
        ((1, 4), (3, 1)),
        ((9, 9), (3, 5)),  # below the text: its last line
        ((1, 0), (0, 1)),
        ((3, 1), (1, 3)),  # left of the ghost in its line
        ((8, 1), (1, 5)),  # right of it
        ((6, 2), (1, 6)),  # on a virtual row: the end of its line
    ],
)
async def test_a_click_lands_on_what_is_drawn_there(editing, cell, place):
    async with editing("def f(x):\n    ab\nnext = 2\nlast1", size=(40, 12)) as bench:
        await bench.ghost("x =\n    y", (1, 4))
        x, y = cell
        await bench.pilot.click(bench.editor, offset=(x + bench.editor.gutter_width, y))
        assert bench.editor.cursor_location == place
        assert bench.editor.selection.is_empty
        assert bench.editor.ghost == ""
        assert bench.rows()[2] == "next = 2"


async def test_a_click_on_the_ghost_moves_nothing(editing):
    async with editing("def f(x):\n    ab\n", size=(40, 12)) as bench:
        await bench.ghost("x =\n    y", (1, 4))
        await bench.pilot.click(bench.editor, offset=(5 + bench.editor.gutter_width, 1))
        assert (bench.editor.cursor_location, bench.told) == ((1, 4), [])


async def test_rows_stay_while_the_button_is_held_so_that_a_click_selects_nothing(editing):
    async with editing(CODE, size=(40, 12)) as bench:
        await bench.ghost("x = [\n    1\n    ]", (1, 4))
        gutter = bench.editor.gutter_width
        await bench.pilot.mouse_down(bench.editor, offset=(gutter + 2, 5))
        assert bench.editor.ghost == ""
        assert bench.rows()[:6] == ["def f(x):", "", "", "", "", "z = 1"]
        await bench.pilot.hover(bench.editor, offset=(gutter + 4, 5))
        assert bench.editor.selection == ((3, 2), (3, 4))
        await bench.pilot.mouse_up(bench.editor, offset=(gutter + 4, 5))
        assert bench.rows()[:4] == ["def f(x):", "", "", "z = 1"]


async def test_clicks_with_wide_characters_and_tabs(editing):
    async with editing("字字\tx\n", size=(40, 8)) as bench:
        gutter = bench.editor.gutter_width
        for cell, column in [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (7, 2), (8, 3), (9, 4)]:
            await bench.pilot.click(bench.editor, offset=(gutter + cell, 0))
            assert bench.editor.cursor_location == (0, column), cell
            await bench.pilot.pause(0)


async def test_a_double_click_selects_a_word_and_a_triple_click_a_line(editing):
    async with editing("one two_2(x)\n", path="a.txt", size=(40, 8)) as bench:
        gutter = bench.editor.gutter_width
        await bench.pilot.click(bench.editor, offset=(gutter + 6, 0), times=2)
        assert bench.editor.selected_text == "two_2"
        await bench.pilot.click(bench.editor, offset=(gutter + 6, 0), times=3)
        assert bench.editor.selected_text == "one two_2(x)"
