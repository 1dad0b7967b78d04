"""Texts that go in circles, and texts that only look so."""

import pytest

from engine.asking.circles import EVERY, LEAST, goes_in_circles


@pytest.mark.parametrize(
    ("tokens", "circles"),
    [
        ([1] * LEAST, True),
        ([*range(100, 180), *([1, 2, 3] * 32)], True),
        ([*range(40)] * 4, True),
        ([1] * (LEAST - EVERY), False),
        ([*range(LEAST)], False),
        ([*range(40)] * 3 + [*range(40, 48)], False),
        ([*range(64), *([1] * 32)], False),
    ],
)
def test_circles(tokens: list[int], circles: bool) -> None:
    assert len(tokens) % EVERY == 0
    assert goes_in_circles(tokens) is circles


def test_it_is_looked_for_now_and_then() -> None:
    assert not goes_in_circles([1] * (LEAST + 1))
