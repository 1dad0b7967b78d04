"""Whole tokens: logits of the wafer, bit for bit those of the quantised NumPy reference."""

from dataclasses import replace

import numba
import numpy as np
import pytest

from engine.errors import EngineError
from engine.model.reference import Fp32Reference, QuantisedReference
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.fast.executor import Executor
from engine.wafer.fast.kernels.dot.path_table import PATHS, best_path, is_usable
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from engine.wafer.program.isa import Op
from tests import naive
from tests.tiny import tiny_model
from tests.wafers import (
    opened,
    random_machine,
    random_model,
    random_placement,
    random_steps,
    runner_on,
)

SMALL = machine.get("small")


def tokens_of(random, model, count):
    return random.integers(0, model.graph.vocabulary, count).astype(np.int32)


def random_runner(random, **options):
    model, spec = random_model(random), random_machine(random)
    return model, runner_on(model, spec, random_placement(random, model, spec), **options)


def run(runner, tokens, sizes):
    """Logits after each step; a step of one row is a decode."""
    logits, start = [], runner.position
    for size in sizes:
        step = tokens[runner.position - start :][:size]
        logits.append(runner.decode(int(step[0])) if size == 1 else runner.prefill(step))
    return logits


@pytest.mark.parametrize("seed", range(12))
def test_the_wafer_is_the_reference(seed):
    """Random model, machine, placement and split into steps: every logit has the same bits."""
    random = np.random.default_rng(seed)
    model, runner = random_runner(random)
    reference = QuantisedReference(model.graph, model.tensors, runner.placed.orders)
    tokens = tokens_of(random, model, int(random.integers(2, 24)))
    sizes = random_steps(random, len(tokens))

    logits = run(runner, tokens, sizes)

    expected = reference.forward(tokens)[np.cumsum(sizes) - 1]
    assert np.array_equal(np.array(logits), expected)
    assert runner.position == len(tokens)


def test_the_wafer_is_the_loop():
    """The same against single float32 numbers, which share no array code with the reference."""
    random = np.random.default_rng(5)
    model = tiny_model(seed=3, ffn=64, vocab=264, kv_heads=1, heads=2)
    runner = runner_on(model, SMALL, place(model_shape(model.graph), SMALL, Shape(8, 8, 5), 32))
    tokens = tokens_of(random, model, 3)

    logits = runner.prefill(tokens)

    assert (
        logits.tolist() == naive.quantised_llama(model, tokens, runner.placed.orders)[-1].tolist()
    )


def test_placements_differ_in_bits_and_agree_in_value(tiny):
    """The order of sums is part of a placement; what it sums is not."""
    tokens = tokens_of(np.random.default_rng(0), tiny, 12)
    shapes = [Shape(1, 2, 8), Shape(4, 4, 8), Shape(32, 64, 8, blocks=1)]

    logits = [
        runner_on(tiny, SMALL, place(model_shape(tiny.graph), SMALL, shape, 64)).prefill(tokens)
        for shape in shapes
    ]

    assert not np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[1], logits[2])
    assert np.abs(logits[0] - logits[1]).max() < 0.05 * np.abs(logits[0]).max()
    assert np.abs(logits[1] - logits[2]).max() < 0.05 * np.abs(logits[0]).max()


@pytest.mark.parametrize("seed", range(6))
def test_the_float_model_is_near(seed):
    """8-bit activations move logits by a few percent of their spread; measured, 12.4 % at most."""
    random = np.random.default_rng(100 + seed)
    model, runner = random_runner(random)
    tokens = tokens_of(random, model, 16)

    logits = runner.prefill(tokens)

    exact = Fp32Reference(model.graph, model.tensors).forward(tokens)[-1]
    assert np.sqrt(np.mean((logits - exact) ** 2)) < 0.15 * exact.std()


