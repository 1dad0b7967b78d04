"""Shows places in files, and leads back to where the person was, as far as one likes.

A jump remembers the place it leaves; edits do not move remembered places.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from textual.document._document import Selection

from tui.widgets.deck import Deck
from tui.widgets.editor import Editor

__all__ = ["Jumps", "select_in_view"]

_KEPT = 100
_SAME_ROWS = 3
"""A jump from so near to the last remembered place remembers no other."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place in a file; row and column from 0."""

    path: Path
    place: tuple[int, int]

    def is_near(self, other: "_Spot") -> bool:
        same = self.path == other.path
        return same and abs(self.place[0] - other.place[0]) < _SAME_ROWS


class Jumps:
    """The jumps of one app.

    Args:
        deck: The open files.
        open_file: Opens a file, or brings it to the front.
    """

    def __init__(self, deck: Deck, open_file: Callable[[Path], Awaitable[None]]) -> None:
        self._deck = deck
        self._open = open_file
        self._back: list[_Spot] = []
        self._forward: list[_Spot] = []

    async def go(
        self, path: Path, start: tuple[int, int], end: tuple[int, int] | None = None
    ) -> None:
        """Show a place and remember where the person was.

        Args:
            path: The file.
            start: Row and column, from 0.
            end: Where the selection ends; None selects nothing.
        """
        self.remember()
        await self._show(path, start, end)

    def remember(self) -> None:
        """Remember where the person is now."""
        here = self._here()
        if here is not None:
            self._forward.clear()
            if not self._back or not here.is_near(self._back[-1]):
                self._back.append(here)
                del self._back[:-_KEPT]

    async def back(self) -> bool:
        """Go back to where the last jump began; return whether there was one."""
        return await self._step(self._back, self._forward)

    async def forward(self) -> bool:
        """Go again to where the person came back from; return whether there is such a place."""
        return await self._step(self._forward, self._back)

    async def _step(self, source: list[_Spot], target: list[_Spot]) -> bool:
        here = self._here()
        while source and here is not None and source[-1] == here:
            source.pop()
        if not source:
            return False
        spot = source.pop()
        if here is not None:
            target.append(here)
        await self._show(spot.path, spot.place, None)
        return True

    def _here(self) -> _Spot | None:
        file = self._deck.current
        return None if file is None else _Spot(file.path, file.editor.cursor_location)

    async def _show(self, path: Path, start: tuple[int, int], end: tuple[int, int] | None) -> None:
        await self._open(path)
        file = self._deck.current
        if file is None or file.path != path:
            return  # it could not be opened; the person was told
        editor = file.editor
        select_in_view(editor, *(editor.clamp_visitable(each) for each in (start, end or start)))
        editor.focus()


def select_in_view(editor: Editor, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Select a range; if it is out of view, bring it into the middle."""
    top = editor.scroll_offset.y
    seen = top <= start[0] < top + editor.scrollable_content_region.height - 1
    if not seen:
        editor.go_to(start[0] + 1, start[1] + 1)
    editor.selection = Selection(start, end)
