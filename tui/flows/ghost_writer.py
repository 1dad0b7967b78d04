"""Stands between the visible editor and `Suggestions`: tells places, shows ghost text.

Decides nothing about suggestions.  Makes `Suggestions` after the first paint, because that
imports the engine's client.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.app_messages import SuggestionReport
from tui.assist.cursor_place import CursorPlace
from tui.assist.suggestion_events import (
    NoSuggestion,
    StateChanged,
    SuggestionEvent,
    SuggestionFailed,
    SuggestionReady,
)
from tui.format import request_path
from tui.link.engine_link import EngineLink
from tui.settings import Settings, SuggestionSettings
from tui.widgets.editor import Editor

if TYPE_CHECKING:
    from tui.app_messages import EngineNews
    from tui.assist.suggestions import Suggestions

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
        self._paused = False
        self.on_event: Callable[[SuggestionEvent], None] = lambda event: None
        """Also told what comes of each attempt: what is shown, and why nothing is."""

    def start(self) -> None:
        """Begin to suggest."""
        from tui.assist.suggestions import Suggestions

        self._suggestions = Suggestions(
            self._link,
            self._settings.suggestions,
            on_event=self._show,
            set_timer=self._set_timer,
            secret_patterns=self._settings.privacy.extra_patterns,
            repository=str(self._root) if self._private_known else None,
        )
        self._suggestions.paused = self._paused
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
        now = (editor, path, secret)
        if now != (self._editor, self._path, self._secret):
            self._editor, self._path, self._secret = now
            if self._suggestions is not None:
                self._suggestions.changed(None if editor is None else self._place(editor))

    def edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        if self._suggestions is None or event.editor is not self._editor:
            return
        if event.cause in ("typed", "accepted"):
            accepted = event.cause == "accepted"
            self._suggestions.edited(self._place(event.editor), accepted=accepted)
        else:
            self._suggestions.changed(self._place(event.editor))

    def moved(self, event: Editor.Moved) -> None:
        """Follow the cursor."""
        if self._suggestions is not None and event.editor is self._editor:
            self._suggestions.moved(self._place(event.editor))

    def dismissed(self, event: Editor.GhostDismissed) -> None:
        """Offer nothing again here after the person refused."""
        if self._suggestions is None or event.editor is not self._editor:
            return
        if event.reason == "escape":
            self._suggestions.dismissed()
        elif event.reason == "blur":
            self._suggestions.changed(self._place(event.editor))

    def ask(self) -> None:
        """Ask now."""
        if self._suggestions is not None and self._editor is not None:
            self._suggestions.ask(self._place(self._editor))

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
        if self._suggestions is not None:
            self._suggestions.settings = settings

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def on_engine(self, event: "EngineNews") -> None:
        """Pass an event of the engine on."""
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
            editor.ghost = event.text
            self.on_event(event)
            self._waiting = False
            self._report(
                SuggestionReport(
                    shown=True,
                    latency_ms=event.latency_ms,
                    cached=event.from_cache,
                    reason=event.note,
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
            selection=not editor.selection.is_empty,
            read_only=editor.read_only,
            secret=self._secret,
        )
