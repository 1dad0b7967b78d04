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
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.program import machine
from engine.wafer.program.program import MAX_ROWS
from engine.wafer.tiers import TIERS, find_tier
from tests.tiny import write_tiny_model

ROOT = Path(__file__).parents[3]
TOKENS = np.array([5, 90, 7, 250], np.int32)
TEXT = np.array([5, 90, 7, 250, 31, 8, 90, 200], np.int32)

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


@pytest.mark.parametrize(("rows", "last"), [(1, 1), (4, 4), (5, 3), (6, 1)])
def test_every_row_of_a_verified_draft_has_the_bits_of_a_decode(runners, rows, last):
    """However many rows are under way together, and whatever was in the cache before."""
    runners["reference"].rewind(0)
    one_by_one = [runners["reference"].decode(int(token)) for token in TEXT[: 2 + rows]]
    for tier, runner in runners.items():
        runner.rewind(0)
        runner.prefill(TEXT[:2])
        runner.verify(TEXT[3:6], 2)  # a wrong draft, taken back
        runner.rewind(2)
        logits = runner.verify(TEXT[2 : 2 + rows], last)
        assert logits.shape == (last, 288)
        assert runner.position == 2 + rows
        assert np.array_equal(logits, np.stack(one_by_one[-last:])), tier


def test_all_tiers_count_a_verified_draft_alike(runners):
    for tier, runner in runners.items():
        runner.rewind(0)
        before = runner.placed.counts
        runner.prefill(TEXT[:2])
        runner.verify(TEXT[2:7], 4)
        activity = runner.placed.expand(runner.placed.counts.since(before))
        timing = runner.placed.timing
        assert activity.elapsed_cycles == timing.step_cycles(0, 2) + timing.step_cycles(2, 5, 4)
        assert sum(activity.cycles_by_operation.values()) == activity.elapsed_cycles
        told, formula = runner.placed.step_cycles(2, 5, 4), timing.step_cycles(2, 5, 4)
        assert (told == formula) == (tier != "cycle"), tier


def test_the_formula_of_a_verified_draft_is_close_to_the_simulation(tiny):
    """The head runs for every row, and no more rows are under way than there are blocks."""
    spec, shape = machine.get("small"), Shape(columns=4, rows=2, head_columns=8)
    placement = place(model_shape(tiny.graph), spec, shape, 64)
    placed = Placed(tiny.graph, spec, placement)
    runner = TIERS["cycle"](placed, tiny.tensors, threads=1, on_progress=quiet)
    assert [placed.timing.waves(rows, rows) for rows in (2, 5)] == [
        [(2, 2)], [(2, 2), (2, 2), (1, 1)],
    ]  # fmt: skip
    for rows in (2, 3, 5):
        runner.rewind(0)
        runner.prefill(TEXT[:3])
        runner.verify(TEXT[3 : 3 + rows], rows)
        simulated = runner.placed.step_cycles(3, rows, rows)
        formula = runner.placed.timing.step_cycles(3, rows, rows)
        assert formula == pytest.approx(simulated, rel=0.01)
        assert simulated < sum(placed.timing.step_cycles(3 + row) for row in range(rows))


@pytest.mark.parametrize("last", [-1, 0, 4])
def test_every_tier_refuses_logits_of_rows_that_a_step_does_not_have(runners, last):
    for runner in runners.values():
        runner.rewind(0)
        with pytest.raises(EngineError, match=f"logits of {last} rows of a step of 3"):
            runner.verify(TOKENS[:3], last)
        assert runner.position == 0


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
