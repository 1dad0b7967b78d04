"""The rates of the throughput pane by name, each with its clock and its history.  Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.protocol.messages import ThroughputPoint
from engine.units import Gigahertz, tokens_per_second
from tui.visuals.throughput_view import ThroughputView

__all__ = ["NamedRate", "rates", "wafer_rate"]


@dataclass(frozen=True, slots=True)
class NamedRate:
    """One rate in the intervals in which there was one, oldest first."""

    name: str
    unit: str
    host: bool
    """Whether it is host time; else wafer time."""
    values: Sequence[float]

    @property
    def now(self) -> float | None:
        """The newest."""
        return self.values[-1] if self.values else None

    @property
    def average(self) -> float | None:
        """The mean of the intervals."""
        return sum(self.values) / len(self.values) if self.values else None

    @property
    def least(self) -> float | None:
        """The smallest."""
        return min(self.values, default=None)

    @property
    def most(self) -> float | None:
        """The largest."""
        return max(self.values, default=None)


def rates(view: ThroughputView) -> list[NamedRate]:
    """Return decode and prefill in host tokens/s, wafer tokens/s and wafer cycles/token."""

    def known(value: Callable[[ThroughputPoint], float | None]) -> list[float]:
        return [found for point in view.history if (found := value(point)) is not None]

    def on_wafer(value: Callable[[ThroughputPoint], float | None]) -> list[float]:
        return known(lambda point: wafer_rate(value(point), view.clock_ghz))

    def decode_cycles(point: ThroughputPoint) -> float | None:
        return point.wafer_decode_cycles_per_token

    def prefill_cycles(point: ThroughputPoint) -> float | None:
        return point.wafer_prefill_cycles_per_token

    return [
        NamedRate(
            "host decode",
            "tokens/s",
            True,
            known(lambda point: point.host_decode_tokens_per_second),
        ),
        NamedRate(
            "host prefill",
            "tokens/s",
            True,
            known(lambda point: point.host_prefill_tokens_per_second),
        ),
        NamedRate("wafer decode", "tokens/s", False, on_wafer(decode_cycles)),
        NamedRate("wafer prefill", "tokens/s", False, on_wafer(prefill_cycles)),
        NamedRate("wafer decode", "cycles/token", False, known(decode_cycles)),
        NamedRate("wafer prefill", "cycles/token", False, known(prefill_cycles)),
    ]


def wafer_rate(cycles_per_token: float | None, clock_ghz: float | None) -> float | None:
    """Return emulated tokens per second at the named clock."""
    if not cycles_per_token or clock_ghz is None:
        return None
    return tokens_per_second(cycles_per_token, Gigahertz(clock_ghz))
