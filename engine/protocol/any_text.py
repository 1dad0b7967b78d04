"""Any text in a message, also one that UTF-8 cannot encode: half a surrogate pair.

Python writes a byte of a file's name that is no UTF-8 as such a half, and JSON can spell one out.
A message carries it after a sign that Unicode keeps for a program's own use, and the other end puts
it back: a folder keeps its name, and no text stops a message.
"""

import re
from collections.abc import Callable
from typing import Any

__all__ = ["SIGN", "carried", "restored"]

_SIGN = "\ufdd0"
SIGN = _SIGN.encode()
"""What a message contains if a text in it was changed, or has the sign itself."""

_TO_CARRY = re.compile(f"[\ud800-\udfff{_SIGN}]")
_CARRIED = re.compile(f"{_SIGN}([0-9a-f]{{4}})")


def carried(value: Any) -> Any:
    """Return plain lists, dictionaries and values with every text as it is carried."""
    return _in_all(value, lambda text: _TO_CARRY.sub(_spelled, text))


def restored(value: Any) -> Any:
    """Return what `carried` was given."""
    return _in_all(value, lambda text: _CARRIED.sub(lambda match: chr(int(match[1], 16)), text))


def _spelled(match: re.Match[str]) -> str:
    return f"{_SIGN}{ord(match[0]):04x}"


def _in_all(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list() | tuple():
            return [_in_all(each, change) for each in value]
        case dict():
            return {_in_all(key, change): _in_all(each, change) for key, each in value.items()}
        case _:
            return value
