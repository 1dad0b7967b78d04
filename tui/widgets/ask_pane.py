"""The pane of questions about the code: the conversation above, a line for the next one below.

Shows turns and tells what the person wants; `tui.flows.assistant.ask_flow` asks the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.assist.conversation import AskedTurn
from tui.screen_layout import PaneRows
from tui.widgets.history_input import HistoryInput
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from tui.widgets.ask_answer import AnswerView

__all__ = ["AskPane", "AskWish"]

AskWish = Literal["ask", "stop or leave"]

SHOWN_TURNS = 30
"""Latest turns on the screen."""

_IDLE = "Enter asks · ↑ earlier · Esc editor"
_IDLE_WITH_CODE = "Enter asks · ↑ earlier · Tab code · Esc editor"
_RUNNING = "Esc stops the answer"
_CODE = "i insert · a apply · c copy · Tab next · Esc back"


class AskPane(Pane):
    """A conversation about the repository."""

    DEFAULT_CSS = """
    AskPane {
        layout: vertical;
        #ask-turns { height: 1fr; scrollbar-gutter: stable; }
        #ask-hint { height: auto; max-height: 2; color: $foreground 50%; }
        #ask-input { height: 1; border: none; padding: 0 1; background: $panel; }
        &:focus-within { border: round $primary 70%; }
    }
    """
    NAME: ClassVar[str] = "ask"
    TITLE: ClassVar[str] = "Ask about the code"
    HELP: ClassVar[str] = (
        "**Ask** (Alt+A) answers questions about the repository with a model that holds"
        " conversations. It is shown the selection or the lines around the cursor, definitions of"
        " names in the question, and passages that use its words, never a private or git-ignored"
        " file; which lines it read stands above the answer. It changes and runs nothing: Tab goes"
        " to a block of code, **i** inserts it at the cursor, **a** shows it as a change of the"
        " file, **c** copies it. The conversation is kept for this repository until “Clear the"
        " conversation” (Ctrl+P)."
    )
    ROWS: ClassVar[PaneRows] = PaneRows(alone=True)
    WITH_EDITOR: ClassVar[bool] = True
    KEEPS_GHOST: ClassVar[bool] = False
    COUNTS: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "escape", "stop the answer; back to the editor", id="ask.escape"),
        Binding("tab", "block(-1)", "a block of code, the latest first", id="ask.block"),
        Binding("shift+tab", "block(1)", "back", id="ask.block_back"),
        Binding("pageup", "page(-1)", "scroll up", id="ask.page_up"),
        Binding("pagedown", "page(1)", "scroll down", id="ask.page_down"),
    ]

    @dataclass
    class Wanted(Message):
        """The person asks a question, or wants the answer stopped, or the editor."""

        wish: AskWish
        question: str = ""

    def __init__(self) -> None:
        super().__init__()
        self._questions: list[str] = []
        self._input = HistoryInput(
            self._questions, placeholder="Ask about the code …", id="ask-input"
        )
        self._views: dict[AskedTurn, AnswerView] = {}
        self._answering = False

    def compose(self) -> ComposeResult:
        """Stack conversation, hint and line."""
        yield VerticalScroll(id="ask-turns", can_focus=False)
        yield Static(_IDLE, id="ask-hint")
        yield self._input

    @property
    def key_target(self) -> Widget:
        """The line for a question."""
        return self._input

    @property
    def _code(self) -> list[Widget]:
        """The blocks of code of all answers, from top to bottom."""
        views = sorted(self._views.values(), key=lambda view: view.virtual_region.y)
        return [block for view in views for block in view.code]

    # ── from the flow ───────────────────────────────────────────────────────────────────────

    async def show_turns(self, turns: Sequence[AskedTurn]) -> None:
        """Show these turns, the latest at the bottom, and no others."""
        from tui.widgets.ask_answer import AnswerView  # Markdown, which the start does not need

        turns = turns[-SHOWN_TURNS:]
        self._questions[:] = dict.fromkeys(turn.question for turn in turns)
        space = self.query_one("#ask-turns", VerticalScroll)
        for gone in self._views.keys() - set(turns):
            await self._views.pop(gone).remove()
        new = [AnswerView(turn) for turn in turns if turn not in self._views]
        self._views |= {view.turn: view for view in new}
        await space.mount_all(new)
        for view in new:
            await view.write()
        space.anchor()
        self._hint()

    async def follow(self, turn: AskedTurn) -> None:
        """Show what became of a turn."""
        self._answering = not turn.ended
        if (view := self._views.get(turn)) is not None:
            view.show()
            await view.write()
        self._hint()

    # ── from the person ─────────────────────────────────────────────────────────────────────

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass a question on; the line is empty for the next one."""
        event.stop()
        if event.value.strip():
            self._input.start()
            self.post_message(self.Wanted("ask", event.value.strip()))

    def action_escape(self) -> None:
        """From a block of code back to the line, from there to what runs, then to the editor."""
        if self.screen.focused in self._code:
            self._input.focus()
        else:
            self.post_message(self.Wanted("stop or leave"))

    def action_block(self, step: int) -> None:
        """Go through the line and the blocks of code, the latest first."""
        places = [*self._code, self._input]
        focused = self.screen.focused
        here = places.index(focused) if focused in places else len(places) - 1
        there = places[(here + step) % len(places)]
        there.focus()
        if there is not self._input:
            there.scroll_visible(animate=False)

    def action_page(self, step: int) -> None:
        """Scroll the conversation by a page."""
        space = self.query_one("#ask-turns", VerticalScroll)
        if step < 0:
            space.scroll_page_up(animate=False)
        else:
            space.scroll_page_down(animate=False)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say what the keys do here."""
        self._hint()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Say what the keys will do when the person comes back."""
        self._hint()

    def _hint(self) -> None:
        code = self._code
        idle = _IDLE_WITH_CODE if code else _IDLE
        words = _CODE if self.screen.focused in code else _RUNNING if self._answering else idle
        self.query_one("#ask-hint", Static).update(words)
