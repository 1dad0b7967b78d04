import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.cli.file_place import FilePlace, PlaceError, cut, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.py:3", FilePlace("a.py", 3)),
        ("a.py:3:7", FilePlace("a.py", 3, 7)),
        ("dir/with space/a.py:12", FilePlace("dir/with space/a.py", 12)),
        ("odd:name:3:7", FilePlace("odd:name", 3, 7)),
        ("a:1:2:3", FilePlace("a:1", 2, 3)),
        ("a.py:0", FilePlace("a.py", 0)),
    ],
)
def test_places_parse(text: str, place: FilePlace) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text", ["", "a.py", "a.py:", ":3", "a.py:x", "a.py:-1", "a.py:3:", "a:1.5"]
)
def test_other_forms_are_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(PlaceError, match="FILE:LINE"):
        parse_place(text)


@pytest.mark.parametrize(
    ("text", "line", "column", "before"),
    [
        ("abc\ndef\n", 1, None, "abc"),
        ("abc\ndef\n", 1, 1, ""),
        ("abc\ndef\n", 1, 4, "abc"),
        ("abc\ndef\n", 2, 2, "abc\nd"),
        ("abc\ndef\n", 3, None, "abc\ndef\n"),
        ("abc\ndef\n", 3, 1, "abc\ndef\n"),
        ("abc\ndef", 2, None, "abc\ndef"),
        ("abc\r\ndef\r\n", 1, None, "abc"),
        ("abc\r\ndef\r\n", 2, None, "abc\r\ndef"),
        ("abc\r\ndef\r\n", 3, None, "abc\r\ndef\r\n"),
        ("abc\rdef", 2, 2, "abc\rd"),
        ("ü€😀x", 1, 4, "ü€😀"),
        ("e\u0301x", 1, 2, "e"),  # a combining accent is a code point of its own
        ("a\u2028b\x0bc\x85d", 1, None, "a\u2028b\x0bc\x85d"),  # no line endings
        ("", 1, None, ""),
        ("", 1, 1, ""),
        ("\n", 2, None, "\n"),
    ],
)
def test_text_is_cut_before_the_kth_code_point(
    text: str, line: int, column: int | None, before: str
) -> None:
    assert cut(text, FilePlace("f", line, column)) == (before, text[len(before) :])


@pytest.mark.parametrize(
    ("text", "line", "column", "limit"),
    [
        ("abc\ndef\n", 0, None, "lines 1 to 3"),
        ("abc\ndef\n", 4, None, "lines 1 to 3"),
        ("abc\ndef", 3, None, "lines 1 to 2"),
        ("", 2, None, "lines 1 to 1"),
        ("abc\n", 1, 0, "columns 1 to 4"),
        ("abc\n", 1, 5, "columns 1 to 4"),
        ("abc\r\n", 1, 5, "columns 1 to 4"),
        ("abc\n", 2, 2, "columns 1 to 1"),
        ("😀\n", 1, 3, "columns 1 to 2"),
    ],
)
def test_a_place_outside_is_refused_with_the_limits(
    text: str, line: int, column: int | None, limit: str
) -> None:
    with pytest.raises(PlaceError, match=limit):
        cut(text, FilePlace("f", line, column))


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=6), min_size=1), st.data()
)
def test_every_place_of_every_text_joins_back(lines: list[str], data: st.DataObject) -> None:
    ending = data.draw(st.sampled_from(["\n", "\r\n"]))
    text = ending.join(lines)
    row = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[row])))
    before, after = cut(text, FilePlace("f", row + 1, column + 1))
    assert before + after == text
    assert before == ending.join([*lines[:row], lines[row][:column]])
