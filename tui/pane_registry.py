"""The panes of the right column, from top to bottom; the one list of them.

The layout, F3, the help screen and the palette read it.
"""

from tui.widgets.ask_pane import AskPane
from tui.widgets.memory_pane import MemoryPane
from tui.widgets.pane import Pane
from tui.widgets.peers_pane import PeersPane
from tui.widgets.throughput_pane import ThroughputPane
from tui.widgets.training_pane import TrainingPane
from tui.widgets.wafer_pane import WaferPane
from tui.widgets.what_if_pane import WhatIfPane
from tui.widgets.xray_pane import XrayPane

__all__ = ["PANES"]

PANES: tuple[type[Pane], ...] = (
    WaferPane,
    ThroughputPane,
    MemoryPane,
    XrayPane,
    WhatIfPane,
    PeersPane,
    TrainingPane,
    AskPane,
)
