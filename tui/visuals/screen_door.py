"""The last door to the terminal: what is drawn holds no character that would steer it.

Names and messages are made `visible` where they enter a text, so that they can be read and
measured.  This filter of all that is drawn is for the place that forgets it.
"""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from engine.visible_text import visible

__all__ = ["ScreenDoor"]


class ScreenDoor(LineFilter):
    """Takes steering characters out of what is drawn; the cells that it takes stay as measured."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments, with nothing in place of what has no width and � for half a pair."""
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [
            Segment(_harmless(segment.text), segment.style, segment.control) for segment in segments
        ]


def _harmless(text: str) -> str:
    """Return ``text`` without characters for which `visible` has a sign: Rich counts no cells."""
    signs = zip(text, visible(text), strict=True)
    return "".join(sign if sign == character or sign == "�" else "" for character, sign in signs)