# ── steps ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(4))
def test_any_split_into_steps_gives_the_same_logits(seed):
    random = np.random.default_rng(200 + seed)
    model, runner = random_runner(random)
    tokens = tokens_of(random, model, 24)
    whole = runner.prefill(tokens)

    for _ in range(5):
        runner.rewind(0)

        assert np.array_equal(run(runner, tokens, random_steps(random, 24))[-1], whole)


@pytest.mark.parametrize("seed", range(4))
def test_rewinding_keeps_the_rows_before(seed):
    random = np.random.default_rng(300 + seed)
    model, runner = random_runner(random)
    tokens = tokens_of(random, model, 24)
    whole = runner.prefill(tokens)

    for _ in range(5):
        keep = int(random.integers(0, 24))
        runner.rewind(keep)
        other = tokens_of(random, model, 24 - keep)
        run(runner, other, random_steps(random, len(other)))
        runner.rewind(keep)

        assert np.array_equal(
            run(runner, tokens[keep:], random_steps(random, 24 - keep))[-1], whole
        )


@pytest.mark.parametrize(
    "path", [path for path in PATHS if is_usable(path)], ids=lambda path: path.name
)
def test_every_path_can_be_forced_and_has_the_same_bits(path):
    random = np.random.default_rng(0)
    model, spec = random_model(random), random_machine(random)
    placement = random_placement(random, model, spec)
    tokens = tokens_of(random, model, 20)
    default = runner_on(model, spec, placement)
    forced = runner_on(model, spec, placement, path=path.name)

    assert forced.processor_path == path.name
    for size in (7, 1, 12):
        start = default.position
        step = tokens[start : start + size]
        assert np.array_equal(default.prefill(step), forced.prefill(step))


@pytest.mark.parametrize("path", ["vnni", "amx", "neon"])
def test_a_path_that_the_processor_lacks_is_refused(tiny, monkeypatch, path):
    """Its code would end the process."""
    monkeypatch.setattr(numba.config, "CPU_FEATURES", "+avx2,+f16c")

    with pytest.raises(EngineError, match=rf"no kernel path '{path}' .* it has avx2, portable"):
        opened(tiny, machine.get("tiny"), path=path)


def test_the_environment_names_the_path(tiny, monkeypatch):
    monkeypatch.setenv("SPARK_KERNELS", "portable")
    assert opened(tiny, machine.get("tiny")).processor_path == "portable"

    monkeypatch.setenv("SPARK_KERNELS", "")  # as if it were not there
    assert opened(tiny, machine.get("tiny")).processor_path == best_path().name


def test_a_path_of_the_environment_is_never_replaced_by_another(tiny, monkeypatch):
    monkeypatch.setattr(numba.config, "CPU_FEATURES", "+avx2,+f16c")
    monkeypatch.setenv("SPARK_KERNELS", "amx")

    with pytest.raises(EngineError, match=r"SPARK_KERNELS=amx: no kernel path 'amx' .* avx2, port"):
        opened(tiny, machine.get("tiny"))


def test_every_value_of_a_step_can_be_read(tiny):
    runner = runner_on(tiny, SMALL, place(model_shape(tiny.graph), SMALL, Shape(4, 2, 8), 64))
    reference = QuantisedReference(tiny.graph, tiny.tensors, runner.placed.orders)
    tokens = tokens_of(np.random.default_rng(0), tiny, 5)
    runner.prefill(tokens)
    executor = runner.executor

    trace = reference.trace(tokens)

    assert np.array_equal(executor.value("embed", 5), trace["embed"])
    assert np.array_equal(executor.value("attention", 5), trace["layer 1.attention"])
    assert np.array_equal(executor.value("ffn_residual", 5), trace["layer 1.ffn_residual"])
    assert np.array_equal(executor.value("logits", 5)[-1], trace["logits"][-1])


def test_a_buffer_of_one_row_is_as_wide_as_the_program_says(tiny_runner):
    program = tiny_runner.placed.program

    for buffer in program.buffers:
        assert tiny_runner.executor.value(buffer.name, 2).shape == (2, buffer.width)


