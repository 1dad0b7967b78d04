"""Marks of others on the lines of the editor: ranges in the text, and signs beside the numbers.

Holds their layers and styles, and keeps each mark on its line; `CodeView` draws them.
"""

from typing import Any, ClassVar

from rich.style import Style
from textual.document._document import Location

from tui.code.line_marks import LineMarks, MarkLayer
from tui.visuals.legible import legible
from tui.widgets.code_text import CodeText
from tui.widgets.theme_inks import inks_of

__all__ = ["CodeMarks"]


class CodeMarks(CodeText):
    """A text of code with marks; made as `CodeText` is."""

    DEFAULT_CSS = """
    CodeMarks {
        & .editor--match { background: $warning-muted; color: $foreground; text-style: none; }
        & .editor--match-here { background: $warning; color: $background; text-style: bold; }
        & .editor--error { color: $error; text-style: underline; }
        & .editor--warning { color: $warning; text-style: underline; }
        & .editor--added { color: $success; }
        & .editor--changed { color: $primary; }
        & .editor--removed { color: $error; }
        &:ansi {
            .editor--match { background: ansi_yellow; color: ansi_black; }
            .editor--match-here { background: ansi_bright_yellow; color: ansi_black; }
        }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "editor--match",
        "editor--match-here",
        "editor--error",
        "editor--warning",
        "editor--added",
        "editor--changed",
        "editor--removed",
    }
    """A mark of the style ``match`` is drawn as ``editor--match`` over what is there."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._marks = LineMarks()
        super().__init__(*arguments, **options)

    def show_marks(self, layer: str, marks: MarkLayer) -> None:
        """Show the marks of one part of the app in place of those it had.

        Args:
            layer: The part's name, as ``"find"``.
            marks: Its styles are component classes of this widget, without ``editor--``.
        """
        if self._marks.put(layer, marks):
            self.refresh()

    def _text_replaced(self, start: Location, old_end: Location, new_end: Location) -> None:
        super()._text_replaced(start, old_end, new_end)
        self._marks.move(start[0], new_end[0] - old_end[0])

    def _mark_style(self, name: str) -> Style:
        """Return what a mark of the style ``name`` lays over the text."""
        style = self.get_component_rich_style(f"editor--{name}", partial=True)
        return legible(style, inks_of(self).ground)
