"""Where ghost text lies: no cell of it is lost, and rows below know where they are."""

from hypothesis import given
from hypothesis import strategies as st

from tui.code.cells import cell_of_column
from tui.code.ghost_block import GhostBlock

LINE = st.text("ab字\t ", max_size=30)


def block(text, column, ghost, *, width=10, left=0, wrapped=False, natural=1, room=0, top=0):
    return GhostBlock(0, text, column, ghost, top, natural, width, left, 4, wrapped, room)


def shown(made):
    """Return the text of each row as the view shows it."""
    texts = []
    for row in made.rows:
        end = row.left + (made.width if row.cells is None else row.cells)
        cells = [cell_of_column(row.text, c, 4) for c in range(len(row.text))]
        texts.append(
            "".join(
                character
                for character, cell in zip(row.text, cells, strict=True)
                if row.left <= cell < end
            )
        )
    return texts


def test_a_ghost_wider_than_the_view_goes_on_below():
    made = block("x = ", 4, "abcdefghij")
    assert shown(made) == ["x = abcdef", "ghij"]
    assert made.extra == 1


def test_code_right_of_the_cursor_may_run_out_of_view_but_not_the_ghost():
    assert shown(block("f() + something_long", 2, "x")) == ["f(x) + som"]
    assert shown(block("f() + something_long", 2, "abcdefghijk")) == ["f(abcdefgh", "ijk) + som"]


def test_a_scrolled_view_breaks_at_its_own_edge():
    made = block("0123456789abcdef", 16, "GHIJKLMNOP\nlong ghost line", left=10)
    assert shown(made) == ["abcdefGHIJ", "KLMNOP", " line"]


def test_a_cursor_out_of_view_breaks_nothing():
    assert len(block("0123456789abcdef", 2, "ghost" * 9, left=10).rows) == 1


def test_wrapped_code_and_ghost_are_one_line():
    made = block("one two three", 8, "and a half ", wrapped=True, natural=2)
    assert "".join(shown(made)) == "one two and a half three"
    assert made.extra == len(made.rows) - 2


def test_rows_below_move_down():
    made = block("x", 1, "\ny\nz", top=2)
    assert [made.row_at(y) is not None for y in range(6)] == [False] * 2 + [True] * 3 + [False]
    assert [made.row_of_view(y) for y in (0, 1, 5, 6)] == [0, 1, 3, 4]


@given(LINE, st.data(), st.text("xy字\t \n", min_size=1, max_size=60), st.booleans())
def test_every_character_of_the_ghost_is_in_one_row(line, data, ghost, wrapped):
    column = data.draw(st.integers(0, len(line)))
    width = data.draw(st.integers(4, 30))
    if cell_of_column(line, column, 4) >= width and not wrapped:
        return
    made = block(line, column, ghost, width=width, wrapped=wrapped)
    drawn = "".join("".join(shown(made)).split())  # a space may hang over the edge
    first, _, others = ghost.partition("\n")
    for part in (first, others):
        assert "".join(part.split()) in drawn


@given(LINE, st.data(), st.text("xy字", min_size=1, max_size=40))
def test_a_click_finds_the_column_that_is_drawn_there(line, data, ghost):
    column = data.draw(st.integers(0, len(line)))
    made = block(line, column, ghost, width=12, wrapped=True)
    seen = set()
    for row in made.rows:
        for cell in range(12):
            place = made.column_at(row, cell)
            assert 0 <= place <= len(line)
            seen.add(place)
    assert seen >= {place for place, character in enumerate(line) if character != " "}
