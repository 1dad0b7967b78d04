"""A frozen copy of a session's state, and the Telemetry message between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.protocol.messages import Telemetry, ThroughputPoint
from engine.telemetry.counters import Work
from engine.wafer.timing.timing import Activity, Counts

__all__ = ["Snapshot", "describe", "throughput"]

_LARGEST = 2**32 - 1


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


def describe(sequence: int, older: Snapshot, newer: Snapshot, activity: Activity) -> Telemetry:
    """Return the message about the interval from ``older`` to ``newer``."""
    return Telemetry(
        sequence=sequence,
        busy=newer.busy,
        position=newer.position,
        context_length=newer.context_length,
        elapsed_cycles=activity.elapsed_cycles,
        total_cycles=newer.work.cycles,
        throughput=throughput(newer.work.since(older.work)),
        states_by_region=[states.sum(axis=0).sum(axis=0).tolist() for states in activity.states],
        core_states=_packed(activity.states) if activity.elapsed_cycles else b"",
        cycles_by_operation=activity.cycles_by_operation,
    )


def _packed(regions: Sequence[NDArray[np.int64]]) -> bytes:
    """Return all cores' states, region by region, as little-endian uint32.

    A count beyond 32 bits (four seconds of wafer time) is clipped to the largest number.
    """
    return b"".join(states.clip(max=_LARGEST).astype("<u4").tobytes() for states in regions)


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
