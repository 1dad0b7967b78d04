"""Counts what a remote model reads and writes, for the panes: host time as measured here.

Cycles are what the same tokens would take on the wafer; nothing runs there.
"""

from dataclasses import dataclass

from engine.generation.generator import Generation
from engine.protocol.messages import Telemetry, ThroughputPoint
from engine.remote.pricing import RemotePrices
from engine.telemetry.counters import Work, WorkCounters
from engine.telemetry.snapshot import throughput

__all__ = ["RemoteSnapshot", "RemoteView", "RemoteWork"]


@dataclass(frozen=True, slots=True)
class _Nothing:
    """What the wafer has run: nothing."""

    def since(self, earlier: "_Nothing") -> "_Nothing":
        """Return what was run after ``earlier``."""
        return self


@dataclass(frozen=True, slots=True)
class RemoteSnapshot:
    """A session's totals, as `engine.telemetry.snapshot.Snapshot` has them."""

    work: Work
    busy: bool
    position: int
    """Tokens of the last prompt and its answer."""
    context_length: int
    counts: _Nothing = _Nothing()


@dataclass(frozen=True, slots=True)
class RemoteView:
    """What a client looks at: no cores."""

    cores: None = None


class RemoteWork:
    """The totals of one session.  One thread adds, any thread reads."""

    def __init__(self) -> None:
        self._counters = WorkCounters()
        self.position = 0

    def add(self, generation: Generation, prices: RemotePrices) -> None:
        """Count an answer."""
        self.position = generation.prompt_tokens
        for decode in (False, True):
            steps = [step for step in generation.steps if step.decode is decode]
            self.position += len(steps) if decode else 0
            if steps:
                self._counters.add(
                    decode=decode,
                    tokens=sum(step.rows for step in steps),
                    seconds=generation.seconds(decode=decode),
                    cycles=prices.cycles(generation, decode=decode),
                )

    def read(self) -> Work:
        """Return the totals so far."""
        return self._counters.read()


def describe_remote(sequence: int, older: RemoteSnapshot, newer: RemoteSnapshot) -> Telemetry:
    """Return the message about an interval: rates, and no cycles of any core."""
    return Telemetry(
        sequence=sequence,
        busy=newer.busy,
        position=newer.position,
        context_length=newer.context_length,
        elapsed_cycles=0,
        total_cycles=0,
        throughput=_priced(throughput(newer.work.since(older.work))),
        states_by_region=[],
        cores=None,
        cell_states=b"",
        cycles_by_operation={},
    )


def _priced(point: ThroughputPoint) -> ThroughputPoint:
    """Return a point whose cycles are None where the model has no price."""
    return ThroughputPoint(
        point.prefill_tokens,
        point.decode_tokens,
        point.host_prefill_tokens_per_second,
        point.host_decode_tokens_per_second,
        point.wafer_prefill_cycles_per_token or None,
        point.wafer_decode_cycles_per_token or None,
    )
