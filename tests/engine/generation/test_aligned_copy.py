"""Guesses from the text that is rewritten: the pointer keeps its place among similar lines."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.generation.aligned_copy import AlignedCopy

LINES = [f'    Option("option_{n}", default={n * 3}, help="Sets option {n}."),' for n in range(60)]


def tokens(lines: Sequence[str]) -> list[int]:
    return list("\n".join(lines).encode())


def passes(old: Sequence[str], new: Sequence[str], most: int = 31) -> int:
    """Passes in which a text is written if all that is guessed first is verified."""
    copy, text = AlignedCopy(tokens(old)), tokens(new)
    written, count = 0, 0
    while written < len(text):
        guesses = copy.guesses(text[:written], most)
        guess = guesses[0].tokens if guesses else ()
        used = 1
        while used <= len(guess) and text[written : written + used] == list(guess[:used]):
            used += 1
        written, count = written + used, count + 1
    return count


def changed(row: int, *lines: str, gone: int = 1) -> list[str]:
    return [*LINES[:row], *lines, *LINES[row + gone :]]


@pytest.mark.parametrize(
    ("new", "more"),
    [
        (LINES, 1),
        (changed(30, LINES[30].replace("90", "999")), 8),
        (changed(30, LINES[30].replace("default", "value")), 10),
        (changed(30, '    Option("x", default=5, help="A new one."),', gone=0), 45),
        (changed(30, gone=1), 24),
        (changed(30, gone=20), 24),
        ([line.replace("Option(", "Choice(") for line in LINES], 60 * 8),
    ],
    ids=["none", "digits", "word", "line more", "line less", "many less", "word of all"],
)
def test_the_pointer_finds_back_to_its_line(new: list[str], more: int) -> None:
    """Where texts agree, a pass writes 32 tokens; a change costs as many more as stand here."""
    assert passes(LINES, new) <= len(tokens(new)) // 32 + more


def test_after_a_change_both_places_are_guessed() -> None:
    copy = AlignedCopy([1, 2, 3, 4, 5])
    assert [list(guess.tokens) for guess in copy.guesses([1, 2], 9)] == [[3, 4, 5]]
    assert copy.sure
    both = copy.guesses([1, 2, 9], 9)
    assert [list(guess.tokens) for guess in both] == [[3, 4, 5], [4, 5]]
    assert len({guess.kind for guess in both}) == 2
    assert not copy.sure
    assert [list(guess.tokens) for guess in copy.guesses([1, 2, 9, 4], 9)] == [[5]]


def test_nothing_is_guessed_behind_the_end() -> None:
    copy = AlignedCopy([1, 2])
    assert copy.guesses([1, 2], 9) == []
    assert not copy.sure
    assert AlignedCopy([]).guesses([], 9) == []


TOKENS = st.lists(st.integers(0, 3), max_size=40)


@given(TOKENS, TOKENS, st.integers(1, 9), st.lists(st.integers(0, 40), max_size=5))
def test_guesses_are_parts_of_the_original_however_the_text_comes(
    old: list[int], new: list[int], most: int, cuts: list[int]
) -> None:
    stepwise, at_once = AlignedCopy(old), AlignedCopy(old)
    for cut in sorted(cuts):
        stepwise.guesses(new[:cut], most)
    guesses = stepwise.guesses(new, most)
    assert guesses == at_once.guesses(new, most)
    for guess in guesses:
        part = list(guess.tokens)
        assert 0 < len(part) <= most
        assert any(old[i : i + len(part)] == part for i in range(len(old)))
