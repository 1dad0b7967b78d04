"""Where the mending of an error begins."""

from pathlib import Path

import pytest

from tui.assist.error_place import error_row

PATH = Path("/home/me/shop/prices.py")
TEXT = """\
import sys

def cheapest(prices):
    best = None
    for price in prices:
        if price < best:
            best = price
    return best

print(cheapest([1]))
"""
LINES = TEXT.splitlines()


@pytest.mark.parametrize(
    ("error", "row"),
    [
        ('File "/home/me/shop/prices.py", line 6, in cheapest\nTypeError: x', 2),
        ('File "shop/prices.py", line 6, in cheapest', 2),
        ('File "prices.py", line 10, in <module>', 9),
        ('File "prices.py", line 6, in gone', 5),
        ('File "prices.py", line 10, in <module> ⏎ File "prices.py", line 6, in cheapest', 2),
        ('File "prices.py", line 6, in cheapest\n  File "/lib/json.py", line 3, in loads', 2),
        ('File "/elsewhere/shop/prices.py", line 6, in cheapest', None),
        ('File "prices.py", line 99, in cheapest', None),
        ('File "prices.py", line 0', None),
        ("handle None", None),
    ],
)
def test_the_innermost_frame_of_the_file_says_where(error: str, row: int | None) -> None:
    assert error_row(error, LINES, PATH) == row
