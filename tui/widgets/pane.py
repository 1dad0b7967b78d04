"""The base of the panes of the right column: a name, a help text, its rows, and what it hears.

`tui.pane_registry` lists the panes.  A new one is a pure text in `tui/visuals`, a widget here and
a line there.
"""

from typing import ClassVar

from rich.text import Text
from textual.widget import Widget

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady, Still
from tui.app_messages import TelemetryUpdated
from tui.link.engine_state import EngineState
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.widgets.theme_inks import inks_of

__all__ = ["Pane", "TextPane"]


class Pane(Widget):
    """A bordered box about the engine; overrides what it wants to hear."""

    DEFAULT_CSS = """
    Pane {
        border: round $border;
        border-title-color: $foreground 80%;
        border-subtitle-color: $foreground 50%;
        background: $surface;
        padding: 0 1;
    }
    """
    NAME: ClassVar[str]
    """One word: the pane's id, and its name among the modes of F3."""
    TITLE: ClassVar[str]
    """A few words on the border."""
    HELP: ClassVar[str]
    """Markdown for the help screen."""
    ROWS: ClassVar[PaneRows]
    """Rows it takes beside other panes."""

    def __init__(self) -> None:
        super().__init__(id=self.NAME)
        self.border_title = self.TITLE

    @property
    def key_target(self) -> Widget | None:
        """The widget that F6 gives the keyboard to; None if the pane takes no keys."""
        return None

    def show_state(self, state: EngineState) -> None:
        """Hear what the engine is doing."""

    def show_ready(self, ready: EngineReady) -> None:
        """Hear that a model is ready on a machine."""

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Hear new numbers."""

    def show_still(self, still: Still) -> None:
        """Hear numbers of the wafer's cells that a pane asked for."""

    def show_completion(self, completion: Completion) -> None:
        """Hear that a completion ended, and what it took."""


class TextPane(Pane):
    """A pane whose content is one text, drawn for its current width and height."""

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return the content; every pane of text overrides this."""
        raise NotImplementedError

    def render(self) -> Text:
        """Draw for the size that the layout gave."""
        return self.draw(self.content_size.width, self.content_size.height, inks_of(self))
