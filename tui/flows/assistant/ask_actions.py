"""The app's commands about questions, and what the conversation hears of it.

A part of the app of its own, mixed into it.  Decides nothing: `AskFlow` does.
"""

from functools import cached_property, partial
from typing import TYPE_CHECKING

from tui.flows.assistant.edit_actions import EditActions
from tui.flows.visible_parts import VisibleParts
from tui.widgets.ask_pane import AskPane
from tui.widgets.pane_column import PaneColumn

if TYPE_CHECKING:
    from tui.flows.assistant.ask_flow import AskFlow
    from tui.widgets.ask_answer import AnswerCode

__all__ = ["AskActions"]

EXPLAIN = "Explain this code briefly: what it does, step by step, and what to watch out for."


class AskActions(EditActions):
    """What a person can ask about the code."""

    panes: PaneColumn
    parts: VisibleParts
    privacy_known: bool

    @cached_property
    def asking(self) -> "AskFlow":
        """The conversation about this repository."""
        from tui.flows.assistant.ask_flow import AskFlow

        return AskFlow(
            self,
            self.deck,
            next((pane for pane in self.panes if isinstance(pane, AskPane)), None),
            link=self.link,
            settings=lambda: self.settings,
            root=self.rules.root,
            run=partial(self.run_safely, group="asking"),
            show_pane=self.parts.show_beside,
            leave=self.parts.focus_editor,
            offer=self.edits.offer,
            private_known=self.privacy_known,
        )

    def action_ask(self) -> None:
        """Go to the conversation about the code, or from it back to the editor."""
        if len(self.screen_stack) == 1:
            self.asking.open()

    def action_explain(self) -> None:
        """Ask what the selection does, or the statement at the cursor."""
        if len(self.screen_stack) == 1:
            self.asking.ask(EXPLAIN, statement=True)

    def action_clear_conversation(self) -> None:
        """Forget the conversation about this repository."""
        self.asking.clear()

    def on_ask_pane_wanted(self, event: AskPane.Wanted) -> None:
        """Pass on what a person wants in the conversation."""
        self.asking.wish(event)

    def on_answer_code_used(self, event: "AnswerCode.Used") -> None:
        """Pass on what becomes of a block of code."""
        self.asking.use(event)
