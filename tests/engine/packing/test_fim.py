"""Fill-in-the-middle: where files are cut, and how the parts are ordered."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.packing import fim

IDS = fim.MarkerIds(end=0, prefix=1, middle=2, suffix=3)

CODE = '''\
class Counter:
    """Counts."""

    def __init__(self, start: int = 0) -> None:
        self.value = start

    def step(self, by: int = 1) -> int:
        if by < 0:
            raise ValueError("backwards")
        self.value += by
        return self.value
'''


def encode(text: str) -> list[int]:
    """One token a character, clear of the markers."""
    return [ord(character) + 10 for character in text]


def decode(tokens: list[int]) -> str:
    return "".join(chr(token - 10) for token in tokens)


@given(st.text("ab :\n\t#é(.", min_size=1, max_size=300), st.integers(0, 999))
def test_four_parts_joined_are_the_text_again(text: str, seed: int) -> None:
    hole = fim.choose_hole(text, Random(seed))
    if hole is None:
        return
    parts = fim.cut(text, hole)
    assert parts.prefix + parts.typed + parts.middle + parts.suffix == text
    assert parts.prefix == "" or parts.prefix.endswith("\n")
    assert "\n" not in parts.typed


@pytest.mark.parametrize("kind", fim.CUTS)
def test_every_kind_of_hole_lies_inside_the_text(kind: str) -> None:
    for seed in range(300):
        hole = fim.CUTS[kind](CODE, Random(seed))
        if hole is not None:
            assert 0 <= hole.start <= hole.end <= len(CODE)
            assert hole.kind == kind


def test_cuts_fall_inside_words_too() -> None:
    inside = 0
    for seed in range(300):
        hole = fim.rest_of_line(CODE, Random(seed))
        assert hole is not None
        before, after = CODE[hole.start - 1 : hole.start], CODE[hole.start : hole.start + 1]
        inside += before.isalpha() and after.isalpha()
    assert inside > 50


def test_rest_of_line_ends_before_the_newline() -> None:
    for seed in range(200):
        hole = fim.rest_of_line(CODE, Random(seed))
        assert hole is not None
        assert "\n" not in CODE[hole.start : hole.end]
        assert CODE[hole.end] == "\n"


def test_cursor_after_the_indentation_occurs() -> None:
    holes = [fim.whole_lines(CODE, Random(seed)) for seed in range(200)]
    indented = [
        hole
        for hole in holes
        if hole is not None and CODE[: hole.start].rpartition("\n")[2].isspace()
    ]
    assert len(indented) > 60


def test_block_is_the_whole_body_and_nothing_more() -> None:
    bodies = set()
    for seed in range(200):
        hole = fim.block_body(CODE, Random(seed))
        if hole is not None:
            bodies.add(CODE[hole.start : hole.end].strip())
    assert 'raise ValueError("backwards")' in bodies
    assert "self.value = start" in bodies


def arranged(order: str, room: int = 10_000) -> tuple[list[int], int]:
    parts = fim.CutText("a = 1\n", "    b", " = 2", "\nc = 3\n")
    result = fim.arrange(parts, order, IDS, encode, room)
    assert result is not None
    return result


def test_prefix_suffix_middle() -> None:
    tokens, middle = arranged("psm")
    expected = [1, *encode("a = 1\n    b"), 3, *encode("\nc = 3\n"), 2, *encode(" = 2"), 0]
    assert tokens == expected
    assert middle == 5


def test_typed_part_moves_behind_the_middle_marker() -> None:
    tokens, middle = arranged("typed")
    expected = [1, *encode("a = 1\n"), 3, *encode("\nc = 3\n"), 2, *encode("    b = 2"), 0]
    assert tokens == expected
    assert middle == 5


def test_suffix_first_keeps_prefix_and_middle_together() -> None:
    tokens, middle = arranged("spm")
    expected = [1, 3, *encode("\nc = 3\n"), 2, *encode("a = 1\n    b = 2"), 0]
    assert tokens == expected
    assert middle == 5


def test_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="none of psm"):
        arranged("smp")


@settings(max_examples=60)
@given(st.integers(20, 200), st.sampled_from(["psm", "typed", "spm"]), st.integers(0, 400))
def test_far_context_goes_first_when_room_is_short(room: int, order: str, size: int) -> None:
    parts = fim.CutText("p" * size + "\n", "t", "middle", "s" * size)
    result = fim.arrange(parts, order, IDS, encode, room)
    if result is None:
        return
    tokens, middle = result
    assert len(tokens) <= room
    assert tokens[-middle:] == [*encode("middle"), 0]
    # What touches the cursor survives.
    assert encode("t")[0] in tokens


def test_a_middle_without_room_for_context_is_refused() -> None:
    parts = fim.CutText("", "", "m" * 100, "")
    assert fim.arrange(parts, "spm", IDS, encode, 110) is None
