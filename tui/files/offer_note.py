"""Remembers what the person said to the offer of a better model, in the state folder.

Whoever cannot write there is asked again the next time.
"""

from pathlib import Path

import msgspec

from engine.notes import read_note

__all__ = ["OfferNote", "read_offer"]


class OfferNote(msgspec.Struct, frozen=True):
    """The answer."""

    answered: bool = False
    """Whether the person has ever said yes or no: nobody is asked twice."""
    fetching: str | None = None
    """A model that was agreed to and has not come yet; the next start goes on with it."""


def read_offer(path: Path) -> OfferNote:
    """Return what is remembered; nothing if the file is absent or spoilt."""
    return read_note(path, OfferNote, OfferNote())
