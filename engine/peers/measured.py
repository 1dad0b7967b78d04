"""The comparison for a model that is not open: loads it, places it and times some of its tokens."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from engine.errors import PromptError
from engine.host_cores import worthwhile_cores
from engine.model.load import load_model
from engine.model_store.lookup import find_model
from engine.peers.comparison import compare
from engine.peers.peer import read_peer
from engine.protocol.messages import Progress
from engine.protocol.peers import PeerComparison
from engine.wafer.plan.placed import TierRunner, open_placed
from engine.wafer.program import machine as machines
from engine.wafer.tiers import find_tier
from engine.wafer.xray.step_xray import PlacedXray

__all__ = ["compare_peers"]

_TIMED_TOKENS = 16
_WARM_UP_TOKENS = 2
_CHUNK = 64
"""Most tokens of one step of a prompt."""


def compare_peers(
    model: str | None,
    machine: str,
    clock_ghz: float | None = None,
    *,
    position: int,
    measure: bool,
    further: Sequence[Path] = (),
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> PeerComparison:
    """Return a token of a model on the wafer, on this computer and on its peers.

    Args:
        model: A name, a folder or a GGUF file; None: the default.
        machine: The emulated machine.
        clock_ghz: Another clock than its own.
        position: KV rows before the token.
        measure: Whether tokens are computed and timed here: the median of some, one at a time.
        further: Files of peers beside those that come with the program.
        on_progress: Called with what is being done.

    Raises:
        EngineError: The model, the machine or a peer cannot be used.
        PromptError: The context ends before ``position``.
    """
    peers = [read_peer(path) for path in further]
    spec = machines.get(machine, clock_ghz)
    on_progress(Progress("model", 0, 1, "placing the model"))
    loaded = load_model(find_model(model))
    placed = open_placed(loaded.graph, spec, formats=loaded.formats)
    last = placed.program.context_length - _TIMED_TOKENS - _WARM_UP_TOKENS
    if not 0 <= position <= last:
        raise PromptError(f"position {position}: {loaded.name} can be timed at 0 to {last}")
    rate = None
    if measure:
        runner = find_tier("fast")(
            placed,
            loaded.tensors,
            threads=worthwhile_cores(),
            model=loaded.path,
            on_progress=lambda done, total, label: on_progress(
                Progress("kernels", done, total, label)
            ),
        )
        try:
            runner.finish()
            on_progress(Progress("kernels", 1, 1, "timing tokens"))
            rate = _tokens_per_second(runner, position)
        finally:
            runner.close()
    return compare(placed, PlacedXray(placed), position, host_tokens_per_second=rate, further=peers)


def _tokens_per_second(runner: TierRunner, position: int) -> float:
    """Return the rate of single decode steps around a position, by their median."""
    for start in range(0, position, _CHUNK):
        runner.prefill(np.ones(min(_CHUNK, position - start), np.int32))
    seconds = []
    for _ in range(_WARM_UP_TOKENS + _TIMED_TOKENS):
        began = perf_counter()
        runner.decode(1)
        seconds.append(perf_counter() - began)
    return 1 / median(seconds[_WARM_UP_TOKENS:])
