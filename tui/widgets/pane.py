"""The base of the panes of the right column: a name, a help text, its rows, and what it hears.

`tui.pane_registry` lists the panes.  A new one is a pure text in `tui/visuals`, a widget here and
a line there.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.message import Message
from textual.widget import Widget

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady, Still
from tui.app_messages import TelemetryUpdated, TrainingNews
from tui.link.engine_state import EngineState
from tui.screen_layout import PaneRows
from tui.settings import PaneSettings
from tui.visuals.inks import Inks
from tui.widgets.theme_inks import inks_of

__all__ = ["Pane", "TextPane"]

_WORDS_WIDTH = 100
_WORDS_HEIGHT = 60
"""Cells and rows of a text that is told in words as it is drawn."""


class Pane(Widget):
    """A bordered box about the engine; overrides what it wants to hear."""

    DEFAULT_CSS = """
    Pane {
        border: round $border;
        border-title-color: $foreground 80%;
        border-subtitle-color: $foreground 50%;
        background: $surface;
        padding: 0 1;
        &:focus { border: round $primary; }
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
    WITH_EDITOR: ClassVar[bool] = False
    """Whether it is of no use without an editor: `spark-tui watch` leaves it out."""
    COUNTS: ClassVar[bool] = True
    """Whether it follows the counters, and so can be paused."""
    KEEPS_GHOST: ClassVar[bool] = True
    """Whether a suggestion stays in the editor while the keyboard is here."""
    GAUGES: ClassVar[bool] = False
    """Whether it has gauges beside its graph."""

    class Chosen(Message):
        """The person chose how a pane looks, for later starts, too."""

        def __init__(self, setting: str, value: object) -> None:
            super().__init__()
            self.setting = setting
            """As in the settings: ``panes.colour``."""
            self.value = value

    def __init__(self) -> None:
        super().__init__(id=self.NAME)
        self.border_title = self.TITLE

    @property
    def key_target(self) -> Widget | None:
        """The widget that F6 gives the keyboard to; None if the pane takes no keys."""
        return None

    def words(self) -> str:
        """Return what it shows in sentences and tables; empty if it has no such form."""
        return ""

    def values(self) -> Mapping[str, Any]:
        """Return what it shows as plain values, those of ``--json``; empty if it has none."""
        return {}

    def prefer(self, settings: PaneSettings) -> None:
        """Look as the person chose."""

    def show_paused(self, paused: bool) -> None:
        """Say that what is shown stands still, or that it follows again."""
        self.border_title = f"{self.TITLE} · paused" if paused and self.COUNTS else self.TITLE

    def show_state(self, state: EngineState) -> None:
        """Hear what the engine is doing."""

    def show_ready(self, ready: EngineReady) -> None:
        """Hear that a model is ready on a machine."""

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Hear new numbers."""

    def show_still(self, still: Still) -> None:
        """Hear numbers of the wafer's cells that a pane asked for."""

    def show_training(self, news: TrainingNews | None) -> None:
        """Hear how far a model is that learns; None: none does any more."""

    def show_completion(self, completion: Completion) -> None:
        """Hear that a completion ended, and what it took."""


class TextPane(Pane, can_focus=True):
    """A pane whose content is one text, drawn for its current width and height."""

    @property
    def key_target(self) -> Widget | None:
        """The pane itself."""
        return self

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return the content; every pane of text overrides this."""
        raise NotImplementedError

    def words(self) -> str:
        """Return the content as it is drawn where there is room."""
        return self.draw(_WORDS_WIDTH, _WORDS_HEIGHT, inks_of(self)).plain

    def render(self) -> Text:
        """Draw for the size that the layout gave."""
        return self.draw(self.content_size.width, self.content_size.height, inks_of(self))
