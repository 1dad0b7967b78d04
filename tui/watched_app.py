"""An app whose suggestions are counted, beside what the class built on it does with them.

Textual hands each message to every class of the app that has a method for it: the methods here hear
what those of the class built on this one hear, after them.
"""

from functools import partial
from pathlib import Path

from engine.protocol.messages import EngineReady
from tui.app_messages import EngineEvent
from tui.assist.numbers.store import NumbersStore
from tui.flows.ghost_writer import GhostWriter
from tui.flows.numbers_flow import NumbersFlow
from tui.link.engine_link import EngineLink
from tui.safe_app import SafeApp
from tui.user_folders import numbers_file
from tui.widgets.deck import Deck
from tui.widgets.editor import Editor

__all__ = ["WatchedApp"]


class WatchedApp(SafeApp):
    """An app that counts what becomes of suggestions."""

    deck: Deck
    link: EngineLink
    ghost_writer: GhostWriter

    def __init__(self) -> None:
        super().__init__()
        self.numbers = NumbersFlow(
            NumbersStore(numbers_file()),
            set_timer=self.set_timer,
            after_paint=self.call_after_refresh,
            run=partial(self.run_safely, group="numbers"),
        )

    def on_mount(self) -> None:
        """Hear what comes of each attempt at a suggestion."""
        self.ghost_writer.on_event = self.numbers.suggestion

    def on_unmount(self) -> None:
        """Keep what was counted."""
        self.numbers.keep_now()

    def on_deck_changed(self) -> None:
        """Follow the person to another file."""
        file = self.deck.current
        self.numbers.look_at(Path() if file is None else file.path)

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Follow an edit."""
        self.numbers.edited(event)

    def on_editor_ghost_accepted(self, event: Editor.GhostAccepted) -> None:
        """Follow a key that made a suggestion text."""
        self.numbers.accepted(event)

    def on_editor_ghost_dismissed(self, event: Editor.GhostDismissed) -> None:
        """Follow a suggestion that went."""
        self.numbers.dismissed(event)

    def on_engine_event(self, message: EngineEvent) -> None:
        """Follow the model that serves."""
        event = message.event
        if isinstance(event, EngineReady) and event.session == self.link.session:
            self.numbers.serves(event.model.name)

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
