"""The tiers are peers: the same bits, counts and refusals behind one way to open them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EngineError
from engine.generation.generator import PREFILL_CHUNK
from engine.progress import quiet
from engine.wafer.fast.kernels.dot.path_table import PATHS
from engine.wafer.plan.placed import open_placed
from engine.wafer.program import machine
from engine.wafer.program.program import MAX_ROWS
from engine.wafer.tiers import TIERS, find_tier
from tests.tiny import write_tiny_model

ROOT = Path(__file__).parents[3]
TOKENS = np.array([5, 90, 7, 250], np.int32)

WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = sys.modules["llvmlite"] = None  # an import of either fails
from tui.__main__ import main
sys.argv = ["spark-tui", *sys.argv[1:]]
sys.exit(main())
"""


def opened(tier, model):
    placed = open_placed(model.graph, machine.get("tiny"))
    return TIERS[tier](placed, model.tensors, threads=1, on_progress=quiet)


@pytest.fixture(scope="module")
def runners(tiny):
    return {tier: opened(tier, tiny) for tier in TIERS}


def test_all_tiers_say_the_same_bits_and_count_the_same_steps(runners):
    logits, counts = {}, {}
    for tier, runner in runners.items():
        rows = [runner.prefill(TOKENS[:3]), runner.decode(int(TOKENS[3]))]
        runner.rewind(1)
        rows.append(runner.prefill(TOKENS[1:3]))
        assert runner.position == 3
        logits[tier] = np.stack(rows)
        counts[tier] = runner.placed.expand(runner.placed.counts)

    reference = logits.pop("reference")
    assert all(np.array_equal(each, reference) for each in logits.values())
    assert len({each.elapsed_cycles for each in counts.values()}) == 1


@pytest.mark.parametrize("position", [-1, 4])
def test_every_tier_refuses_to_rewind_to_rows_that_it_does_not_have(runners, position):
    """A cache that was never written would give logits that look like any others."""
    for runner in runners.values():
        runner.rewind(0)
        runner.prefill(TOKENS[:3])
        with pytest.raises(EngineError, match=f"rewind to {position}: the KV cache has 3 rows"):
            runner.rewind(position)
        assert runner.position == 3


@pytest.mark.parametrize(
    "tokens", [[], [1] * (MAX_ROWS + 1), [1] * 62, [-1], [288]],
    ids=["none", "a long chunk", "past the context", "negative", "unknown"],
)  # fmt: skip
def test_every_tier_refuses_a_wrong_step_and_keeps_its_place(runners, tokens):
    for tier, runner in runners.items():
        runner.rewind(0)
        before = runner.prefill(TOKENS[:3])
        runner.rewind(3)
        counted = runner.placed.counts
        with pytest.raises(EngineError):
            runner.prefill(np.array(tokens, np.int32))
        assert runner.position == 3
        assert runner.placed.counts is counted
        runner.rewind(0)
        assert np.array_equal(runner.prefill(TOKENS[:3]), before), tier


def test_a_tier_says_what_computes(runners):
    assert runners["fast"].processor_path in {path.name for path in PATHS}
    assert (runners["cycle"].processor_path, runners["cycle"].threads) == ("simulator", 1)
    assert (runners["reference"].processor_path, runners["reference"].threads) == ("numpy", 1)


def test_only_the_simulation_tells_cycles_of_its_own(runners):
    for tier, runner in runners.items():
        runner.rewind(0)
        runner.prefill(TOKENS)
        placed = runner.placed
        told, formula = placed.step_cycles(0, 4), placed.timing.step_cycles(0, 4)
        assert (told == formula) == (tier != "cycle"), tier
        assert told == pytest.approx(formula, rel=0.05)


def test_a_prefill_chunk_is_what_every_tier_makes_room_for():
    assert PREFILL_CHUNK == MAX_ROWS


def test_an_unknown_tier_is_refused_with_those_there_are():
    with pytest.raises(EngineError, match=f"no tier 'slow'; there are {', '.join(TIERS)}"):
        find_tier("slow")


def test_the_reference_completes_without_numba(tmp_path):
    folder = write_tiny_model(tmp_path / "tiny", context=192)
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n")
    ask = ["complete", f"{tmp_path / 'a.py'}:2:11", "--model", str(folder), "--max-tokens", "3"]

    done, refused = (
        subprocess.run(
            [sys.executable, "-c", WITHOUT_NUMBA, *ask, "--tier", tier],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )
        for tier in ("reference", "fast")
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "cycles per token" in done.stderr
    assert refused.returncode != 0  # numba is hidden indeed
