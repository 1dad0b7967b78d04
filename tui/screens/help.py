"""The help screen: the keys of the bindings in a table, then the help texts of the panes."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Markdown, Static

from tui.keymap import key_label
from tui.visuals.inks import Inks
from tui.widgets.theme_inks import inks_of

__all__ = ["HelpScreen", "keys_text"]


class HelpScreen(ModalScreen[None]):
    """Shows keys and explanations.

    Args:
        groups: Title and bindings of each part of the app.
        texts: Markdown paragraphs about the panes and the tree.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "dismiss", "close", show=False),
    ]

    def __init__(
        self, groups: Sequence[tuple[str, Iterable[BindingType]]], texts: Iterable[str]
    ) -> None:
        super().__init__()
        self._groups = groups
        self.markdown = "\n\n".join(texts)

    def compose(self) -> ComposeResult:
        """Lay out the text, scrollable by keys."""
        with VerticalScroll(classes="dialog help") as box:
            box.border_title = "help"
            box.border_subtitle = "Esc closes"
            yield Static(keys_text(self._groups, inks_of(self)), classes="keys")
            yield Markdown(self.markdown)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()


def keys_text(groups: Sequence[tuple[str, Iterable[BindingType]]], inks: Inks) -> Text:
    """Return a table of the keys of each group; leave out bindings without a description."""
    rows = [
        (title, [(" ".join(map(key_label, keys)), words) for keys, words in _described(bindings)])
        for title, bindings in groups
    ]
    column = max((len(keys) for _, entries in rows for keys, _ in entries), default=0) + 3
    text = Text(end="")
    for title, entries in rows:
        text.append(f"{title}\n", style=f"bold {inks.text}")
        for keys, words in entries:
            text.append(f"  {keys:<{column}}", style=inks.wafer)
            text.append(f"{words}\n", style=inks.text)
        text.append("\n")
    text.right_crop(1)
    return text


def _described(bindings: Iterable[BindingType]) -> list[tuple[list[str], str]]:
    """Return (keys, description) in order; bindings of one description share a row."""
    found: dict[str, list[str]] = {}
    for binding in Binding.make_bindings(bindings):
        if binding.description:
            found.setdefault(binding.description, []).append(binding.key)
    return [(keys, description) for description, keys in found.items()]
