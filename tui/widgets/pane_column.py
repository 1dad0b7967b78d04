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
from tui.app_messages import TelemetryUpdated
from tui.link.engine_state import EngineState
from tui.screen_layout import FILL, PaneRows
from tui.widgets.pane import Pane

__all__ = ["PaneColumn"]


class PaneColumn(Vertical):
    """The panes from top to bottom.

    Args:
        kinds: The classes of the panes; each name occurs once.
        id: As for any widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.focus_editor", "back to the editor", show=False),
    ]

    def __init__(self, kinds: Sequence[type[Pane]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._panes = [kind() for kind in kinds]

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
        """Show new numbers."""
        for pane in self:
            pane.show_telemetry(update)

    def show_still(self, still: Still) -> None:
        """Show numbers of the wafer's cells."""
        for pane in self:
            pane.show_still(still)

    def show_completion(self, completion: Completion) -> None:
        """Show what the last completion took."""
        for pane in self:
            pane.show_completion(completion)
