"""`scripts/bench_fabric.py`: its loads are what they say, and BookSim's figures are read."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SAID = """Time taken is 400 cycles
Accepted flit rate average= 0.9
Time taken is 500 cycles
Accepted flit rate average = 0.25 (1 samples)
Hops average = 5 (1 samples)
"""


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_fabric", ROOT / "scripts/bench_fabric.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_fabric"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_streams_across_pass_every_link_of_their_rows(bench):
    speed = bench.measure("across", bench.across, (5, 3, 7), 1)

    assert speed.flit_hops == 3 * 4 * 7
    assert speed.sent == 3 * 7


def test_a_shift_keeps_all_cores_at_work(bench):
    speed = bench.measure("shift", bench.shift, (6, 4, 50), 1)

    assert speed.flit_hops == speed.sent == 5 * 4 * 50
    assert speed.active_tile_cycles > 0.9 * 6 * 4 * speed.cycles


def program(path, text):
    path.write_text(f"#!/bin/sh\nsleep 0.4\ncat <<'END'\n{text}END\n")
    path.chmod(0o700)
    return path


def test_booksims_last_figures_count(bench, tmp_path):
    found = bench.run_booksim(program(tmp_path / "booksim", SAID), 4)

    assert (found.cycles, found.flits, found.hops) == (500, 0.25 * 16 * 500, 5)
    assert 0 < found.seconds < 0.3  # of the processor: it slept longer
    assert found.nanoseconds_per_flit_hop == pytest.approx(found.seconds / 10_000 * 1e9)


def test_a_booksim_without_figures_is_said_so(bench, tmp_path):
    with pytest.raises(RuntimeError, match="no figures"):
        bench.run_booksim(program(tmp_path / "booksim", "Error: Invalid routing function\n"), 4)
