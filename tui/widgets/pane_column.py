"""The right column: stacks the panes and passes on what the engine says.

Which panes are visible, and how high, is decided in `tui.screen_layout`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady, Still
from tui.app_messages import TelemetryUpdated, TrainingNews
from tui.link.engine_state import EngineState
from tui.screen_layout import FILL, PaneRows
from tui.settings import PaneSettings
from tui.widgets.pane import Pane

__all__ = ["PANE_KEYS", "PaneColumn"]


PANE_KEYS: Sequence[Binding] = (
    Binding("escape", "app.focus_editor", "back to the editor", id="pane.leave"),
    Binding("p", "app.pause_panes", "pause all panes, or go on", id="pane.pause"),
    Binding("v", "app.toggle_gauges", "gauges, or map and histories", id="pane.gauges"),
    Binding("y", "app.copy_pane", "copy what the pane says", id="pane.copy"),
    Binding("shift+y,Y", "app.copy_pane(True)", "copy its values as JSON", id="pane.copy_json"),
    Binding("shift+s,S", "app.save_pane", "save a picture of the pane", id="pane.save"),
    Binding("t", "app.read_pane", "read the pane in words", id="pane.read"),
)
"""They work while a pane has the keyboard (F6)."""


class PaneColumn(Vertical):
    """The panes from top to bottom.

    Args:
        kinds: The classes of the panes; each name occurs once.
        id: As for any widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*PANE_KEYS]

    def __init__(self, kinds: Sequence[type[Pane]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._panes = [kind() for kind in kinds]
        self._missed: list[Completion] = []
        self.paused = False
        """Whether what the panes show stands still."""

    def compose(self) -> ComposeResult:
        """Stack the panes."""
        for pane in self._panes:
            if not pane.ROWS.by_height:
                pane.styles.min_height = pane.ROWS.minimum
            yield pane

    def __iter__(self) -> Iterator[Pane]:
        return iter(self._panes)

    @property
    def rows(self) -> dict[str, PaneRows]:
        """The rows that each pane takes, by name."""
        return {pane.NAME: pane.ROWS for pane in self}

    @property
    def key_targets(self) -> list[Widget]:
        """The widgets that take the keyboard, one per pane that has one."""
        return [target for pane in self if (target := pane.key_target) is not None]

    @property
    def chosen(self) -> Pane | None:
        """The pane that has the keyboard, else the first that is shown; None if none is."""
        shown = [pane for pane in self if pane.display and self.display]
        return next((pane for pane in shown if pane.has_focus_within), next(iter(shown), None))

    def pause(self, paused: bool) -> None:
        """Let what is shown stand still, or follow again; counters are asked for elsewhere."""
        self.paused = paused
        for pane in self:
            pane.show_paused(paused)
        missed, self._missed = self._missed, []
        for completion in missed:
            self.show_completion(completion)

    def prefer(self, settings: PaneSettings) -> None:
        """Look as the person chose."""
        for pane in self:
            pane.prefer(settings)

    def show_rows(self, rows: Mapping[str, int]) -> None:
        """Show the panes that have room, in so many rows."""
        for pane in self:
            count = rows[pane.NAME]
            pane.display = count != 0
            pane.styles.height = "1fr" if count == FILL else count

    def show_state(self, state: EngineState) -> None:
        """Say what the engine is doing."""
        for pane in self:
            pane.show_state(state)

    def show_ready(self, ready: EngineReady) -> None:
        """Show the model on its machine."""
        for pane in self:
            pane.show_ready(ready)

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Show new numbers, unless they stand still."""
        if self.paused:
            return
        for pane in self:
            pane.show_telemetry(update)

    def show_still(self, still: Still) -> None:
        """Show numbers of the wafer's cells."""
        for pane in self:
            pane.show_still(still)

    def show_training(self, news: TrainingNews | None) -> None:
        """Say how far a model is that learns; None: none does any more."""
        for pane in self:
            pane.show_training(news)

    def show_completion(self, completion: Completion) -> None:
        """Show what the last completion took; where panes stand still, once they go on."""
        if self.paused:
            self._missed = [completion]  # the newest says it all
            return
        for pane in self:
            pane.show_completion(completion)
