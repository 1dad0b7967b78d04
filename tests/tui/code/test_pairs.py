"""What a typed bracket or quote does beside what stands there."""

import pytest

from tui.code.pairs import pair_typing, removes_pair


@pytest.mark.parametrize(
    ("line", "character", "typing"),
    [
        ("f|", "(", "pair"),
        ("f|)", "(", "plain"),  # the closer is there already
        ("f(|)", "(", "pair"),
        ("f|x", "(", "plain"),
        ("f(|)", ")", "over"),
        ("f((|)", ")", "plain"),  # one is still missing
        ("|)", ")", "over"),  # its opener is on another line
        ("x = |", '"', "pair"),
        ('x = "|"', '"', "over"),
        ('x = "|', '"', "plain"),  # it closes
        ('x = "a\\|"', '"', "plain"),
        ('""|', '"', "plain"),
        ("f|", '"', "pair"),  # f"…"
        ("self|", '"', "plain"),
        ("don|", "'", "plain"),
        ("x = '|'", "'", "over"),
        ("a|", "x", "plain"),
    ],
)
def test_python(line, character, typing):
    column = line.index("|")
    assert pair_typing(line.replace("|", ""), column, character, "python") == typing


@pytest.mark.parametrize(
    ("language", "character", "typing"),
    [
        ("markdown", "'", "plain"),
        (None, "'", "plain"),
        (None, "(", "pair"),
        ("rust", "'", "plain"),
        ("javascript", "`", "pair"),
        ("python", "`", "plain"),
    ],
)
def test_quotes_differ_by_language(language, character, typing):
    assert pair_typing("", 0, character, language) == typing


@pytest.mark.parametrize(
    ("line", "removed"),
    [("f(|)", True), ("f(|]", False), ("f(x|)", False), ('"|"', True), ('"a"|"', False)],
)
def test_backspace_between_a_pair(line, removed):
    assert removes_pair(line.replace("|", ""), line.index("|"), "python") is removed
