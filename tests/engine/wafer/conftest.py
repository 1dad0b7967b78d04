"""What the wafer's tests share.

Read them as a ladder: ``test_core_*`` (one core: integers, vectors, rounding, the machine's
numbers) → ``test_row_*`` (a line of cores: splitting, sums, collectives) → ``test_square_*``
(a region: products, costs, placement) → ``test_layer_*`` (attention, a compiled layer) →
``test_token_*`` (whole steps: values, threads, cycles, the kernel cache).

``SPARK_UPDATE_GOLDEN=1 pytest tests/engine/wafer`` writes the golden files anew; read the diff.
"""

import os
from pathlib import Path

import pytest

from engine.wafer.jit import kernel_cache

kernel_cache.use()  # before any kernel module is imported: numba fixes the folder then

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="session")
def tiny():
    from tests.tiny import tiny_model

    return tiny_model(seed=1)


@pytest.fixture(scope="session")
def tiny_runner(tiny):
    """The tiny model on the machine ``tiny`` as the planner lays it; rewind it before use."""
    from engine.wafer.program import machine
    from tests.wafers import opened

    return opened(tiny, machine.get("tiny"))


@pytest.fixture
def golden():
    """Compare a text with the golden file of a name, or write it (SPARK_UPDATE_GOLDEN=1)."""

    def compare(name, text):
        path = GOLDEN / name
        if os.environ.get("SPARK_UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare
