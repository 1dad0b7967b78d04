"""The settings screen: every setting and every key, found by name and changed in place.

Shows and asks; the app changes, and says why it does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.visible_text import visible
from tui.fuzzy import fuzzy_match
from tui.settings import Settings
from tui.settings_words import SettingWords, every_setting
from tui.visuals.inks import Inks
from tui.widgets.theme_inks import inks_of

__all__ = ["KeyRow", "SettingsScreen"]

_NAME_CELLS = 34
_NEXT_START = ("privacy.", "models.")
"""Settings that hold from the next start on."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An action and its keys, as Textual writes them, with commas between several."""

    name: str
    keys: str
    default: str
    meaning: str


class SettingsScreen(ModalScreen[None]):
    """All settings and keys.

    Args:
        now: Returns the settings that hold.
        keys: Returns all actions with their keys.
        change: Gives a setting another value; a ValueError says why that cannot be.
        change_key: Gives an action other keys, or with none its own; likewise.
        file: Where settings are kept.
    """

    DEFAULT_CSS = """
    SettingsScreen {
        align: center middle;
        background: $background 60%;
        .settings { width: 100; height: 96%; padding: 0 1; }
        OptionList { height: 1fr; border: none; padding: 0; background: transparent; }
        .option-list--option-highlighted { background: $primary 30%; }
        .meaning { height: 3; color: $foreground 80%; }
        .value { display: none; height: 1; border: none; padding: 0; }
        .value.-asked { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "close", show=False),
        Binding("down", "move('cursor_down')", "next", show=False, priority=True),
        Binding("up", "move('cursor_up')", "before", show=False, priority=True),
        Binding("pagedown", "move('page_down')", "page down", show=False, priority=True),
        Binding("pageup", "move('page_up')", "page up", show=False, priority=True),
    ]

    def __init__(
        self,
        *,
        now: Callable[[], Settings],
        keys: Callable[[], Sequence[KeyRow]],
        change: Callable[[str, object], None],
        change_key: Callable[[str, str], None],
        file: Path,
    ) -> None:
        super().__init__()
        self._now = now
        self._keys = keys
        self._change = change
        self._change_key = change_key
        self._file = file
        self._rows: dict[str, SettingWords | KeyRow] = {}

    def compose(self) -> ComposeResult:
        """Lay out the line that finds, the list, and the line that changes."""
        with Vertical(classes="dialog settings") as box:
            box.border_title = "settings and keys"
            box.border_subtitle = "Enter changes · type to find · Esc closes"
            yield Input(
                placeholder="find a setting, an action or its key", compact=True, classes="find"
            )
            yield OptionList()
            yield Static(classes="meaning")
            yield Input(compact=True, classes="value")
            yield Static(classes="dialog-problem")

    def on_mount(self) -> None:
        """List everything."""
        self._fill()
        self.query_one(".find", Input).focus()

    # ── the list ────────────────────────────────────────────────────────────────────────────

    def _fill(self, keep: str | None = None) -> None:
        """List what matches the words that were typed; go to the row called ``keep``."""
        query = self.query_one(".find", Input).value
        found: list[SettingWords | KeyRow] = [*every_setting(), *self._keys()]
        self._rows = {row.name: row for row in _matching(query, found)}
        inks = inks_of(self)
        shown = self.query_one(OptionList)
        shown.set_options(Option(self._line(row, inks), id=row.name) for row in self._rows.values())
        names = list(self._rows)
        if names:
            shown.highlighted = names.index(keep) if keep in names else 0
        self._explain()

    def _line(self, row: SettingWords | KeyRow, inks: Inks) -> Text:
        """Return a row: the name, and the value, bright where it is the person's own."""
        value, default = self._value(row)
        text = Text(f"{row.name:<{_NAME_CELLS}} ", style=inks.text, no_wrap=True, end="")
        own = inks.wafer if value != default else inks.muted
        return text.append(visible(value) or "—", style=own)

    def _value(self, row: SettingWords | KeyRow) -> tuple[str, str]:
        """Return what a row's value is and would be by default, as a person types it."""
        if isinstance(row, KeyRow):
            return row.keys, row.default
        value: Any = self._now()
        for part in row.name.split("."):
            value = getattr(value, part)
        return _typed(value), _typed(row.default)

    @property
    def _row(self) -> SettingWords | KeyRow | None:
        """The row at the cursor."""
        option = self.query_one(OptionList).highlighted_option
        return None if option is None else self._rows[option.id or ""]

    def _explain(self) -> None:
        """Say what the row at the cursor means."""
        row = self._row
        if row is None:
            words = "nothing is called that"
        elif isinstance(row, KeyRow):
            words = f"{row.meaning or row.name}\nkeys, with commas; none takes them away"
        else:
            later = " (from the next start)" if row.name.startswith(_NEXT_START) else ""
            words = f"{row.meaning}\n{row.allowed}; default {_typed(row.default) or 'none'}{later}"
        self.query_one(".meaning", Static).update(Text(visible(words, kept="\n")))

    def action_move(self, how: str) -> None:
        """Move the list's cursor, also while words are typed."""
        if not self._asking:
            getattr(self.query_one(OptionList), f"action_{how}")()

    def on_option_list_option_highlighted(self) -> None:
        """Follow the cursor."""
        self._explain()

    def on_option_list_option_selected(self) -> None:
        """Change the row that was clicked."""
        self._begin()

    # ── a change ────────────────────────────────────────────────────────────────────────────

    @property
    def _asking(self) -> bool:
        """Whether a value is being typed."""
        return self.query_one(".value", Input).has_class("-asked")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Find while words are typed; forget an old complaint."""
        self.query_one(".dialog-problem", Static).update("")
        if event.input.has_class("find"):
            self._fill()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Begin a change, or finish one."""
        if event.input.has_class("find"):
            self._begin()
        else:
            self._finish(event.value)

    def _begin(self) -> None:
        """Turn a switch, or ask for a value."""
        row = self._row
        if row is None:
            return
        if isinstance(row, SettingWords) and isinstance(row.default, bool):
            self._try(row, self._value(row)[0] != "true")
        elif isinstance(row, SettingWords) and isinstance(row.default, dict):
            self._complain(f"edit it in {self._file}")
        else:
            line = self.query_one(".value", Input)
            line.value = self._value(row)[0]
            line.placeholder = "empty: the default"
            line.add_class("-asked")
            line.focus()

    def _finish(self, typed: str) -> None:
        """Take the value that was typed; an empty line is the default."""
        row = self._row
        if row is not None and self._try(row, _read(row, typed)):
            self._stop()

    def _try(self, row: SettingWords | KeyRow, value: object) -> bool:
        """Change a value; say why where that cannot be."""
        try:
            if isinstance(row, KeyRow):
                self._change_key(row.name, str(value))
            else:
                self._change(row.name, value)
        except ValueError as error:
            self._complain(str(error))
            return False
        self._fill(keep=row.name)
        return True

    def _complain(self, problem: str) -> None:
        self.query_one(".dialog-problem", Static).update(Text(visible(problem)))

    def _stop(self) -> None:
        self.query_one(".value", Input).remove_class("-asked")
        self.query_one(".dialog-problem", Static).update("")
        self.query_one(".find", Input).focus()

    def action_leave(self) -> None:
        """Leave a change, then the words, then the screen."""
        find = self.query_one(".find", Input)
        if self._asking:
            self._stop()
        elif find.value:
            find.value = ""
        else:
            self.dismiss()


def _matching(query: str, rows: Sequence[SettingWords | KeyRow]) -> Sequence[SettingWords | KeyRow]:
    """Return the rows that a query finds, the nearest first, equally near ones in their order."""
    ranked = [
        (rank, row) for row in rows if (rank := _rank(query.strip().lower(), row)) is not None
    ]
    return [row for _, row in sorted(ranked, key=lambda each: each[0])]


def _rank(query: str, row: SettingWords | KeyRow) -> int | None:
    """Return how far a row is from a query, from 0; None if it is not what is looked for."""
    name = row.name.lower()
    keys = row.keys.split(",") if isinstance(row, KeyRow) else []
    if not query or query == name.rpartition(".")[2] or query in keys:
        return 0
    if query in name:
        return 1
    if query in row.meaning.lower() or any(query in key for key in keys):
        return 2
    return 3 if fuzzy_match(query, row.name) is not None else None


def _typed(value: object) -> str:
    """Return a value as a person types it on this screen."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return f"{len(value)} of your own" if value else ""
    return str(value)


def _read(row: SettingWords | KeyRow, typed: str) -> object:
    """Return the value that a person typed, as a settings file would have it."""
    text = typed.strip()
    if isinstance(row, KeyRow):
        return text
    if not text:
        return row.default
    if isinstance(row.default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(row.default, int):
        return int(text) if text.removeprefix("-").isdecimal() and len(text) < 19 else text
    return text
