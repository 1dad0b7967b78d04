"""What the panes on the right have in common: a bordered box that draws text of its own size."""

from typing import ClassVar

from rich.text import Text
from textual.widget import Widget

from tui.visuals.inks import Inks, inks_from

__all__ = ["TextPane", "inks_of"]


def inks_of(widget: Widget) -> Inks:
    """Return the inks of the app's current theme."""
    return inks_from(widget.app.theme_variables)


class TextPane(Widget):
    """A pane whose content is one text drawn for the current width and height."""

    DEFAULT_CSS = """
    TextPane {
        border: round $border;
        border-title-color: $foreground 80%;
        border-subtitle-color: $foreground 50%;
        background: $surface;
        padding: 0 1;
    }
    """
    HELP: ClassVar[str] = ""
    """Markdown for the help screen."""

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return the content; overridden by each pane."""
        raise NotImplementedError

    def render(self) -> Text:
        """Draw for the size the layout gave."""
        return self.draw(self.content_size.width, self.content_size.height, inks_of(self))
