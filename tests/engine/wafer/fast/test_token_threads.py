"""Whole tokens with 1, 2 and 4 threads: the same bits, on shapes that the threaded kernels take."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.wafer.fast import step
from engine.wafer.fast.kernels.dot.panel_layout import PANEL

ROOT = Path(__file__).parents[4]

SIZES = {"hidden": 128, "ffn": 256, "heads": 4, "kv_heads": 2, "head_dim": 32, "context": 200}
CHUNKS = (64, 64, 1, 40, 1)

SCRIPT = """
import hashlib, json, sys
import numba
import numpy as np
from engine.wafer.jit import kernel_cache
kernel_cache.use()
from engine.wafer.program import machine
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import Shape, place
from tests.tiny import tiny_model
from tests.wafers import runner_on

sizes, chunks, threads, path = json.loads(sys.argv[1])
model, spec = tiny_model(seed=4, vocab=700, **sizes), machine.get("small")
placement = place(model_shape(model.graph), spec, Shape(8, 8, 5), sizes["context"])
tokens = np.random.default_rng(0).integers(0, 700, sum(chunks)).astype(np.int32)
for number in threads:
    runner = runner_on(model, spec, placement, threads=number, path=path)
    digest, start = hashlib.sha256(), 0
    for rows in chunks:
        digest.update(runner.prefill(tokens[start : start + rows]).tobytes())
        start += rows
    print(number, digest.hexdigest())
numba.threading_layer()  # an error if no threaded kernel has run
"""


def digests(threads, *, path=None):
    """SHA-256 over the logits of all chunks by number of threads, from a process of its own."""
    arguments = json.dumps([SIZES, CHUNKS, threads, path])
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, arguments],
        env={**os.environ, "NUMBA_NUM_THREADS": "4", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return dict(line.split() for line in result.stdout.splitlines())


def test_the_shapes_reach_the_threaded_kernels():
    """With 64 rows every product of a layer is large enough; so is attention from the 2nd chunk."""
    hidden, ffn = SIZES["hidden"], SIZES["ffn"]
    queries, keys = (SIZES[name] * SIZES["head_dim"] for name in ("heads", "kv_heads"))
    products = (hidden * (queries + 2 * keys), queries * hidden, hidden * 2 * ffn, ffn * hidden)

    assert min(products) * 64 >= step._PARALLEL_PRODUCTS
    assert 64 * SIZES["heads"] * 128 * SIZES["head_dim"] >= step._PARALLEL_PRODUCTS
    assert min(queries + 2 * keys, hidden, 2 * ffn) > PANEL  # more than one panel to share
    assert hidden * 700 < step._PARALLEL_PRODUCTS  # a decode's head stays in one thread


@pytest.mark.parametrize("path", [None, "portable"], ids=["best path", "portable"])
def test_threads_change_no_bit(path):
    found = digests([1, 2, 4], path=path)

    assert set(found) == {"1", "2", "4"}
    assert len(set(found.values())) == 1
