"""Remembers what the person said to the offer of a better model, in the state folder.

Whoever cannot write there is asked again the next time.
"""

import logging
from contextlib import suppress
from pathlib import Path

import msgspec

from engine.own_files import make_own

__all__ = ["OfferNote", "read_note", "write_note"]

_log = logging.getLogger(__name__)


class OfferNote(msgspec.Struct, frozen=True):
    """The answer."""

    answered: bool = False
    """Whether the person has ever said yes or no: nobody is asked twice."""
    fetching: str | None = None
    """A model that was agreed to and has not come yet; the next start goes on with it."""


def read_note(path: Path) -> OfferNote:
    """Return what is remembered; nothing if the file is absent or spoilt."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(path.read_bytes(), type=OfferNote)
    return OfferNote()


def write_note(path: Path, note: OfferNote) -> None:
    """Remember."""
    try:
        make_own(path.parent)
        path.write_bytes(msgspec.json.encode(note))
    except OSError as error:
        _log.warning("cannot write %s: %s", path, error)
