import pytest

from engine.knowledge.cursor_lines import CursorLines, indent_of


def around(text: str) -> CursorLines:
    """The lines around the ``|`` in a text."""
    prefix, suffix = text.split("|")
    return CursorLines.of(prefix, suffix, b"", one_line=True)


def test_the_line_is_cut_at_the_cursor():
    lines = around("a\n  b = |c\nd")
    assert (lines.before, lines.above, lines.below) == ("  b = ", ("a",), ("d",))


def test_the_nearest_lines_count_and_blank_ones_do_not():
    above = "\n".join(["1", "2", "", "3", "4  ", "   ", "5"])
    below = "\n".join(["", "6\t", "", "7", "8", "9"])
    lines = around(f"{above}\n|rest\n{below}")
    assert lines.above == ("2", "3", "4", "5")
    assert lines.below == ("6", "7", "8")


def test_indentation_is_kept():
    lines = around("    a\n|\n\tb")
    assert (lines.above, lines.below) == (("    a",), ("\tb",))


def test_a_line_far_above_stands_alone():
    # The search goes back 40 lines; what lies beyond is one piece with many lines.
    lines = around("first\nsecond" + "\n" * 40 + "|")
    assert lines.above == ("second",)


def test_a_line_too_far_below_is_not_searched():
    assert around("|" + "\n" * 39 + "near").below == ("near",)
    assert around("|" + "\n" * 40 + "far").below == ()


def test_without_text_there_are_no_lines():
    lines = around("|")
    assert (lines.before, lines.above, lines.below) == ("", (), ())


@pytest.mark.parametrize(
    ("text", "tabs"),
    [("\ta\nb|", True), ("a\n\t|", True), ("a|\n\tb", True), ("a\tb\n    c|\nd", False)],
)
def test_one_line_with_a_tab_in_front_means_tabs(text: str, tabs: bool):
    assert around(text).tabs is tabs


@pytest.mark.parametrize(("line", "indent"), [("", 0), ("a b", 0), ("  a", 2), ("\t a", 2)])
def test_an_indent_is_counted_in_characters(line: str, indent: int):
    assert indent_of(line) == indent
