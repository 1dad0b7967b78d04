"""An app whose suggestions are counted and whose session can be recorded.

What the class built on this one does with what happens is its own affair.

Textual hands each message to every class of the app that has a method for it: the methods here hear
what those of the class built on this one hear, after them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from engine import paths
from engine.protocol.messages import EngineReady
from engine.repository.ignore import IgnoreRules
from tui.app_messages import EngineEvent
from tui.assist.numbers.store import NumbersStore
from tui.assist.suggestion_events import SuggestionEvent
from tui.flows.recording_flow import RecordingFlow, new_session_file
from tui.flows.suggestions.ghost_writer import GhostWriter
from tui.flows.suggestions.numbers_flow import NumbersFlow
from tui.link.engine_link import EngineLink
from tui.link.engine_state import EngineState
from tui.safe_app import SafeApp
from tui.user_folders import numbers_file
from tui.widgets.deck import Deck
from tui.widgets.editor import Editor
from tui.widgets.status_line import StatusLine

__all__ = ["WatchedApp"]


class WatchedApp(SafeApp):
    """An app that counts what becomes of suggestions, and records a session on request."""

    deck: Deck
    status: StatusLine
    link: EngineLink
    ghost_writer: GhostWriter
    engine_state: EngineState
    rules: IgnoreRules
    privacy_known: bool
    """Whether all private patterns could be read: only then is it known which files are secret."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = NumbersFlow(
            NumbersStore(numbers_file()),
            set_timer=self.set_timer,
            after_paint=self.call_after_refresh,
            run=partial(self.run_safely, group="numbers"),
        )
        self.recording = RecordingFlow(
            show=lambda mark: self.status.show(mark=mark),
            complain=partial(self.notify, severity="error", timeout=12),
        )
        self.record_to: Path | None = None
        """A file to record into from the start."""

    def on_mount(self) -> None:
        """Hear what comes of each attempt at a suggestion; begin to record if that is wanted."""
        self.ghost_writer.on_event = self._on_suggestion
        if self.record_to is not None:
            self._record(self.record_to)

    def on_unmount(self) -> None:
        """Keep what was counted, and end the recording."""
        self.numbers.keep_now()
        self.recording.stop()

    def _on_suggestion(self, event: SuggestionEvent) -> None:
        self.numbers.suggestion(event)
        self.recording.suggestion(event)

    def on_deck_changed(self) -> None:
        """Follow the person to another file."""
        file = self.deck.current
        self.numbers.look_at(Path() if file is None else file.path)
        self.recording.look_at(file)

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        self.numbers.edited(event)
        self.recording.edited(event)

    def on_editor_moved(self, event: Editor.Moved) -> None:
        """Follow the cursor."""
        self.recording.moved(event)

    def on_editor_ghost_accepted(self, event: Editor.GhostAccepted) -> None:
        """Follow a key that made a suggestion text."""
        self.numbers.accepted(event)
        self.recording.accepted(event)

    def on_editor_ghost_dismissed(self, event: Editor.GhostDismissed) -> None:
        """Follow a suggestion that went."""
        self.numbers.dismissed(event)
        self.recording.dismissed(event)

    def on_engine_event(self, message: EngineEvent) -> None:
        """Follow the model that serves, and what it says."""
        event = message.event
        if getattr(event, "session", self.link.session) != self.link.session:
            return  # of a model that is being opened
        if isinstance(event, EngineReady):
            self.numbers.serves(event.model.name)
        self.recording.engine(event)

    # ── the numbers ─────────────────────────────────────────────────────────────────────────

    def action_numbers(self) -> None:
        """Show what became of suggestions."""
        self.run_safely(self._show_numbers, group="files")

    async def _show_numbers(self) -> None:
        from tui.screens.numbers import NumbersScreen
        from tui.screens.question import Choice, QuestionScreen

        counts = await self.numbers.all()
        if await self.push_screen_wait(NumbersScreen(counts, self.numbers.today())) != "clear":
            return
        choices = [Choice("keep", "keep them", "k"), Choice("clear", "forget all", "f")]
        question = QuestionScreen(
            "numbers", "Forget all that was counted, of all windows?", choices, escape="keep"
        )
        if await self.push_screen_wait(question) == "clear":
            await self.numbers.clear()
            self.notify("the numbers begin anew")

    # ── the recording ───────────────────────────────────────────────────────────────────────

    def recording_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what the palette offers about recorded sessions."""
        from tui.flows.play_recording import play_commands

        return play_commands(self, _sessions())

    def action_toggle_recording(self) -> None:
        """Record the session after a question, or end the recording."""
        if self.recording.path is None:
            self.run_safely(self._ask_to_record, group="files")
        else:
            path = self.recording.path
            self.recording.stop()
            self.notify(
                f"recorded: {path}\nplay it from the palette, or with spark-tui replay", timeout=12
            )

    async def _ask_to_record(self) -> None:
        from tui.screens.question import Choice, QuestionScreen

        path = new_session_file(_sessions())
        question = QuestionScreen(
            "record this session",
            f"The text of the files that you look at, all edits, suggestions and counters go to"
            f"\n{path}\nuntil you stop it. Files that may hold secrets are left out.",
            [Choice("no", "do not record", "n"), Choice("record", "record", "r")],
            escape="no",
        )
        if await self.push_screen_wait(question) == "record":
            self._record(path)

    def _record(self, path: Path) -> None:
        """Record into a new file; say why if that is impossible."""
        if not self.privacy_known:
            self.notify(
                "nothing is recorded: the section [privacy] of the settings has a mistake, so it is"
                " not known which files are private",
                severity="error",
                timeout=12,
            )
            return
        try:
            self.recording.start(path, self.rules.root, self.engine_state.ready, self.deck.current)
        except OSError as error:
            reason = error.strerror or str(error)
            self.notify(f"nothing is recorded: {path}: {reason}", severity="error", timeout=12)


def _sessions() -> Path:
    """Return the folder of recorded sessions."""
    return paths.state_dir() / "sessions"
