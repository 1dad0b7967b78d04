"""Writes the logits of given tokens to a file, by a model's name.  Generates nothing."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.errors import PromptError
from engine.model.load import load_model
from engine.model_store.lookup import find_model
from engine.progress import OnProgress, quiet
from engine.wafer.plan.placed import TierRunner, open_placed
from engine.wafer.program import machine as machines
from engine.wafer.tiers import find_tier

__all__ = ["write_logits"]

_REPORTS = 20
"""Reports of progress, about."""


def write_logits(
    model: str | None,
    tokens: Sequence[int],
    out: Path,
    *,
    tier: str = "fast",
    machine: str = "wse3",
    threads: int = 1,
    on_progress: OnProgress = quiet,
) -> tuple[int, int]:
    """Write the logits after each token to a ``.npy`` file: float32, shape (tokens, vocabulary).

    Every token is a step of its own, as in decoding; any other split gives the same bits.

    Args:
        model: A model's name, folder or ``.gguf`` file; None: the default.
        tokens: From an empty KV cache.
        out: The file; what is there stays until the new one is whole.
        tier: One of `engine.wafer.tiers.TIERS`.
        machine: Where the model is placed: it decides the orders of sums.
        threads: Compute threads; no result depends on it.
        on_progress: Called with (done, total, label).

    Returns:
        The shape.

    Raises:
        PromptError: No token, one outside the vocabulary, or more than the context holds.
        EngineError: The model, the tier or the machine cannot be used.
        OSError: The file cannot be written.
    """
    open_tier = find_tier(tier)
    spec = machines.get(machine)
    loaded = load_model(find_model(model))
    vocabulary = loaded.graph.vocabulary
    _check(tokens, vocabulary, loaded.graph.context_length)
    placed = open_placed(loaded.graph, spec, formats=loaded.formats)
    runner = open_tier(placed, loaded.tensors, threads=threads, on_progress=on_progress)
    _write(runner, tokens, vocabulary, out, on_progress)
    return len(tokens), vocabulary


def _check(tokens: Sequence[int], vocabulary: int, context: int) -> None:
    if not 1 <= len(tokens) <= context:
        raise PromptError(f"{len(tokens)} tokens; the model's context takes 1 to {context}")
    outside = [token for token in tokens if not 0 <= token < vocabulary]
    if outside:
        raise PromptError(f"token {outside[0]}; the model's vocabulary is 0 to {vocabulary - 1}")


def _write(
    runner: TierRunner,
    tokens: Sequence[int],
    vocabulary: int,
    out: Path,
    on_progress: OnProgress,
) -> None:
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(tokens), vocabulary)}
    try:
        with part.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for done, token in enumerate(tokens):
                if done % max(1, len(tokens) // _REPORTS) == 0:
                    on_progress(done, len(tokens), "computing logits")
                file.write(runner.decode(token).astype("<f4").tobytes())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    on_progress(len(tokens), len(tokens), "logits are written")