# ── what the runner offers ──────────────────────────────────────────────────────────────────


def test_an_opened_wafer_counts_what_it_ran(tiny, tiny_runner):
    tiny_runner.rewind(0)
    before = tiny_runner.placed.counts
    tokens = tokens_of(np.random.default_rng(0), tiny, 20)

    tiny_runner.prefill(tokens)
    tiny_runner.decode(7)

    counts = tiny_runner.placed.counts.since(before)
    assert (counts.steps, counts.rows) == (2, 21)
    timing = tiny_runner.placed.timing
    expected = timing.step_cycles(0, 20) + timing.step_cycles(20, 1)
    assert tiny_runner.placed.expand(counts).elapsed_cycles == expected
    assert counts.lookups.sum() == 21


def test_progress_goes_from_nothing_to_all(tiny):
    seen = []

    opened(tiny, machine.get("tiny"), on_progress=lambda *each: seen.append(each))

    totals = {total for _, total, _ in seen}
    assert len(totals) == 1
    # Another test's process may hold the cache for a while: that is said, and counts nothing.
    done = [each for each, _, label in seen if not label.startswith("waiting")]
    assert done == sorted({*done})  # kernels that another one contains may be passed over at once
    assert (done[0], done[-1]) == (0, totals.pop())
    assert seen[-1][2] == "kernels are ready"


def test_opening_with_a_shorter_context(tiny):
    runner = opened(tiny, machine.get("tiny"), context_length=9)

    assert runner.context_length == 9
    runner.prefill(np.arange(9, dtype=np.int32))
    with pytest.raises(EngineError, match=r"1 rows at position 9.*holds 9"):
        runner.decode(1)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "a step of 0 rows; 1 to 64"),
        ([1] * 65, "a step of 65 rows; 1 to 64"),
        ([288], "token ids from 288 to 288; the vocabulary has 288"),
        ([-1], "token ids from -1"),
    ],
)
def test_wrong_steps_are_refused_and_change_nothing(tiny_runner, tokens, message):
    tiny_runner.rewind(0)
    tiny_runner.prefill(np.array([1, 2], np.int32))
    before = tiny_runner.placed.counts

    with pytest.raises(EngineError, match=message):
        tiny_runner.prefill(np.array(tokens, np.int32))

    assert tiny_runner.position == 2
    assert tiny_runner.placed.counts is before


@pytest.mark.parametrize("position", [-1, 3])
def test_rewinding_past_the_cache_is_refused(tiny_runner, position):
    tiny_runner.rewind(0)
    tiny_runner.prefill(np.array([1, 2], np.int32))

    with pytest.raises(EngineError, match=f"rewind to {position}: the KV cache has 2 rows"):
        tiny_runner.rewind(position)


@pytest.mark.parametrize("threads", [0, 10_000])
def test_impossible_threads_are_refused(tiny, threads):
    with pytest.raises(EngineError, match=f"{threads} compute threads"):
        opened(tiny, machine.get("tiny"), threads=threads)


def test_instructions_that_only_move_data_compute_nothing(tiny):
    """Without them a Program gives the same bits: on the host a value is where it is."""
    placement = place(model_shape(tiny.graph), SMALL, Shape(4, 2, 8), 64)
    program = compile_graph(tiny.graph, SMALL, placement).program
    moving = [Op.MULTICAST, Op.SEND, Op.RECEIVE, Op.SELECT]
    kept = program.instructions[~np.isin(program.instructions[:, 0], moving)]
    tokens = tokens_of(np.random.default_rng(0), tiny, 6)

    logits = [
        Executor(each, tiny.tensors, threads=1).step(tokens)
        for each in (program, replace(program, instructions=np.ascontiguousarray(kept)))
    ]

    assert len(kept) < len(program.instructions)
    assert np.array_equal(logits[0], logits[1])
