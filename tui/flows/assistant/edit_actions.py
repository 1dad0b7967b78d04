"""The app's commands about edits, and what edits hear of it.

A part of the app of its own, mixed into it.  Decides nothing: `EditFlow` does.
"""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

from tui.assist.edit_instructions import prepared_edits
from tui.flows.files.file_actions import FileActions
from tui.flows.setting_actions import SettingActions
from tui.link.engine_link import EngineLink
from tui.widgets.deck import Deck
from tui.widgets.editor import Editor

if TYPE_CHECKING:
    from tui.flows.assistant.edit_flow import EditFlow
    from tui.widgets.edit_review import EditReview

__all__ = ["EditActions"]


class EditActions(FileActions, SettingActions):
    """What a person can ask of a model that edits."""

    deck: Deck
    link: EngineLink

    @cached_property
    def edits(self) -> "EditFlow":
        """The edit under way."""
        from tui.flows.assistant.edit_flow import EditFlow

        return EditFlow(
            self,
            self.deck,
            self.link,
            lambda: self.settings,
            self.rules.root,
            partial(self.run_safely, group="edits"),
        )

    def action_edit(self) -> None:
        """Edit the selection, the statement at the cursor or the file by an instruction."""
        if len(self.screen_stack) == 1:
            self.edits.begin()

    def edit_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield the prepared instructions as commands of the palette."""
        for each in prepared_edits(self.settings.edits.instructions):
            yield f"Edit: {each.name}", each.help, partial(self.edits.begin, each)

    def on_edit_review_asked(self, event: "EditReview.Asked") -> None:
        """Pass an instruction on."""
        self.edits.ask(event.instruction)

    def on_edit_review_wished(self, event: "EditReview.Wished") -> None:
        """Pass on what becomes of an edit."""
        self.edits.wish(event)

    def on_deck_changed(self) -> None:
        """Follow the person to another file."""
        self.edits.look_at(self.deck.current)

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Offer the edit that a comment asks for, once its line is finished."""
        if event.cause == "typed":
            self.edits.offer_commented(event.editor, event.editor.cursor_location[0] - 1)

    def offer_commented_edits(self) -> None:
        """Offer the edit that a comment of the visible file asks for."""
        if self.deck.current is not None:
            self.edits.offer_commented(self.deck.current.editor)
