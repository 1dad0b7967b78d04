"""The search for rectangles: how good its choice is, what it explains, real models, many wafers."""

import json
import re
import time
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError, PlacementError
from engine.model.families import read_config, read_graph
from engine.model.roles import Role
from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16
from engine.model.tensors.q8 import INT8
from engine.model_store.lookup import find_model
from engine.wafer.anatomy.core_memory import core_memory
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.fabric.layout import heads_layout
from engine.wafer.place.core_bytes import block_fits
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape, block_outputs, heads_of
from engine.wafer.plan.dense_sizes import dense_sizes, fewest_wafers, narrowest_head
from engine.wafer.plan.placed import Placed
from engine.wafer.plan.planner import kv_capacity, plan, plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program import machine
from engine.wafer.program.isa import Field, Op
from tests.graphs import Traits, decoder
from tests.tiny import tiny_model

WSE3, WSE2, SMALL = machine.get("wse3"), machine.get("wse2"), machine.get("small")
LLAMA_8B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0},
}
LLAMA_70B = LLAMA_8B | {
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
}
QWEN3 = {
    "model_type": "qwen3",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,
}


@pytest.fixture
def graph_of(tmp_path):
    """The graph of a configuration given as a dict."""

    def read(config, context=None):
        (tmp_path / "config.json").write_text(json.dumps(config))
        return read_graph(tmp_path / "config.json", context)

    return read


def searched(graph, spec, context=None, format=INT8, **options):
    options["formats"] = uniform_formats(graph.weights, format)
    return plan_shape(graph, spec, context, PlanOptions(**options))


def cycles(graph, spec, placement, position):
    return Placed(graph, spec, placement, by_core=False).timing.step_cycles(position)


# ── how good the choice is ──────────────────────────────────────────────────────────────────


