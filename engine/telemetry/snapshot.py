"""A frozen copy of a session's state, and the Telemetry message between two of them."""

from dataclasses import dataclass

from engine.protocol.messages import Telemetry, ThroughputPoint, WatchedCores
from engine.telemetry.counters import Work
from engine.wafer.timing.blocks import CellGrid
from engine.wafer.timing.core_view import CellActivity, CoreView
from engine.wafer.timing.counts import Counts

__all__ = ["Snapshot", "View", "cell_grid", "describe", "throughput"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session's totals since it opened, and its state at one moment."""

    work: Work
    busy: bool
    position: int
    """Rows in the KV cache."""
    context_length: int
    counts: Counts
    """What the wafer had run; only the model that was placed there can expand it."""


@dataclass(frozen=True, slots=True)
class View:
    """What a client looks at, and what tells the states there."""

    cores: WatchedCores | None
    seen: CoreView


def cell_grid(cores: WatchedCores | None) -> CellGrid | None:
    """Return the cells that a client looks at; None if these are none, or cannot be."""
    if cores is None or not cores.sound:
        return None
    return CellGrid(cores.x, cores.y, cores.width, cores.height, cores.columns, cores.rows)


def describe(
    sequence: int,
    older: Snapshot,
    newer: Snapshot,
    view: View,
    shown: Counts | None = None,
) -> Telemetry:
    """Return the message about the interval from ``older`` to ``newer``.

    Args:
        sequence: The message's number.
        older: Before.
        newer: After.
        view: What the client looks at.
        shown: Counts whose states it shows instead of the interval's.
    """
    activity = view.seen.activity(newer.counts.since(older.counts))
    states = activity if shown is None else view.seen.activity(shown)
    return Telemetry(
        sequence=sequence,
        busy=newer.busy,
        position=newer.position,
        context_length=newer.context_length,
        elapsed_cycles=activity.elapsed_cycles,
        total_cycles=newer.work.cycles,
        throughput=throughput(newer.work.since(older.work)),
        states_by_region=states.regions.tolist(),
        cores=view.cores,
        cell_states=_packed(states),
        cycles_by_operation=activity.cycles_by_operation,
    )


def _packed(states: CellActivity) -> bytes:
    """Return the states of the cells as little-endian uint64; nothing without cycles."""
    return states.cells.astype("<u8").tobytes() if states.elapsed_cycles else b""


def throughput(work: Work) -> ThroughputPoint:
    """Return the rates of an interval; a rate is None if no such step was taken."""
    return ThroughputPoint(
        prefill_tokens=work.prefill_tokens,
        decode_tokens=work.decode_tokens,
        host_prefill_tokens_per_second=_ratio(work.prefill_tokens, work.prefill_seconds),
        host_decode_tokens_per_second=_ratio(work.decode_tokens, work.decode_seconds),
        wafer_prefill_cycles_per_token=_ratio(work.prefill_cycles, work.prefill_tokens),
        wafer_decode_cycles_per_token=_ratio(work.decode_cycles, work.decode_tokens),
    )


def _ratio(count: float, per: float) -> float | None:
    return count / per if per > 0 else None
