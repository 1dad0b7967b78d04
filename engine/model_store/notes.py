"""Small JSON files that may be lost: read leniently, replaced in one step.

For what is only remembered.  A file that must be right says so when it is not, and does not belong
here.
"""

import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

__all__ = ["read_note", "write_note"]

_T = TypeVar("_T")


def read_note(file: Path, kind: type[_T], otherwise: _T) -> _T:
    """Return what a file holds; ``otherwise`` if it is not there or does not hold a ``kind``."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return otherwise


def write_note(file: Path, value: object) -> None:
    """Replace a file; where it cannot be written, nothing happens."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            draft = Path(folder) / file.name
            draft.write_bytes(msgspec.json.encode(value))
            draft.replace(file)
    except OSError:
        return
