import pytest

from engine.completion.code.surroundings import Surroundings, indent_width


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
    ("above", "statement"),
    [
        ("a = 1\nb = 2\n", "b = 2"),
        ("a = (\n    1,\n)\n\n# then\n    ", "a = (\n    1,\n)"),
        ("a = 1 + \\\n  2\n", "a = 1 + \\\n  2"),
        ("f(a)\ng(b", "f(a)"),
        ("\n", ""),
        ("    ]\n)\n", ""),  # begins further above
    ],
)
def test_the_last_statement_above(above, statement):
    assert Surroundings.of(above, "", "a.py").statement == statement


def test_a_language_without_jumps_has_no_statements():
    assert Surroundings.of("a = 1\n", "", "a.c").statement == ""


@pytest.mark.parametrize(
    ("line", "width"), [("x", 0), ("  x", 2), ("\tx", 8), ("  \tx", 8), ("    ", 4)]
)
def test_indent_width(line, width):
    assert indent_width(line) == width
