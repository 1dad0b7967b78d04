"""Whole tokens with 1, 2 and 4 threads: the same bits, on shapes that are worth sharing."""

import hashlib

import numpy as np
import pytest

from engine.errors import EngineError
from engine.wafer.fast.executor import MAX_THREADS
from engine.wafer.fast.kernels.dot.panel_layout import PANEL
from engine.wafer.fast.pieces import PIECE_WORK, WORTH_SHARING
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from tests.tiny import tiny_model
from tests.wafers import opened, runner_on

SIZES = {"hidden": 128, "ffn": 256, "heads": 4, "kv_heads": 2, "head_dim": 32, "context": 200}
VOCABULARY = 1100
CHUNKS = (64, 64, 1, 40, 1)


def digests(threads, *, path=None):
    """SHA-256 over the logits of all chunks by number of threads."""
    model, spec = tiny_model(seed=4, vocab=VOCABULARY, **SIZES), machine.get("small")
    placement = place(model_shape(model.graph), spec, Shape(8, 8, 5), SIZES["context"])
    tokens = np.random.default_rng(0).integers(0, VOCABULARY, sum(CHUNKS)).astype(np.int32)
    found = {}
    for number in threads:
        runner = runner_on(model, spec, placement, threads=number, path=path)
        digest, start = hashlib.sha256(), 0
        for rows in CHUNKS:
            digest.update(runner.prefill(tokens[start : start + rows]).tobytes())
            start += rows
        runner.executor.close()
        found[number] = digest.hexdigest()
    return found


def test_the_shapes_are_shared():
    """With 64 rows every product of a layer is large enough; so is attention from the 2nd chunk.

    Of a single row the head is, and its pieces have several panels.
    """
    hidden, ffn = SIZES["hidden"], SIZES["ffn"]
    queries, keys = (SIZES[name] * SIZES["head_dim"] for name in ("heads", "kv_heads"))
    products = (hidden * (queries + 2 * keys), queries * hidden, hidden * 2 * ffn, ffn * hidden)

    assert min(products) * 64 >= WORTH_SHARING
    assert 64 * SIZES["heads"] * 128 * SIZES["head_dim"] >= WORTH_SHARING
    assert min(queries + 2 * keys, hidden, 2 * ffn) > PANEL  # more than one panel to share
    assert hidden * VOCABULARY >= WORTH_SHARING > max(products)
    assert 2 * hidden * PANEL <= PIECE_WORK < hidden * VOCABULARY


@pytest.mark.parametrize("path", [None, "portable"], ids=["best path", "portable"])
def test_threads_change_no_bit(path):
    found = digests([1, 2, 4], path=path)

    assert len(set(found.values())) == 1


@pytest.mark.parametrize("threads", [0, MAX_THREADS + 1])
def test_threads_that_are_not_possible_are_refused(tiny, threads):
    with pytest.raises(EngineError, match=f"1 to {MAX_THREADS} are possible"):
        opened(tiny, machine.get("tiny"), threads=threads)
