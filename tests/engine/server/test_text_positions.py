"""Positions in code units."""

import pytest

from engine.server.text_positions import offset_of, units

TEXT = "añ\n𝄞x€\r\n\rlast"


@pytest.mark.parametrize(
    ("line", "character", "encoding", "expected"),
    [
        (0, 0, "utf-16", 0),
        (0, 2, "utf-16", 2),
        (0, 9, "utf-16", 2),  # beyond the line is its end
        (1, 0, "utf-16", 3),
        (1, 1, "utf-16", 3),  # inside a character is before it
        (1, 2, "utf-16", 4),
        (1, 4, "utf-16", 6),
        (1, 99, "utf-16", 6),
        (2, 0, "utf-16", 8),
        (3, 4, "utf-16", 13),
        (9, 0, "utf-16", 13),
        (0, 2, "utf-8", 1),
        (0, 3, "utf-8", 2),
        (1, 4, "utf-8", 4),
        (1, 8, "utf-8", 6),
        (1, 1, "utf-32", 4),
    ],
)
def test_the_place_of_a_position(line, character, encoding, expected):
    assert offset_of(TEXT, line, character, encoding) == expected


def test_units_of_a_text():
    assert [units("𝄞x€", each) for each in ("utf-8", "utf-16", "utf-32")] == [8, 3 + 1, 3]
