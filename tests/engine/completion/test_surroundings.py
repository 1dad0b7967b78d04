import pytest

from engine.completion.surroundings import Surroundings, indent_width


def around(view):
    prefix, _, suffix = view.partition("|")
    return Surroundings.of(prefix, suffix)


def test_the_lines_around_a_cursor():
    assert around("a\n\nb\n  c|d\n\n e \r\n\nf") == Surroundings(
        "  c", "d", "b", (" e", "f"), "d\n\n e \r\n\nf"
    )


def test_a_cursor_in_an_empty_file():
    assert around("|") == Surroundings("", "", "", (), "")


@pytest.mark.parametrize(
    ("line", "width"), [("x", 0), ("  x", 2), ("\tx", 8), ("  \tx", 8), ("    ", 4)]
)
def test_indent_width(line, width):
    assert indent_width(line) == width
