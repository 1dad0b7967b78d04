"""Notices when a model says the same again and again, as small ones do at temperature 0.  Pure."""

from collections.abc import Sequence

__all__ = ["goes_in_circles"]

LONGEST = 96
"""Tokens of the longest part whose repetition is noticed."""
TIMES = 4
"""A part that stands so often in a row is a circle, if all together is long enough."""
LEAST = 64
"""Fewest tokens that a circle takes: a rule of dashes or a row of a table is none."""
EVERY = 16
"""It is looked for after so many tokens."""


def goes_in_circles(tokens: Sequence[int]) -> bool:
    """Return whether the last tokens are one part, repeated."""
    count = len(tokens)
    if count < LEAST or count % EVERY:
        return False
    for size in range(1, min(LONGEST, count // TIMES) + 1):
        length = size * max(TIMES, -(-LEAST // size))
        # Every token equals the one a part earlier.
        if length <= count and tokens[-length:-size] == tokens[count - length + size :]:
            return True
    return False
