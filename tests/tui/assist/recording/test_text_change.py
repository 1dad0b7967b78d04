"""The least replacement between two texts, and offsets of places."""

import random

import pytest

from tui.assist.recording.text_change import TextReplacement, offset_of, replacement_between


def applied(lines: list[str], change: TextReplacement) -> list[str]:
    text = "\n".join(lines)
    start, end = offset_of(lines, change.start), offset_of(lines, change.end)
    return (text[:start] + change.text + text[end:]).split("\n")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ab", "ab", None),
        ("ab", "axb", TextReplacement((0, 1), (0, 1), "x")),
        ("ab\ncd", "ab\nx\ncd", TextReplacement((1, 0), (1, 0), "x\n")),
        ("ab\ncd\nef", "ab\nef", TextReplacement((1, 0), (2, 0), "")),
        ("abcd", "a\n    bcd", TextReplacement((0, 1), (0, 1), "\n    ")),
        ("aaa", "aaaa", TextReplacement((0, 3), (0, 3), "a")),
        ("a\nb", "", TextReplacement((0, 0), (1, 1), "")),
        ("", "a\nb", TextReplacement((0, 0), (0, 0), "a\nb")),
    ],
)
def test_the_least_replacement(old, new, expected):
    assert replacement_between(old.split("\n"), new.split("\n")) == expected


def test_a_replacement_makes_the_one_text_the_other():
    chance = random.Random(7)
    for _ in range(2_000):
        old, new = (
            "".join(chance.choices("ab\n", k=chance.randrange(12))).split("\n") for _ in range(2)
        )
        change = replacement_between(old, new)
        assert (old if change is None else applied(old, change)) == new


def test_places_outside_a_text_are_the_nearest_in_it():
    lines = ["ab", "cde"]
    assert [offset_of(lines, place) for place in ((0, 9), (9, 1), (-1, -1), (1, 99))] == [
        2,
        4,
        0,
        6,
    ]
