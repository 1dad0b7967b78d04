"""The row of open files: it fits, shows the current one, and tells equal names apart."""

from pathlib import PurePath

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.visuals.inks import INKS
from tui.visuals.tab_text import Tab, tab_names, tab_row


def row(tabs: list[Tab], current: int, width: int) -> str:
    return tab_row(tabs, current, width, INKS).text.plain


def test_names_with_marks() -> None:
    assert row([Tab("a.py"), Tab("b.py", unsaved=True)], 0, 40) == " a.py  b.py ● "


def test_equal_names_get_their_folders() -> None:
    paths = ["/r/a/__init__.py", "/r/b/__init__.py", "/r/b/x.py", "/q/b/__init__.py"]
    assert tab_names([PurePath(each) for each in paths]) == [
        "a/__init__.py", "r/b/__init__.py", "x.py", "q/b/__init__.py",
    ]  # fmt: skip


def test_what_has_no_room_is_told_by_a_sign() -> None:
    tabs = [Tab(f"file{number}.py") for number in range(9)]
    assert row(tabs, 0, 32) == " file0.py  file1.py  file2.py  ›"
    assert row(tabs, 8, 32).startswith("‹file6.py")
    assert " file4.py " in row(tabs, 4, 32)


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in row([Tab("a\x1b]0;b.py"), Tab("c")], 0, 40)


@given(
    names=st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=20),
    width=st.integers(1, 100),
    data=st.data(),
)
def test_the_row_fits_and_a_click_finds_what_is_under_it(
    names: list[str], width: int, data: st.DataObject
) -> None:
    current = data.draw(st.integers(0, len(names) - 1))
    drawn = tab_row([Tab(name) for name in names], current, width, INKS)
    assert drawn.text.cell_len <= width
    assert current in [number for _, _, number in drawn.places]
    for start, end, number in drawn.places:
        assert [drawn.at(cell) for cell in range(start, end)] == [number] * (end - start)
    assert drawn.at(width) is None
