"""Small JSON files that may be lost: read leniently, replaced in one step.

For what is only remembered.  A file that must be right says so when it is not, and does not belong
here.
"""

import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.own_files import make_own
from engine.plain_files import read_plain

__all__ = ["read_note", "write_note"]

_LARGEST_NOTE = 1 << 24
_T = TypeVar("_T")
_Otherwise = TypeVar("_Otherwise")


def read_note(file: Path, kind: type[_T], otherwise: _Otherwise) -> _T | _Otherwise:
    """Return what a file holds; ``otherwise`` if it is not there or does not hold a ``kind``."""
    try:
        return msgspec.json.decode(read_plain(file, _LARGEST_NOTE), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return otherwise


def write_note(file: Path, value: object) -> None:
    """Replace a file; where it cannot be written, nothing happens."""
    try:
        make_own(file.parent)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            draft = Path(folder) / file.name
            draft.write_bytes(msgspec.json.encode(value))
            draft.replace(file)
    except (OSError, UnicodeEncodeError):  # UTF-8 does not encode every name of a file
        return
