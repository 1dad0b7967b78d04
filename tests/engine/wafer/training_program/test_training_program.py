"""A training step as a program of cores: three runs, the same bits; gradients, cycles, memory."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PlacementError
from engine.model.families import read_graph
from engine.training.adamw import AdamW
from engine.training.backpropagation import Backpropagation, TokenBatch
from engine.training.muon import Muon
from engine.training.pullback import zero_gradients
from engine.wafer.program import machine
from engine.wafer.training_program import host_runner
from engine.wafer.training_program.core_memories import CoreMemories
from engine.wafer.training_program.cycle_step import colors_of, simulate_step
from engine.wafer.training_program.fastest_rectangle import (
    fastest_rectangle,
    optimiser_cycles,
    row_cycles,
)
from engine.wafer.training_program.muon_text import MuonRates
from engine.wafer.training_program.optimiser_text import AdamWRates
from engine.wafer.training_program.reference_step import ReferenceStep
from engine.wafer.training_program.step_check import check_step
from engine.wafer.training_program.step_price import orders_of, step_cycles, traffic
from engine.wafer.training_program.trained_model import trained_model
from engine.wafer.training_program.training_program import training_program
from tests.graphs import Traits, decoder_graph_of
from tests.tiny_families import FAMILY_CONFIGS

RATES = AdamWRates(step=1, rate=0.01, decay=0.1)
SMALL = {
    "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "intermediate_size": 32, "vocab_size": 32, "num_hidden_layers": 1,
}  # fmt: skip


def graph_of(folder, family="llama", **overrides):
    path = folder / "config.json"
    path.write_text(json.dumps(FAMILY_CONFIGS[family] | SMALL | overrides))
    return read_graph(path, 64)


class Case:
    """A random model with a row of tokens, on a rectangle of cores."""

    def __init__(self, graph, rows, columns, tokens, seed, spec="tiny", muon_rates=None):
        rng = np.random.default_rng(seed)
        self.graph, self.model = graph, trained_model(graph)
        self.program = training_program(
            self.model, machine.get(spec), columns=columns, rows=rows, tokens=tokens, rates=RATES,
            muon_rates=muon_rates,
        )  # fmt: skip
        self.share, self.orders = self.program.share, orders_of(self.program.share)
        self.tensors = {
            name: (0.3 * rng.standard_normal(shape) + (len(shape) == 1)).astype(np.float32)
            for name, shape in graph.weights.items()
        }
        words = rng.integers(0, graph.vocabulary, (2, tokens))
        counts = np.full(tokens, 1 / tokens, np.float32)
        counts[0] = 0.0 if tokens > 1 else 1.0
        self.row = words[0], words[1], counts
        self.memories = CoreMemories(self.program, self.tensors)
        self.memories.write_row(*self.row)

    def run(self, instructions):
        host_runner.run(instructions, self.memories.words, self.orders)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def bits(arrays):
    return {name: array.view(np.int32).tolist() for name, array in arrays.items()}


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    rows=st.sampled_from([1, 2, 4, 16]), columns=st.sampled_from([1, 2, 4, 8]),
    tokens=st.integers(1, 5), seed=st.integers(0, 2**32 - 1),
    activation=st.sampled_from(["silu", "gelu"]), gated=st.booleans(),
)  # fmt: skip
def test_all_three_runs_have_the_same_bits(rows, columns, tokens, seed, activation, gated):
    traits = Traits(
        hidden=32, layers=1, head_dim=8, ffn=32, vocab=32, activation=activation, gated=gated
    )
    case = Case(decoder_graph_of(traits), rows, columns, tokens, seed)
    simulated = case.memories.words.copy()
    case.run(case.program.row)
    slow = ReferenceStep(case.share, case.tensors, case.orders)
    slow.add_row(*case.row)
    assert bits(case.memories.gradients()) == bits(slow.gradients)
    case.run(case.program.optimiser)
    assert bits(case.memories.weights()) == bits(slow.stepped(RATES))
    whole = case.program.row + case.program.optimiser
    ran = simulate_step(case.share, whole, simulated)
    assert np.array_equal(simulated.view(np.int32), case.memories.words.view(np.int32))
    assert ran.cycles == pytest.approx(step_cycles(case.share, whole), rel=0.01)
    assert ran.links == traffic(case.share, whole).hops


def test_gradients_and_step_are_those_of_backpropagation(folder):
    case = Case(graph_of(folder, num_hidden_layers=2), 8, 2, 5, seed=1)
    case.run(case.program.row)
    sums = zero_gradients(case.tensors)
    tokens, targets, counts = case.row
    batch = TokenBatch(tokens[None], targets[None], counts[None] * 5)
    loss = Backpropagation(case.graph).add_gradients(case.tensors, batch, sums)
    total = counts.sum()
    assert case.memories.loss(counts) / total == pytest.approx(loss, rel=1e-6)
    found = case.memories.gradients()
    for name, gradient in sums.items():
        largest = np.abs(gradient).max()
        assert np.abs(found[name] / total - gradient).max() < 1e-5 * largest, name
    weights = {name: tensor.copy() for name, tensor in case.tensors.items()}
    AdamW(weights, betas=RATES.betas, decay=RATES.decay).step(found, RATES.rate)
    case.run(case.program.optimiser)
    for name, weight in case.memories.weights().items():
        np.testing.assert_allclose(weight, weights[name], rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("spec", ["wse3", "wse2"])
def test_formula_and_simulation_agree_on_real_machines(folder, spec):
    case = Case(graph_of(folder), 32, 2, 3, seed=2, spec=spec)
    ran = simulate_step(case.share, case.program.row, case.memories.words)
    assert ran.cycles == pytest.approx(step_cycles(case.share, case.program.row), rel=0.01)


@pytest.mark.parametrize("columns", [2, 8])
def test_no_core_needs_more_colors_than_a_program_may_use(folder, columns):
    case = Case(graph_of(folder), 16, columns, 2, seed=3, spec="wse3")
    use = colors_of(case.share, case.program.row)
    for colors in (use.taken, use.given):
        assert use.counted(colors).max() <= 6


def test_memory_by_use_is_what_lies_there(folder):
    case = Case(graph_of(folder), 8, 2, 4, seed=4)
    uses = case.program.sram_bytes()
    elements = sum(tensor.size for tensor in case.tensors.values())
    vectors = sum(tensor.size for tensor in case.tensors.values() if tensor.ndim == 1)
    per_core = 4 * ((elements - vectors) // 16 + vectors // 8)
    assert uses["weights"] == uses["gradients"] == per_core
    assert uses["optimiser"] == 2 * per_core
    assert case.program.memory.words * 4 == sum(
        size for use, size in uses.items() if use not in ("code", "system")
    )
    case.program.check()


def test_what_does_not_fit_is_refused_with_the_nearest_change(folder):
    graph = graph_of(folder, intermediate_size=1024)
    with pytest.raises(PlacementError, match=r"most is optimiser; use more cores"):
        Case(graph, 2, 2, 4, seed=5).program.check()
    with pytest.raises(PlacementError, match="activations; use shorter rows"):
        Case(graph_of(folder), 16, 2, 60, seed=5).program.check()
    with pytest.raises(PlacementError, match="32 over 5 do not; use 4 rows"):
        Case(graph, 5, 2, 4, seed=5)


@pytest.mark.parametrize(
    ("family", "what"),
    [("qwen2", "a bias"), ("gemma2", "scale"), ("qwen3", "head_norm"), ("mistral", "a window")],
)
def test_what_no_instruction_is_known_for_is_refused(folder, family, what):
    with pytest.raises(PlacementError, match=what):
        trained_model(graph_of(folder, family))


def test_first_and_last_token_price_a_row_and_find_the_rectangle(folder):
    graph = graph_of(folder, num_hidden_layers=2)
    model, tiny = trained_model(graph), machine.get("tiny")
    found = fastest_rectangle(model, tiny, rows=3, tokens=8)
    share = found.program.share
    whole = training_program(
        model, tiny, columns=share.columns, rows=share.rows, tokens=8, rates=RATES
    )
    assert found.program.memory.places == whole.memory.places
    assert row_cycles(found.program) == pytest.approx(step_cycles(share, whole.row), rel=0.02)
    shown = found.as_json()
    assert shown["sums"] == pytest.approx(3 * traffic(share, whole.row).sums, rel=0.01)
    for rows, columns in ((4, 2), (8, 2), (16, 1)):
        other = training_program(
            model, tiny, columns=columns, rows=rows, tokens=8, rates=RATES, written=[0, 7]
        )
        assert row_cycles(found.program) <= row_cycles(other)


@pytest.mark.parametrize(("rows", "columns", "ffn"), [(4, 2, 24), (2, 1, 8), (8, 2, 16)])
def test_muon_in_cores_is_the_reference_and_the_optimiser(rows, columns, ffn):
    """Wide, square and tall matrices, with inputs along rows and along columns."""
    traits = Traits(
        hidden=16, layers=1, heads=2, kv_heads=2, head_dim=4, ffn=ffn, vocab=16, context=4
    )
    rates = MuonRates(0.02)
    case = Case(decoder_graph_of(traits), rows, columns, 2, seed=6, muon_rates=rates)
    case.run(case.program.row)
    slow = ReferenceStep(case.share, case.tensors, case.orders)
    slow.add_row(*case.row)
    simulated = case.memories.words.copy()
    begin = case.program.optimiser[:400]
    case.run(begin)
    simulate_step(case.share, begin, simulated)
    assert np.array_equal(simulated.view(np.int32), case.memories.words.view(np.int32))
    case.run(case.program.optimiser[400:])
    found = case.memories.weights()
    assert bits(found) == bits(slow.stepped(RATES, rates))
    layer = case.model.layers[0]
    names = (*layer.qkv, layer.out, *layer.gate_up, layer.down)
    weights = {name: case.tensors[name].copy() for name in names}
    Muon(weights).step(slow.gradients, rates.rate)
    for name, weight in weights.items():
        np.testing.assert_allclose(found[name], weight, atol=1e-6)


@pytest.mark.parametrize(("rows", "columns", "ffn"), [(4, 2, 24), (8, 2, 32), (16, 1, 16)])
def test_a_few_rows_of_muon_price_its_whole_step(rows, columns, ffn):
    traits = Traits(
        hidden=16, layers=2, heads=2, kv_heads=2, head_dim=8, ffn=ffn, vocab=16, context=4
    )
    model, tiny = trained_model(decoder_graph_of(traits)), machine.get("tiny")
    whole, sampled = (
        training_program(
            model, tiny, columns=columns, rows=rows, tokens=2, rates=RATES,
            muon_rates=MuonRates(0.02), written=written,
        )
        for written in (None, (0, 1))
    )  # fmt: skip
    assert sampled.memory.places == whole.memory.places
    cycles = step_cycles(whole.share, whole.optimiser)
    assert optimiser_cycles(sampled) == pytest.approx(cycles, rel=0.05)
    assert optimiser_cycles(whole) == cycles
    sums = traffic(whole.share, whole.optimiser).sums
    told = [(1, sampled.optimiser), *((e.times, e.instructions) for e in sampled.sampled)]
    assert sum(t * traffic(whole.share, text).sums for t, text in told) == pytest.approx(sums)


def test_the_fastest_rectangle_is_that_of_the_optimiser_that_is_asked_for():
    traits = Traits(
        hidden=16, layers=1, heads=2, kv_heads=2, head_dim=4, ffn=16, vocab=16, context=4
    )
    model, tiny = trained_model(decoder_graph_of(traits)), machine.get("tiny")
    adamw, muon = (fastest_rectangle(model, tiny, 1, 2, name) for name in ("adamw", "muon"))
    assert not adamw.program.sampled
    assert muon.program.sampled
    assert muon.cycles > 2 * adamw.cycles  # a matrix meets itself, a row at a time
    assert [each.as_json()["optimizer"] for each in (adamw, muon)] == ["adamw", "muon"]
    assert muon.as_json()["sums"] > adamw.as_json()["sums"]


def test_muon_refuses_a_rectangle_that_does_not_divide_a_short_side():
    traits = Traits(hidden=32, layers=1, heads=2, kv_heads=2, head_dim=4, ffn=16, vocab=16)
    with pytest.raises(PlacementError, match="short side of 8 does not lie evenly along 16"):
        Case(decoder_graph_of(traits), 16, 1, 1, seed=7, muon_rates=MuonRates(0.02))


def test_a_check_tells_where_runs_differ(folder, monkeypatch):
    graph, tiny = graph_of(folder), machine.get("tiny")
    told = check_step(graph, tiny, columns=2, rows=4, tokens=1)
    assert told.holds
    assert told.links == told.links_counted

    def forwards(parts, fold):
        total = parts[0]
        for own in parts[1:]:
            total = fold(total, own)
        return total

    monkeypatch.setattr(host_runner, "_chain", forwards)
    told = check_step(graph, tiny, columns=2, rows=4, tokens=1)
    assert not told.holds
    assert "on the host" in told.first_difference
    assert told.differing_tensors
