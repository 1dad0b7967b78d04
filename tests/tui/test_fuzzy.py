"""Names found by some of their letters: which fit, which come first, and that none takes long."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.fuzzy import fuzzy_match


def best(letters: str, *names: str) -> list[str]:
    """Return the names that fit, the best first."""
    found = [(match.score, name) for name in names if (match := fuzzy_match(letters, name))]
    return [name for _, name in sorted(found, reverse=True)]


@given(st.text(max_size=6), st.text(max_size=30))
def test_letters_fit_where_they_are_in_order(letters: str, name: str) -> None:
    match = fuzzy_match(letters, name)
    rest = iter(name.lower() if len(name.lower()) == len(name) else name)
    fits = bool(letters) and all(letter in rest for letter in letters.lower())
    assert (match is not None) == fits
    if match is not None:
        assert match.score > 0
        assert list(match.offsets) == sorted(set(match.offsets))
        shown = "".join(name[offset] for offset in match.offsets)
        assert shown.lower() == letters.lower() or len(name.lower()) != len(name)


@pytest.mark.parametrize(
    ("letters", "names"),
    [
        ("app", ["tui/app.py", "tui/a_p_p.py"]),
        ("app", ["app", "app.py"]),
        ("deck", ["tui/widgets/deck.py", "deck/widgets/tui.py"]),
        ("cp", ["command_palette.py", "accept.py"]),
        ("TREE", ["repo_tree.py", "t/r/e/e.py"]),
    ],
)
def test_the_likelier_name_comes_first(letters: str, names: list[str]) -> None:
    assert best(letters, *reversed(names)) == names


def test_letters_are_taken_as_near_together_as_they_end() -> None:
    match = fuzzy_match("abc", "a--ab-c")
    assert match is not None
    assert list(match.offsets) == [3, 4, 6]


@pytest.mark.parametrize("letters", ["a" * 30 + "b", "ab" * 20, "aaaaab"])
def test_many_equal_letters_take_no_time(letters: str) -> None:
    """All ways to choose five of two hundred letters are 2.5 billion; the toolkit tries them."""
    began = perf_counter()
    for _ in range(100):
        fuzzy_match(letters, "a" * 200 + "-b" * 20)
    assert perf_counter() - began < 1
