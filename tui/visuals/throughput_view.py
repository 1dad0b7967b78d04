"""The figures of the throughput pane, for all that draws or tells them."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.protocol.completion import Completion
from engine.protocol.messages import ThroughputPoint

__all__ = ["ThroughputView"]


@dataclass(frozen=True, slots=True)
class ThroughputView:
    """The figures of the throughput pane."""

    history: Sequence[ThroughputPoint] = ()
    clock_ghz: float | None = None
    completion: Completion | None = None
    """The last completion, for its latencies."""
    remote: bool = False
    """Whether another engine computes: the wafer's figures are prices."""
    gauges: bool = False
    """Whether rates are gauges rather than histories."""
