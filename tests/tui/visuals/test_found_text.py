"""Rows of what was found: cut to their width, with the match in sight, steering nothing."""

from pathlib import Path

from tests.tui.visuals.inks import INKS
from tui.search.found_rows import FoundRows
from tui.search.in_files import FoundFile, FoundMatch
from tui.search.in_text import TextMatch
from tui.visuals.found_text import found_row_text, found_sum_text


def found(left: str = "    x = ", text: str = "old", right: str = " + 1") -> FoundRows:
    match = FoundMatch(TextMatch((11, 0), (11, 3), 0), left, text, right, {})
    files = FoundRows()
    files.add(FoundFile("a/b.py", Path("/r/a/b.py"), [match], b"", whole=True))
    return files


def test_a_file_and_its_match() -> None:
    files = found()
    assert found_row_text(files[0], None, 20, INKS).plain == "a/b.py  1           "
    assert found_row_text(files[1], None, 24, INKS).plain == "    12  x = old + 1     "


def test_a_replacement_is_shown_beside_what_it_replaces() -> None:
    files = found()
    assert found_row_text(files[1], "new", 30, INKS).plain.rstrip() == "☑     12  x = old→new + 1"
    files.toggle(1)
    assert found_row_text(files[1], "new", 30, INKS).plain.rstrip() == "☐     12  x = old + 1"
    assert found_row_text(files[0], "", 30, INKS).plain.startswith("☐ a/b.py")


def test_a_long_line_is_cut_before_its_match() -> None:
    row = found(left="y" * 100)[1]
    text = found_row_text(row, None, 40, INKS)
    assert (text.cell_len, "…" in text.plain, "old + 1" in text.plain) == (40, True, True)


def test_a_line_with_room_is_whole() -> None:
    row = found(left="from package import ", right="")[1]
    assert found_row_text(row, None, 40, INKS).plain.rstrip() == "    12  from package import old"


def test_nothing_in_a_file_steers_the_terminal() -> None:
    text = found_row_text(found("\x1b[2J", "a\nb", "\x07")[1], None, 60, INKS).plain
    assert text.isprintable()
    assert "a↵b" in text


def test_the_sum_says_what_was_left_out() -> None:
    assert found_sum_text(found(), 7, 0, "") == "1 match in 1 file, 7 searched"
    assert found_sum_text(FoundRows(), 7, 2, "…") == (
        "0 matches in 0 files, 7 searched; 2 left out: private, large or no text; …"
    )