@settings(max_examples=3, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_choice_is_within_a_tenth_of_exhaustive_search(seed):
    random = np.random.default_rng(seed)
    heads = int(random.choice([2, 4]))
    model = tiny_model(
        hidden=32 * int(random.integers(1, 4)), layers=2, heads=heads, kv_heads=heads // 2,
        head_dim=int(random.choice([16, 32])), ffn=32 * int(random.integers(1, 4)),
    )  # fmt: skip
    spec = replace(SMALL, dispatch_cycles=int(random.integers(0, 30)), columns=48, rows=40)
    sizes, half = model_shape(model.graph), model.graph.context_length // 2

    chosen = plan(model.graph, spec)

    groups, dims = sizes.hidden // 32, sizes.attention.head_dim // 2
    rows = [n for n in range(1, 41) if groups % n == 0] + [groups * s for s in (2, 4, 8, 16, 32)]
    columns = [n for n in range(1, heads + 1) if heads % n == 0]
    columns += [heads * n for n in range(2, dims + 1) if dims % n == 0]
    found = []
    for shape in product(columns, rows, (4, 12, 32), (1, 2)):
        try:
            placement = place(sizes, spec, Shape(*shape), model.graph.context_length)
        except PlacementError:
            continue
        found.append(cycles(model.graph, spec, placement, half - 1))
    assert cycles(model.graph, spec, chosen, half - 1) <= 1.10 * min(found)


def test_the_bundled_model_lies_no_worse_than_in_the_first_version():
    graph = read_graph(find_model())
    first = place(model_shape(graph), WSE3, Shape(64, 32, 16, blocks=6), graph.context_length)

    chosen = plan(graph, WSE3)

    for position in (255, 1023, 2047):
        assert cycles(graph, WSE3, chosen, position) <= cycles(graph, WSE3, first, position)


def test_the_estimate_is_near_what_clocks_of_all_cores_say(tmp_path):
    graph = read_graph(find_model())
    found = searched(graph, WSE3, runs=True, wafers=1)

    exact = cycles(graph, WSE3, found.placement, found.position - 1)

    assert abs(found.chosen.cycles_per_token / exact - 1) < 0.05


def test_a_sweep_of_sides_has_an_inner_minimum(graph_of):
    """Smaller rectangles have more to multiply, larger ones farther to send."""
    graph = graph_of(LLAMA_8B)
    sides = (180, 240, 300, 360, 420, 480, 600)

    found = [
        searched(graph, WSE2, 4096, format=FP16, block=(side, side)).chosen.cycles_per_token
        for side in sides
    ]

    best = int(np.argmin(found))
    assert 0 < best < len(sides) - 1
    assert found[0] > 1.1 * found[best]
    assert found[-1] > 1.1 * found[best]


# ── what it explains ────────────────────────────────────────────────────────────────────────


def test_the_search_is_explained_and_always_the_same(graph_of):
    graph = graph_of(QWEN3)
    first, again = (searched(graph, WSE3, 4096) for _ in range(2))

    assert first == again
    other = first.runner_up
    assert other is not None
    assert other.shape is not None
    assert (other.columns, other.rows) != (first.chosen.columns, first.chosen.rows)
    assert first.why.startswith(f"{other.columns} × {other.rows} takes ")
    fitting = [c for c in first.candidates if c.shape is not None]
    assert len(fitting) > 20
    assert all(c.refusal for c in first.candidates if c.shape is None)
    assert first.chosen.cycles_per_token <= 1.02 * min(c.cycles_per_token for c in fitting)


def test_a_size_on_more_wafers_says_so(graph_of):
    """The fastest of all may need more of them than the plan, which takes as few as it can."""
    found = searched(graph_of(LLAMA_70B), WSE3, 2048)

    other = found.runner_up
    assert other is not None
    assert other.shape is not None
    assert other.shape.wafers > found.placement.wafers
    assert found.why.endswith(f"cycles a token less, on {other.shape.wafers} wafers")


def test_a_70b_shape_is_planned_in_five_seconds(graph_of):
    graph = graph_of(LLAMA_70B)

    begun = time.process_time()
    found = searched(graph, WSE3, 4096)

    assert time.process_time() - begun < 5
    assert found.placement.wafers > 1
    layers = [layer for region in found.placement.regions for layer in region.layers]
    assert layers == list(range(80))
    wafers = [region.wafer for region in found.placement.regions]
    assert wafers == sorted(wafers)


@pytest.mark.parametrize(
    ("config", "format", "wafers", "fewest"),
    [(LLAMA_8B, FP16, 1, 1), (LLAMA_70B, INT8, 5, 4), (LLAMA_70B, FP16, 7, 7)],
)
def test_blocks_that_fill_the_wafer_hold_a_model_on_few(graph_of, config, format, wafers, fewest):
    """``fewest``: with the bytes of the weights alone."""
    graph = graph_of(config)
    formats = uniform_formats(graph.weights, format)
    model = model_shape(graph, formats, runs=False)
    matrices = {name: size for name, size in graph.weights.items() if len(size) == 2}
    weights = sum(formats[name].sram_bytes(*size) for name, size in matrices.items())

    assert fewest_wafers(WSE3, weights) == fewest
    assert dense_sizes(model, WSE3, 257, range(1, wafers)) == []
    for size in dense_sizes(model, WSE3, 257, range(wafers, wafers + 1)):
        head = narrowest_head(model, WSE3, size.rows)
        block = Shape(**size._asdict(), head_columns=head, wafers=wafers, grouped=True)
        heads = heads_of(model, block, runs=False)
        layers = next(n for n in range(8, 0, -1) if block_fits(model, WSE3, block, heads, 257, n))
        shape = replace(block, blocks=-(-model.layers // layers))
        assert place(model, WSE3, shape, 257, runs=False).wafers == wafers


@pytest.mark.parametrize(("format", "wafers", "most"), [(INT8, 5, 2816), (FP16, 7, 2048)])
def test_a_70b_shape_lies_on_few_wafers(graph_of, format, wafers, most):
    """As the planner places it: within every core's SRAM, with room for ``most`` positions."""
    found = searched(graph_of(LLAMA_70B), WSE3, most, format)

    regions = found.placement.regions
    assert found.placement.wafers == wafers
    assert max(region.sram_bytes["max_total"] for region in regions) <= WSE3.sram_bytes
    assert sum(len(region.layers) for region in regions) == 80
    assert found.context_limit[0] >= most
    assert found.placement.shape.lighter > 0


def test_more_wafers_than_are_needed_can_be_asked_for(graph_of):
    """Where only blocks that fill them hold the model on so few."""
    assert searched(graph_of(LLAMA_70B), WSE3, 257, FP16, wafers=8).placement.wafers == 8


def test_columns_with_heads_are_lighter_and_nothing_is_lost(graph_of):
    graph = graph_of(LLAMA_70B)
    model = model_shape(graph, uniform_formats(graph.weights, INT8), runs=False)
    shape = Shape(342, 128, 733, 80, 5, grouped=True, parts=16, lighter=1)

    gated = np.array(place(model, WSE3, shape, 257, runs=False).gated.elements)

    assert heads_of(model, shape, runs=False).columns == 128
    assert gated.sum() == 28672
    assert (gated[:128].max(), gated[128:].max()) == (64, 96)
    with pytest.raises(PlacementError, match="leaves nothing for 128 of them"):
        block_outputs(model, replace(shape, lighter=4), heads_of(model, shape, runs=False))
    with pytest.raises(PlacementError, match="only priced"):
        place(model, WSE3, replace(shape, grouped=False, parts=0), 257)


@pytest.mark.parametrize(("format", "lighter"), [(FP16, 56), (INT8, 2)])
def test_a_full_block_is_budgeted_by_its_fullest_core(graph_of, format, lighter):
    """Core by core nothing is above the budget, and the one that it tells of is near it."""
    graph = graph_of(LLAMA_8B | {"num_hidden_layers": 2})
    model = model_shape(graph, uniform_formats(graph.weights, format), runs=False)
    shape = Shape(150, 256, 700, 1, grouped=True, parts=8, lighter=lighter)
    spec = replace(WSE3, sram_bytes=1 << 18, columns=1024)
    placement = place(model, spec, shape, 3000, runs=False)

    compiled = compile_graph(graph, spec, placement, by_core=False)
    memory = core_memory(compiled.program, placement, 0).sum(-1)

    budget = placement.regions[0].sram_bytes["max_total"]
    assert 0.98 * budget <= memory.max() <= budget
    rest = memory[1:, 64:]
    assert rest.max() > 0.8 * memory.max()


def test_the_longest_context_of_a_full_block_fits(graph_of):
    found = searched(graph_of(LLAMA_70B), WSE3, 257, FP16)

    limit, _ = found.context_limit

    shape, model = found.placement.shape, found.placement.model
    assert place(model, WSE3, shape, limit, runs=False).regions[0].sram_bytes["kv"] > 0
    with pytest.raises(PlacementError, match="layers, core"):
        place(model, WSE3, shape, limit + 1, runs=False)


def test_wafers_without_room_for_the_weights_are_refused_with_their_bytes(graph_of):
    graph = graph_of(LLAMA_70B)

    with pytest.raises(PlacementError, match=r"141,\d+,\d+,\d+ bytes of weights; .* 7 wafers have"):
        searched(graph, WSE3, 257, FP16, wafers=2)


def test_grouped_heads_hold_nothing_twice(graph_of):
    """64 query heads read 8 KV heads: eight columns of a head's share have one copy, not eight."""
    graph = graph_of(LLAMA_70B)
    model = model_shape(graph, uniform_formats(graph.weights, FP16), runs=False)

    for grouped, copies in ((False, 8), (True, 1)):
        shape = Shape(64, 512, 1, grouped=grouped)
        heads = heads_of(model, shape, runs=False)
        queries, keys, values = block_outputs(model, shape, heads)[Role.QKV]
        assert queries.sum() == 64 * 128
        assert keys.sum() == values.sum() == copies * 8 * 128
    lie = heads_layout(model.attention, heads, heads.columns)
    assert np.array_equal(np.sort(lie.ravel()), np.arange((64 + 2 * 8) * 128))
    with pytest.raises(PlacementError, match="only priced"):
        place(model_shape(graph), WSE3, Shape(64, 256, 640, grouped=True), 257)


def test_every_link_between_wafers_takes_its_latency(graph_of):
    graph = graph_of(LLAMA_70B)
    slow = replace(WSE3, wafer_link_microseconds=15.0)

    near, far = (searched(graph, m, 4096, block=(512, 256), blocks=43) for m in (WSE3, slow))

    more = far.chosen.cycles_per_token - near.chosen.cycles_per_token
    assert more == near.placement.wafers * round(10_000 * 0.85)


def test_more_rows_a_step_make_more_blocks(graph_of):
    """Rows pipeline over blocks: what is best for one row is not best for many."""
    graph = graph_of(QWEN3)

    one, many = (searched(graph, WSE3, 2048, rows_per_step=rows) for rows in (1, 64))

    blocks = [found.placement.shape.blocks for found in (one, many)]
    assert blocks[1] > blocks[0]
    assert many.chosen.cycles_per_token < one.chosen.cycles_per_token / 3


def test_the_longest_context_fits_and_one_row_more_does_not(graph_of):
    graph = graph_of(QWEN3)
    found = searched(graph, WSE3, 2048, blocks=8, block=(256, 256), format=FP16)

    limit, reason = found.context_limit

    sizes, shape = found.placement.model, found.placement.shape
    place(sizes, WSE3, shape, limit, runs=False)
    with pytest.raises(PlacementError, match="kv"):
        place(sizes, WSE3, shape, limit + 1, runs=False)
    assert "KV rows of 4 layers" in reason


@pytest.mark.parametrize(("rows", "published"), [(360, 137_548 / 382), (375, 6_168 / 16)])
def test_sharing_the_cache_among_core_rows_keeps_the_published_ratio(graph_of, rows, published):
    """WaferLLM, table 5: rows that are shifted against rows that are concatenated."""
    found = searched(graph_of(LLAMA_8B), WSE3, 256, blocks=32, block=(256, rows), format=FP16)

    one_core_row, all_of_them = kv_capacity(found.placement, WSE3)

    assert all_of_them / one_core_row == pytest.approx(published, rel=0.03)


# ── refusals ────────────────────────────────────────────────────────────────────────────────


def test_two_blocks_of_14_layers_do_not_fit_and_eight_blocks_do(graph_of):
    graph = graph_of(QWEN3)

    eight = searched(graph, WSE3, 1024, blocks=8, block=(256, 256), format=FP16)
    with pytest.raises(PlacementError) as refusal:
        searched(graph, WSE3, 1024, blocks=2, block=(256, 256), format=FP16)

    assert [len(region.layers) for region in eight.placement.regions] == [4] * 4 + [3] * 4 + [0]
    assert eight.placement.wafers == 1
    message = str(refusal.value)
    assert "a block of 256 × 256 cores with 14 layers, core (0, 0) needs" in message
    assert re.search(r"\(code 22,528, weights 24,\d{3}, kv [\d,]+, buffers [\d,]+\)", message)
    assert "12 layers in a block (3 blocks) would fit" in message


def test_a_context_without_room_says_which_has(graph_of):
    graph = graph_of(QWEN3)

    with pytest.raises(PlacementError, match=r"a context of [\d,]+ would fit"):
        searched(graph, WSE3, 40960, blocks=28, block=(256, 32))


@pytest.mark.parametrize("blocks", [0, 29])
def test_impossible_numbers_of_blocks_are_refused(graph_of, blocks):
    with pytest.raises(PlacementError, match=rf"{blocks} blocks asked for; .* has 28 layers"):
        searched(graph_of(QWEN3), WSE3, 256, blocks=blocks)


# ── real models ─────────────────────────────────────────────────────────────────────────────


def operations(graph, format=INT8):
    found = searched(graph, WSE3, 1024, format=format)
    table = compile_graph(graph, WSE3, found.placement, by_core=False).program.instructions
    layer = table[table[:, Field.LAYER] == 1]
    return [Op(row[Field.OP]).name for row in layer], found


def test_head_norms_biases_and_activations_are_priced(graph_of):
    plain = LLAMA_8B | {"num_hidden_layers": 4, "vocab_size": 32000}
    qwen2 = plain | {"model_type": "qwen2"}
    qwen3 = plain | {"model_type": "qwen3"}
    gemma = plain | {"model_type": "gemma", "hidden_act": "gelu"}

    found = {
        name: searched(graph_of(config), WSE3, 512, block=(256, 128), blocks=4).chosen
        for name, config in (("llama", plain), ("qwen2", qwen2), ("qwen3", qwen3), ("gemma", gemma))
    }

    llama = found["llama"].cycles_by_op
    assert found["qwen2"].cycles_by_op["matmul"] > llama["matmul"]  # biases
    assert found["qwen3"].cycles_by_op["head_norm"] > 0
    assert found["gemma"].cycles_by_op["gate"] > llama["gate"]
    assert found["qwen3"].cycles_by_op["matmul"] == llama["matmul"]


def test_fp16_has_no_quantisation(graph_of):
    names, found = operations(graph_of(LLAMA_8B | {"num_hidden_layers": 3}), FP16)

    assert "QUANTISE" not in names
    assert names.count("MATMUL") == 4
    weights = found.placement.regions[0].sram_bytes["weights"]
    per_layer = 4096 * (2 * 4096 + 2 * 1024 + 3 * 14336) * 2
    cores = found.placement.shape.columns * found.placement.shape.rows
    layers = len(found.placement.regions[0].layers)
    assert weights * cores >= layers * per_layer


def test_a_graph_without_additions_is_priced_like_the_one_that_runs():
    """``predict`` and the app go the same way."""
    folder = find_model()
    runs = read_config(folder / "config.json").graph(folder.name)

    placement = plan(runs, WSE3, 512)

    assert plan(read_graph(folder), WSE3, 512) == placement
    assert cycles(runs, WSE3, placement, 300) == cycles(read_graph(folder), WSE3, placement, 300)


def test_what_cannot_be_priced_is_refused_by_name(graph_of):
    mistral = LLAMA_8B | {"model_type": "mistral", "sliding_window": 4096}

    with pytest.raises(ConfigError, match="'gpt2', a family that is not supported; supported: lla"):
        graph_of(LLAMA_8B | {"model_type": "gpt2"})
    assert model_shape(graph_of(mistral, 4096), runs=False).layers == 32
    with pytest.raises(ConfigError, match="'num_local_experts' is 8"):
        graph_of(LLAMA_8B | {"num_local_experts": 8})


def test_what_differs_by_family_is_planned_to_run(graph_of):
    graph = graph_of(QWEN3 | {"num_hidden_layers": 1, "vocab_size": 4096})

    found = searched(graph, WSE3, 64, runs=True, wafers=1).placement

    assert found.runs
    assert Op.HEAD_NORM in compile_graph(graph, WSE3, found).program.instructions[:, Field.OP]


def test_a_windowed_layer_is_priced_for_the_positions_it_sees():
    """Half the context of 32 is 16 positions; 4 of them in every one of 4 core rows, or 1."""
    all_seen, some, none = (
        searched(
            decoder(Traits(layers=2, windows=windows)).graph, SMALL, 32, block=(4, 4)
        ).chosen.cycles_by_op["attention"]
        for windows in ((0,), (4, 0), (4,))
    )
    wide = searched(decoder(Traits(windows=(30,))).graph, SMALL, 32, block=(4, 4)).chosen

    assert wide.cycles_by_op["attention"] == all_seen
    assert all_seen > some > none
    assert all_seen - some == some - none
