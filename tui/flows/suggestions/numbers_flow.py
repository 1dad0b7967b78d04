"""Counts what becomes of suggestions in the open files, and shows the counts.

Turns what editor and suggestions say into `tui.assist.numbers`, looks after a while whether
accepted text is still there, and adds to the file of counts now and then.
"""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from tui.assist.numbers.counts import CHECKS, DailyCounts, OutcomeCounts, SuggestionKind
from tui.assist.numbers.outcomes import Outcomes
from tui.assist.numbers.still_there import Planted, is_still_there
from tui.assist.numbers.store import NumbersStore
from tui.assist.suggestion_events import NoSuggestion, SuggestionEvent, SuggestionReady
from tui.code.languages import file_type
from tui.widgets.editor import Editor

__all__ = ["NumbersFlow"]

_log = logging.getLogger(__name__)

_KEEP_SECONDS = 60.0
_UNKNOWN = "unknown"
"""The model before one is ready."""


class NumbersFlow:
    """The numbers of one window.

    Args:
        store: Where counts are kept.
        set_timer: Calls back after a number of seconds.
        after_paint: Calls back once the screen has been drawn.
        run: Starts a coroutine function in a worker of the app.
        today: Returns the date.
    """

    def __init__(
        self,
        store: NumbersStore,
        *,
        set_timer: Callable[[float, Callable[[], None]], Any],
        after_paint: Callable[[Callable[[], None]], Any],
        run: Callable[[Callable[[], Coroutine[None, None, None]]], Any],
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:
        self._store = store
        self._set_timer = set_timer
        self._after_paint = after_paint
        self._run = run
        self.today = today
        self._counts = DailyCounts()
        self._outcomes = Outcomes(self._kind_of, self._counts_of)
        self._model = _UNKNOWN
        self._file_type = file_type(Path())
        self._planted: Planted | None = None
        self._keeping: Any = None

    def _kind_of(self, model: str | None) -> SuggestionKind:
        return SuggestionKind(model or self._model, self._file_type)

    def _counts_of(self, kind: SuggestionKind) -> OutcomeCounts:
        """Return counts to be changed; they are kept within a minute."""
        if self._keeping is None:
            self._keeping = self._set_timer(_KEEP_SECONDS, lambda: self._run(self.keep))
        return self._counts.of(self.today().isoformat(), kind)

    # ── what happens ────────────────────────────────────────────────────────────────────────

    def serves(self, model: str) -> None:
        """Follow the model that serves from now on."""
        self._model = model

    def look_at(self, path: Path) -> None:
        """Follow the person to another file."""
        self._outcomes.ended("blur")
        self._file_type = file_type(path)

    def suggestion(self, event: SuggestionEvent) -> None:
        """Follow a suggestion onto the screen, or why there is none."""
        if isinstance(event, SuggestionReady):
            self._outcomes.shown(event)
            began = time.perf_counter()
            self._after_paint(lambda: self._outcomes.painted((time.perf_counter() - began) * 1e3))
        elif isinstance(event, NoSuggestion):
            self._outcomes.withheld(event)

    def accepted(self, event: Editor.GhostAccepted) -> None:
        """Count a key that accepted something; look later whether it is still there."""
        kind = self._outcomes.accepted(event.text, event.kind)
        if kind is not None:
            rows = event.editor.document.line_count
            self._planted = Planted(event.text, event.row, rows)
            for seconds in CHECKS:
                look = partial(self._look_for, event.editor, self._planted, kind, seconds)
                self._set_timer(seconds, look)
        elif self._planted is not None:
            self._planted.extend(event.text)

    def _look_for(
        self, editor: Editor, planted: Planted, kind: SuggestionKind, seconds: int
    ) -> None:
        """Count whether a text is still there, unless its file was closed."""
        if not editor.is_attached:
            return
        counts = self._counts_of(kind)
        counts.looked[seconds] = counts.looked.get(seconds, 0) + 1
        if is_still_there(planted, editor.document.lines):
            counts.still_there[seconds] = counts.still_there.get(seconds, 0) + 1

    def edited(self, event: Editor.Edited) -> None:
        """Count a character that was typed."""
        if event.cause == "typed" and _is_one_key(event.inserted):
            self._outcomes.typed(event.editor.ghost)

    def dismissed(self, event: Editor.GhostDismissed) -> None:
        """Follow a suggestion that went."""
        self._outcomes.ended(event.reason)

    # ── the counts ──────────────────────────────────────────────────────────────────────────

    async def keep(self) -> None:
        """Add what was counted to what is kept."""
        await asyncio.to_thread(self._add, self._taken())

    def keep_now(self) -> None:
        """Do that at once, for an app that ends."""
        self._add(self._taken())

    def _taken(self) -> DailyCounts:
        """Return what was counted since the last time, and begin anew."""
        if self._keeping is not None:
            self._keeping.stop()
        self._keeping = None
        counts, self._counts = self._counts, DailyCounts()
        return counts

    def _add(self, counts: DailyCounts) -> None:
        if not counts.days:
            return
        try:
            self._store.add(counts, self.today())
        except OSError as error:  # nothing is lost but numbers
            _log.warning("numbers cannot be kept: %s", error)

    async def all(self) -> DailyCounts:
        """Return all that is kept, what was counted just now too."""
        await self.keep()
        return await asyncio.to_thread(self._store.read)

    async def clear(self) -> None:
        """Forget everything.

        Raises:
            OSError: The file of counts cannot be removed.
        """
        self._taken()
        await asyncio.to_thread(self._store.clear)


def _is_one_key(inserted: str) -> bool:
    """Return whether one key brought a text: a character, or Enter with its indentation."""
    return len(inserted) == 1 or (inserted.startswith("\n") and not inserted.strip())
