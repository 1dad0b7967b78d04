"""Stands between the visible editor and `Suggestions`: tells places, shows ghost text.

Decides nothing about suggestions.  Makes `Suggestions` after the first paint, because that
imports the engine's client.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tui.app_messages import SuggestionReport
from tui.assist.acceptance import Acceptance
from tui.assist.cursor_place import CursorPlace
from tui.assist.recent_chunks import RecentChunks
from tui.assist.scored_text import ScoredText
from tui.assist.suggestion_events import (
    NoSuggestion,
    StateChanged,
    SuggestionEvent,
    SuggestionFailed,
    SuggestionReady,
)
from tui.assist.verdicts import End, SeenText, verdict
from tui.flows.suggestions.recent_places import RecentPlaces
from tui.format import request_path
from tui.link.engine_link import EngineLink
from tui.settings import Settings, SuggestionSettings
from tui.user_folders import acceptance_file
from tui.widgets.editor import Editor

if TYPE_CHECKING:
    from engine.protocol.messages import ModelInfo
    from tui.app_messages import EngineNews
    from tui.assist.attempt import Attempt
    from tui.assist.quick_session import QuickSession
    from tui.assist.suggestions import Suggestions
    from tui.flows.suggestions.acceptance_store import AcceptanceStore

__all__ = ["GhostWriter"]

_PATIENCE = 1.0
"""Seconds without an answer before the status line says that we wait.  A larger model reads for two
or three after a jump of the cursor."""


class GhostWriter:
    """Shows suggestions in the visible editor.

    Args:
        link: Where requests go.
        settings: Of the suggestions and of privacy.
        root: The repository's folder.
        set_timer: Calls back after a number of seconds, as ``App.set_timer`` does.
        report: Takes how each attempt went, for the status line.
        private_known: Whether all private patterns could be read.  If not, the repository's
            other files are not read.
    """

    def __init__(
        self,
        link: EngineLink,
        settings: Settings,
        *,
        root: Path,
        set_timer: Callable[[float, Callable[[], None]], Any],
        report: Callable[[SuggestionReport], None],
        private_known: bool = True,
    ) -> None:
        self._link = link
        self._settings = settings
        self._root = root
        self._set_timer = set_timer
        self._report = report
        self._private_known = private_known
        self._editor: Editor | None = None
        self._path = Path()
        self._secret: str | None = None
        self._patience: Any = None
        self._waiting = False
        self._suggestions: Suggestions | None = None
        self._store: AcceptanceStore | None = None
        self._model: ModelInfo | None = None
        self._seen: SeenText | None = None
        self._quick: QuickSession | None = None
        self._recent = RecentChunks()
        self._places = RecentPlaces(self._recent, root, set_timer)
        self._paused = False
        self.on_event: Callable[[SuggestionEvent], None] = lambda event: None
        """Also told what comes of each attempt: what is shown, and why nothing is."""

    def start(self) -> None:
        """Begin to suggest."""
        from tui.assist.suggestions import Suggestions
        from tui.flows.suggestions.acceptance_store import AcceptanceStore

        self._store = AcceptanceStore(acceptance_file())
        self._suggestions = Suggestions(
            self._link,
            self._settings.suggestions,
            on_event=self._show,
            set_timer=self._set_timer,
            secret_patterns=self._settings.privacy.extra_patterns,
            repository=str(self._root) if self._private_known else None,
            recent=self._recent,
        )
        self._suggestions.paused = self._paused
        self._suggestions.quick = self._quick
        if self._editor is not None:
            self._suggestions.changed(self._place(self._editor))

    # ── from the editor ─────────────────────────────────────────────────────────────────────

    def look_at(self, editor: Editor | None, path: Path, secret: str | None) -> None:
        """Follow the person to another file, or to none.

        Args:
            editor: The editor of the file; None if there is no file.
            path: The file.
            secret: Pattern by which it, or what it links to, is private; None if it is not.
        """
        self._places.look_at(editor, path, secret)
        now = (editor, path, secret)
        if now != (self._editor, self._path, self._secret):
            if self._editor not in (None, editor):
                self._editor.ghost = ""
            self._editor, self._path, self._secret = now
            if self._suggestions is not None:
                self._suggestions.changed(None if editor is None else self._place(editor))

    def edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        self._places.edited(event.editor)
        if self._suggestions is None or event.editor is not self._editor:
            return
        if self._seen is not None:
            self._seen.now_left(event.editor.ghost)
        if event.cause in ("typed", "accepted"):
            accepted = event.cause == "accepted"
            self._suggestions.edited(self._place(event.editor), accepted=accepted)
        else:
            self._suggestions.changed(self._place(event.editor))

    def moved(self, event: Editor.Moved) -> None:
        """Follow the cursor."""
        self._places.moved(event.editor)
        if self._suggestions is not None and event.editor is self._editor:
            self._suggestions.moved(self._place(event.editor))

    def dismissed(self, event: Editor.GhostDismissed) -> None:
        """Offer nothing again here after the person refused."""
        if self._suggestions is None or event.editor is not self._editor:
            return
        self._learn(event.reason)
        if event.reason == "escape":
            self._suggestions.dismissed()
        elif event.reason == "blur":
            self._suggestions.changed(self._place(event.editor))

    def accepted(self, event: Editor.GhostAccepted) -> None:
        """Learn that the person took some of what is shown."""
        if event.editor is self._editor:
            self._learn("accepted")

    def ask(self) -> None:
        """Ask now."""
        if self._suggestions is not None and self._editor is not None:
            self._suggestions.ask(self._place(self._editor))

    def other(self, by: int) -> None:
        """Show the next of several suggestions (1), or the one before (-1)."""
        if self._suggestions is not None and self._editor is not None:
            editor, seen = self._editor, self._seen
            logprob = None if seen is None else seen.mean_logprob
            sure = len(editor.ghost) - editor.ghost_unsure
            shown = ScoredText(editor.ghost, logprob, sure)
            self._suggestions.other(self._place(editor), shown, by)

    @property
    def paused(self) -> bool:
        """Whether suggestions no longer come by themselves."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        if paused and self._editor is not None:
            self._editor.ghost = ""
        if self._suggestions is not None:
            self._suggestions.paused = paused

    def change_settings(self, settings: SuggestionSettings) -> None:
        """Suggest by other settings from now on."""
        self._settings = replace(self._settings, suggestions=settings)
        if self._suggestions is not None:
            self._suggestions.settings = settings
            self._suggestions.cache.clear()  # another threshold would have shown other texts
            if self._editor is not None and self._editor.ghost:
                self._editor.ghost = ""
                self._suggestions.changed(None)
                self._suggestions.moved(self._place(self._editor))
        self._remember_person()

    # ── what is known of the person ─────────────────────────────────────────────────────────

    @property
    def last_attempt(self) -> "Attempt | None":
        """The last attempt at a suggestion; None before the first."""
        return None if self._suggestions is None else self._suggestions.told.last

    @property
    def last_prompt(self) -> tuple[str, int]:
        """What the model read for its last answer, and how many tokens; empty before the first."""
        return ("", 0) if self._suggestions is None else self._suggestions.told.read

    def use_quick(self, quick: "QuickSession | None") -> None:
        """Ask a small model first from now on, or none."""
        self._quick = quick
        if self._suggestions is not None:
            self._suggestions.quick = quick

    def forget_person(self) -> None:
        """Begin anew to learn from what is taken."""
        if self._store is not None:
            self._store.forget()
        self._remember_person()

    def _remember_person(self) -> None:
        """Let suggestions know what was learnt with the model that serves."""
        if self._suggestions is None or self._store is None or self._model is None:
            return
        learns = self._settings.suggestions.learn
        known = self._store.of(self._model.name) if learns else Acceptance()
        self._suggestions.told.acceptance = known

    def _learn(self, end: End) -> None:
        """Learn from what became of the text that is shown."""
        seen, self._seen = self._seen, None
        taken = None if seen is None else verdict(seen, end, time.monotonic())
        if seen is None or taken is None or not self._settings.suggestions.learn:
            return
        if self._suggestions is not None and self._store is not None and self._model is not None:
            model = self._model
            self._suggestions.told.acceptance = self._store.learn(
                model.name, seen.mean_logprob, model.threshold, taken=taken
            )

    def _look(self, event: SuggestionReady) -> None:
        """Remember the text that is shown, to learn what becomes of it."""
        if event.mean_logprob is None:
            return
        if self._seen is None or not self._seen.is_same(event.text):
            self._seen = SeenText(event.text, event.mean_logprob, time.monotonic())

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def is_aside(self, request_id: int) -> bool:
        """Return whether nobody waits for the answer of the model that serves to this request."""
        return self._suggestions is not None and self._suggestions.is_aside(request_id)

    def on_engine(self, event: "EngineNews") -> None:
        """Pass an event of the engine on."""
        from engine.protocol.messages import EngineReady

        if isinstance(event, EngineReady):
            self._model = event.model
            self._remember_person()
        if self._suggestions is not None:
            self._suggestions.on_engine(event)

    def _show(self, event: SuggestionEvent) -> None:
        """Put text into the editor, and say in the status line how it went."""
        if isinstance(event, StateChanged):
            self._be_patient(event.state == "asking")
        editor = self._editor
        if editor is None:
            return
        if isinstance(event, SuggestionReady):
            if event.place != self._place(editor):
                return  # a key came in between; the text for the new place is on its way
            if self._settings.suggestions.subtle and not (event.asked or editor.ghost):
                self._waiting = False
                self._report(SuggestionReport(hidden=True, chance=event.chance))
                return
            unsure = 0 if event.sure is None else len(event.text) - event.sure
            editor.show_ghost(event.text, unsure)
            self._look(event)
            self.on_event(event)
            self._waiting = False
            self._report(
                SuggestionReport(
                    shown=True,
                    latency_ms=event.latency_ms,
                    cached=event.from_cache,
                    reason=event.note,
                    chance=event.chance,
                    rank=event.rank,
                )
            )
        elif isinstance(event, NoSuggestion | SuggestionFailed) and not editor.ghost:
            self.on_event(event)
            self._waiting = False
            self._report(SuggestionReport(reason=event.reason))

    def _be_patient(self, asking: bool) -> None:
        """Say after a while that no answer came yet."""
        if self._patience is not None:
            self._patience.stop()
        self._patience = self._set_timer(_PATIENCE, self._still_waiting) if asking else None
        if not asking and self._waiting:
            self._waiting = False
            self._report(SuggestionReport())  # given up: nothing is on its way any more

    def _still_waiting(self) -> None:
        self._patience = None
        if self._editor is not None and not self._editor.ghost:
            self._waiting = True
            self._report(SuggestionReport(waiting=True))

    def _place(self, editor: Editor) -> CursorPlace:
        """Return the editor's cursor as a place."""
        prefix, suffix = editor.cursor_offset_text()
        return CursorPlace(
            path=request_path(self._path, self._root),
            language=editor.language_name,
            prefix=prefix,
            suffix=suffix,
            selection=not editor.selection.is_empty or editor.many_cursors,
            read_only=editor.read_only,
            secret=self._secret,
        )
