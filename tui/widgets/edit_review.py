"""EditReview: an edit in place of the editor: the difference, one line about it, the instruction.

Shows a draft and tells by messages what the person wants; changes neither the draft nor a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tui.assist.edit_draft import EditDraft
from tui.visuals.edit_text import edit_text
from tui.widgets.edit_view import EditView
from tui.widgets.editor import Editor
from tui.widgets.history_input import HistoryInput
from tui.widgets.theme_inks import inks_of

__all__ = ["EditReview"]

Wish = Literal["accept", "reject", "accept rest", "leave"]


class EditReview(Vertical):
    """An edit on the screen.

    Args:
        editor: The editor of the file; its place is taken.
        draft: The edit.
        earlier: Earlier instructions, the oldest first.
    """

    DEFAULT_CSS = """
    EditReview {
        height: 1fr;
        EditView { height: 1fr; }
        .edit-words { height: auto; max-height: 5; background: $panel; }
        HistoryInput { height: 1; background: $boost; padding: 0 1; border: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,y", "wish('accept')", "accept the change at the cursor", id="edit.accept"),
        Binding("n", "wish('reject')", "reject the change at the cursor", id="edit.reject"),
        Binding("enter", "wish('accept rest')", "accept all that is open", id="edit.accept_all"),
        Binding("escape", "wish('leave')", "stop; reject all that is open", id="edit.leave"),
        Binding("alt+down", "go(1)", "go to the next change", id="edit.next"),
        Binding("alt+up", "go(-1)", "go to the change before", id="edit.previous"),
    ]

    @dataclass
    class Asked(Message):
        """The person gave an instruction."""

        instruction: str

    @dataclass
    class Wished(Message):
        """The person wants something of the edit."""

        wish: Wish
        hunk: int | None
        """The open hunk at the cursor."""

    def __init__(self, editor: Editor, draft: EditDraft, earlier: Sequence[str]) -> None:
        super().__init__(id="edit")
        self._draft = draft
        self._editor = editor
        self.view = EditView(editor, draft.path, draft.first, draft.last)
        self.line = HistoryInput(
            earlier, placeholder="what should change? (as: handle None; rename x to count)"
        )
        self._words = Static(classes="edit-words")

    def compose(self) -> ComposeResult:
        """Lay out the difference above the line about it and the instruction."""
        yield self.view
        yield self._words
        yield self.line

    def on_mount(self) -> None:
        """Show what the editor showed, and ask for an instruction."""
        with self.view.prevent(Input.Changed):
            self.view.move_cursor(self._editor.cursor_location)
        self.call_after_refresh(self._stay_where_it_was)
        self.line.display = self._draft.phase == "asking"
        (self.line if self.line.display else self.view).focus()
        self.show()

    def _stay_where_it_was(self) -> None:
        self.view.scroll_to(*self._editor.scroll_offset, animate=False)
        self.view.scroll_to_hunk(0, self._draft.last - self._draft.first)

    def show(self) -> None:
        """Draw the draft as it is now."""
        deciding = self._draft.phase == "deciding"
        self.view.show_rows(self._draft.rows(), whole_range=not deciding)
        if self._draft.phase == "writing":
            self.view.follow()
        self._say()

    def _say(self) -> None:
        steering = self.line.display
        width = self.size.width or self.app.size.width
        self._words.update(edit_text(self._draft, width, inks_of(self), steering=steering))

    def on_resize(self) -> None:
        """Fit the words into the new width."""
        self._say()

    def ask(self, begun: str = "") -> None:
        """Ask for an instruction: the first, or one that steers.

        Args:
            begun: What it begins with.
        """
        if begun or not self.line.display:
            self.line.start(begun)
            self.line.display = True
        self.line.focus()
        self._say()

    def go_to_first(self) -> None:
        """Go to the first hunk."""
        self.view.go_to_hunk(0)

    def go_on(self) -> None:
        """Go to the open hunk after the cursor, or to the first one."""
        if self.view.hunk is not None:
            self.view.go_to_hunk(self.view.hunk)

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass an instruction on, unless it is empty."""
        event.stop()
        instruction = event.value.strip()
        if instruction:
            self.close_line()
            self.post_message(self.Asked(instruction))

    def action_wish(self, wish: Wish) -> None:
        """Tell what the person wants; Esc in the line of a further instruction only closes it."""
        if self.line.has_focus:
            if wish == "leave" and self._draft.phase != "asking":
                self.close_line()
            elif wish == "leave":
                self.post_message(self.Wished(wish, None))
            return
        self.post_message(self.Wished(wish, self.view.hunk))

    def action_go(self, step: int) -> None:
        """Go to another open hunk."""
        here = self.view.hunk
        opened = [i for i, verdict in enumerate(self._draft.verdicts) if verdict == "open"]
        if here is not None and here in opened:
            self.view.go_to_hunk(opened[(opened.index(here) + step) % len(opened)])
            self.view.refresh()

    def close_line(self) -> None:
        """Give the keyboard back to the difference."""
        self.line.display = False
        self.view.focus()
        self._say()
