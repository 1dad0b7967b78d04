"""The bar below the editor in which a person types what to find, and what to put in its place.

Holds what is typed and says when a key asks for something; finds and replaces nothing.
"""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from engine.visible_text import visible
from tui.search.query import Query

__all__ = ["FindBar", "FindSwitch"]

_SWITCHES = (
    ("match_case", "Aa", "alt+c", "tell capital from small letters"),
    ("whole_word", "W", "alt+w", "find whole words only"),
    ("regex", ".*", "alt+r", "find by a regular expression"),
)
"""Field of `Query`, sign, key, words."""

_HISTORY = 50


class FindSwitch(Static):
    """A sign that is lit while a way to find is switched on; a click switches it."""

    DEFAULT_CSS = """
    FindSwitch { width: auto; padding: 0 1; color: $foreground 55%; }
    FindSwitch.-on { background: $primary; color: $background; }
    """

    @dataclass
    class Pressed(Message):
        """The switch was clicked."""

        field: str

    def __init__(self, field: str, sign: str) -> None:
        super().__init__(Content(sign), id=f"find-{field}")
        self._field = field

    def on_click(self, event: events.Click) -> None:
        """Say that the person wants it the other way."""
        event.stop()
        self.post_message(self.Pressed(self._field))


class FindBar(Vertical):
    """One line to find, and perhaps one to replace.

    Args:
        history: What was looked for before, the newest last; the bar adds to it.
        replacing_keys: What the line for the replacement says of its keys.
    """

    DEFAULT_CSS = """
    FindBar {
        height: auto;
        background: $panel;
        .find-line { height: 1; }
        .find-name { width: 9; padding: 0 1; color: $foreground 55%; }
        Input { width: 1fr; background: $boost; }
        .find-count { width: auto; min-width: 9; padding: 0 1; text-align: right; }
        .find-keys { width: auto; padding: 0 1; color: $foreground 55%; }
        .find-note { height: 1; padding: 0 1; color: $foreground 55%; display: none; }
        .find-note.-shown { display: block; }
        .find-note.-problem { color: $error; }
        #replace-line { display: none; }
        &.-replacing #replace-line { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "next match; in the replacement, replace it", id="find.enter"),
        Binding("down", "step(True)", "next match", id="find.next"),
        Binding("up,shift+enter", "step(False)", "match before", id="find.previous"),
        *(
            Binding(key, f"switch('{field}')", words, priority=True, id=f"find.{field}")
            for field, _, key, words in _SWITCHES
        ),
        Binding("alt+a", "replace_all", "replace all", priority=True, id="find.replace_all"),
        Binding("ctrl+z", "undo", "undo the replacement in this file", id="find.undo"),
        Binding("alt+up", "recall(-1)", "what was looked for before", id="find.earlier"),
        Binding("alt+down", "recall(1)", "what was looked for after that", id="find.later"),
        Binding("escape", "close", "close; before the first Enter, go back", id="find.close"),
    ]

    class Changed(Message):
        """What is looked for, or what replaces it, changed."""

    class Entered(Message):
        """Enter was pressed in what is looked for."""

    @dataclass
    class Stepped(Message):
        """The person wants the next match, or the one before."""

        forward: bool

    @dataclass
    class ReplaceAsked(Message):
        """The person wants this match replaced, or all of them."""

        everywhere: bool

    class UndoAsked(Message):
        """The person wants the last change of the file taken back."""

    class Closed(Message):
        """The person is done."""

    def __init__(self, history: list[str], replacing_keys: str = "Enter one  Alt+A all") -> None:
        super().__init__(classes="find-bar")
        self._history = history
        self._replacing_keys = replacing_keys
        self._recalled = len(history)
        self._on: set[str] = set()

    def compose(self) -> ComposeResult:
        """Lay out the two lines and the remark below them."""
        with Horizontal(classes="find-line"):
            yield Static("find", classes="find-name")
            yield Input(compact=True, id="find-text")
            for field, sign, _, _ in _SWITCHES:
                yield FindSwitch(field, sign)
            yield Static(classes="find-count")
        with Horizontal(classes="find-line", id="replace-line"):
            yield Static("replace", classes="find-name")
            yield Input(compact=True, id="replace-text")
            yield Static(self._replacing_keys, classes="find-keys")
        yield Static(classes="find-note")

    # ── what it holds ───────────────────────────────────────────────────────────────────────

    @property
    def query_now(self) -> Query:
        """What is looked for."""
        return Query(self._find.value, **dict.fromkeys(self._on, True))

    @property
    def replacement(self) -> str | None:
        """What stands in place of a match; None while nothing is to be replaced."""
        return self._replace.value if self.has_class("-replacing") else None

    def begin(self, text: str, *, replacing: bool, afresh: bool = False) -> None:
        """Take the keyboard.

        Args:
            text: What to look for, selected so that typing replaces it; empty keeps what is there.
            replacing: Whether to show the line for the replacement, too.
            afresh: Whether to ask what to find also where there is an answer.
        """
        self.set_class(replacing, "-replacing")
        if text:
            self._find.value = text
        here = self._replace if replacing and self._find.value and not afresh else self._find
        here.focus()
        here.select_all()

    def switch_on(self, *fields: str) -> None:
        """Find in these ways and no others."""
        for field in self._on ^ set(fields):
            self.action_switch(field)

    def remember(self) -> None:
        """Keep what is looked for in the history."""
        text = self._find.value
        if text and self._history[-1:] != [text]:
            self._history.append(text)
            del self._history[:-_HISTORY]
        self._recalled = len(self._history)

    def show_count(self, text: str) -> None:
        """Say which of how many matches is shown."""
        self.query_one(".find-count", Static).update(Content(text))

    def show_note(self, text: str, *, problem: bool = False) -> None:
        """Show a remark below, or none."""
        note = self.query_one(".find-note", Static)
        note.update(Content(visible(text)))
        note.set_class(bool(text), "-shown")
        note.set_class(problem, "-problem")

    @property
    def _find(self) -> Input:
        return self.query_one("#find-text", Input)

    @property
    def _replace(self) -> Input:
        return self.query_one("#replace-text", Input)

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say that something else is looked for."""
        event.stop()
        self.post_message(self.Changed())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on, or replace."""
        event.stop()
        if event.input is self._replace:
            self.post_message(self.ReplaceAsked(everywhere=False))
        else:
            self.action_enter()

    def on_find_switch_pressed(self, event: FindSwitch.Pressed) -> None:
        """Do what the switch's key does."""
        event.stop()
        self.action_switch(event.field)

    def action_enter(self) -> None:
        """Say that Enter was pressed."""
        self.remember()
        self.post_message(self.Entered())

    def action_step(self, forward: bool) -> None:
        """Ask for the next match, or the one before."""
        self.remember()
        self.post_message(self.Stepped(forward))

    def action_switch(self, field: str) -> None:
        """Switch a way to find on or off."""
        self._on ^= {field}
        self.query_one(f"#find-{field}").set_class(field in self._on, "-on")
        self.post_message(self.Changed())

    def action_replace_all(self) -> None:
        """Ask for all matches to be replaced, once it is shown by what."""
        if self.replacement is not None:
            self.remember()
            self.post_message(self.ReplaceAsked(everywhere=True))

    def action_recall(self, step: int) -> None:
        """Show what was looked for before, or after that."""
        number = self._recalled + step
        if self._history[number : number + 1] == [self._find.value]:
            number += step
        if 0 <= number < len(self._history):
            self._recalled = number
            self._find.value = self._history[number]
            self._find.cursor_position = len(self._find.value)

    def action_undo(self) -> None:
        """Ask for the last change of the file to be taken back."""
        self.post_message(self.UndoAsked())

    def action_close(self) -> None:
        """Say that the person is done."""
        self.post_message(self.Closed())
