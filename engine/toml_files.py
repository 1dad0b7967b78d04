"""TOML that somebody else wrote: read so that none hangs, fills the memory or ends the program.

`tomllib` alone waits for a named pipe, reads a device without an end, and fails in ways of its own
on brackets nested deep and on numbers of thousands of digits.
"""

import tomllib
from pathlib import Path
from typing import Any

from engine.plain_files import read_plain

__all__ = ["parse_toml", "read_toml_text"]


def read_toml_text(path: Path, most_bytes: int) -> str:
    """Return the text of a plain file.

    Raises:
        OSError: There is none, it cannot be read, or has more than ``most_bytes``.
        ValueError: It is no text.
    """
    return read_plain(path, most_bytes).decode("utf-8")


def parse_toml(text: str) -> dict[str, Any]:
    """Return the table in a text.

    Raises:
        ValueError: It is no TOML; the message is one line.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("brackets in brackets too deep") from None
