"""A region's costs: what an operation keeps each core busy with, and how long it lasts."""

import ast
import inspect
from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import scalars
from engine.errors import PlacementError
from engine.model.sum_orders import ReduceOrder
from engine.model.tensors.q8 import INT8
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.cost import lines
from engine.wafer.cost.ledger import Ledger, vector
from engine.wafer.ops import (
    add,
    attention,
    embed,
    gate,
    head_norm,
    matmul,
    multicast,
    norm,
    quantise,
    rotary,
    select,
    transfer,
)
from engine.wafer.ops.attention import AttentionShape
from engine.wafer.ops.site import (
    ALONG_COLUMNS,
    ALONG_ROWS,
    CAP_OPERATIONS,
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    RECIPROCAL_OPERATIONS,
    RSQRT_OPERATIONS,
    Site,
)
from engine.wafer.program import machine
from engine.wafer.program.geometry import split
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.states import Busy
from tests.wafers import random_machine, random_model, random_placement

WSE3 = replace(machine.get("wse3"), task_cycles=0, sample_cycles_per_logit=1.0)  # bare formulas


quick = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def int8(outputs):
    """The one tile of an int8 matrix."""
    return matmul.stack((INT8,), (outputs,))


def random_program(seed):
    random = np.random.default_rng(seed)
    spec, model = random_machine(random), random_model(random)
    placement = random_placement(random, model, spec)
    return compile_graph(model.graph, spec, placement), placement


# ── every instruction of random programs ────────────────────────────────────────────────────


@quick
@given(seed=seeds)
def test_no_core_is_busier_than_its_instruction_lasts(seed):
    """Booked cycles fit between a core's first step and its last, at one KV row in every core."""
    compiled, _ = random_program(seed)

    for cost in compiled.costs:
        busy = cost.states.sum(axis=(0, 1))  # (H, W)
        takes_part = cost.enter >= 0
        assert (cost.states >= 0).all()
        assert not busy[~takes_part].any()
        assert (busy <= cost.leave - cost.enter)[takes_part].all()


@quick
@given(seed=seeds)
def test_only_attention_depends_on_the_kv_rows(seed):
    compiled, _ = random_program(seed)

    table = compiled.program.instructions
    assert set(table[table[:, Field.CYCLES_KV] > 0, Field.OP]) == {Op.ATTENTION}
    for cost, row in zip(compiled.costs, table, strict=True):
        assert cost.states[1].any() == (row[Field.OP] == Op.ATTENTION)


@quick
@given(seed=seeds)
def test_an_instructions_steps_are_its_cost(seed):
    """What is lowered and what is priced are the same calls."""
    compiled, _ = random_program(seed)
    region = compiled.program.instructions[:, Field.REGION]

    for cost, steps, index in zip(compiled.costs, compiled.steps, region, strict=True):
        site = compiled.sites[index]
        ledger = Ledger(site.machine, site.rows, site.columns)
        steps.run(ledger, site)
        assert np.array_equal(ledger.states, cost.states)


def test_a_lookup_is_timed_for_the_middle_column():
    lies = split(64, 2)
    site = Site(WSE3, 5, 2)
    d, c_v = WSE3.dispatch_cycles, WSE3.vector_overhead_cycles

    cost = embed.cost(site, lies, 16)

    east = d + 5 + 2 + 1  # one wavelet to the middle column
    back = d + (5 + 2) + ceil(31 * 1.125) + 1  # 32 wavelets from there to column 0
    on = d + ceil((32 + 16 - 1) * 1.125) + 1
    assert cost.cycles[0] == east + 1 + 32 + c_v + back + on


def test_the_owner_of_an_embedding_row_sends_it_west():
    site, lies = Site(WSE3, 5, 2), split(64, 2)

    elsewhere, at_west, west_less = embed.owner_share(site, lies)

    assert elsewhere[Busy.VECTOR].tolist() == at_west[Busy.VECTOR].tolist() == [32, 32]
    assert elsewhere[Busy.COMM].tolist() == [ceil(31 * 1.125) + 1] * 2
    assert not at_west[Busy.COMM].any()
    assert west_less[Busy.COMM].tolist() == [-32, -32]


def test_every_block_of_local_work_has_its_set_up():
    """A machine's task cycles are overhead of the pipe, once a COMPUTE of a core with work."""
    lies, slow = split(64, 2), replace(WSE3, task_cycles=7)

    fast, late = (norm.cost(Site(spec, 3, 2), lies, ReduceOrder(2, 2)) for spec in (WSE3, slow))

    assert late.cycles[0] == fast.cycles[0] + 3 * 7
    more = (late.states - fast.states)[0]
    assert more[Busy.PIPE].tolist() == [[21, 0, 0], [14, 0, 0]]
    assert not more[[Busy.MAC, Busy.VECTOR, Busy.COMM]].any()


# ── single operations against their formulas ────────────────────────────────────────────────


def test_vector_instructions():
    spec = replace(WSE3, fmac_fp32=4, vector_overhead_cycles=6)

    cycles, overhead = vector(spec, np.array([0, 1, 4, 5]), operations=3)

    assert cycles.tolist() == [0, 3, 3, 6]
    assert overhead == 18


@pytest.mark.parametrize(
    ("function", "operations"),
    [(scalars.exp32, EXP_OPERATIONS), (scalars.rsqrt32, RSQRT_OPERATIONS)],
)
def test_scalar_functions_cost_the_operations_in_their_text(function, operations):
    nodes = list(ast.walk(ast.parse(inspect.getsource(function))))
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    clamps = [f.attr for f in called if isinstance(f, ast.Attribute) and "imum" in f.attr]

    assert sum(isinstance(node, ast.BinOp) for node in nodes) + len(clamps) == operations


@quick
@given(seed=seeds, groups=st.integers(1, 6), cores=st.integers(1, 40), outputs=st.integers(1, 40))
def test_matmul_is_its_formula(seed, groups, cores, outputs):
    random = np.random.default_rng(seed)
    spec = random_machine(random)
    lies = split(32 * groups, cores)
    order = ReduceOrder(lies.parts, int(random.integers(1, lies.parts + 1)))
    n = np.full(3, outputs, np.int64)

    cost = matmul.cost(Site(spec, 3, cores), lies, int8(n), ALONG_ROWS, order)

    k, g, c_v = lies.most_elements, max(lies.groups), spec.vector_overhead_cycles
    expected = k * (ceil(outputs / spec.mac_int8) + c_v)
    expected += lines.reduce_cycles(spec, lies.span, lies.span, outputs)
    expected += 4 * g * (ceil(outputs / spec.fmac_fp32) + c_v)
    expected += lines.reduce_cycles(spec, lies.parts, order.group, outputs, lies.span)
    if len(set(lies.groups)) == 1:
        assert cost.cycles[0] == expected
    else:  # cores with fewer groups start the reduction before the fullest one is done
        assert cost.cycles[0] <= expected


@pytest.mark.parametrize("along", [ALONG_ROWS, ALONG_COLUMNS])
def test_a_product_multiplies_every_weight_once(along):
    lies = split(192, 9)  # groups span one core; three cores hold nothing
    outputs = np.array([8, 16, 24, 8], np.int64)
    columns, rows = (4, 9) if along == ALONG_ROWS else (9, 4)

    cost = matmul.cost(Site(WSE3, columns, rows), lies, int8(outputs), along, ReduceOrder(6, 3))

    macs = cost.states[0][Busy.MAC].sum() * WSE3.mac_int8
    assert macs == 192 * outputs.sum()


def test_norm_is_its_formula():
    spec, lies = WSE3, split(256, 4)

    cost = norm.cost(Site(spec, 5, 4), lies, ReduceOrder(4, 2))

    slices = 2 * 2 * (64 // spec.fmac_fp32 + spec.vector_overhead_cycles)
    reduce = lines.reduce_cycles(spec, 4, 2, 1)
    back = 20 + 1 + 3
    assert cost.cycles[0] == slices + reduce + spec.divide_cycles + RSQRT_OPERATIONS + back
    assert not cost.states[:, :, :, 1:].any()  # the west line only


@pytest.mark.parametrize("biased", [False, True])
def test_a_layer_norm_is_a_mean_more_than_an_rms_norm(biased):
    """Less what the second reduction takes up of the skew that the first multicast left."""
    spec, lies, order = WSE3, split(256, 4), ReduceOrder(4, 2)
    site = Site(spec, 5, 4)

    plain, centred = norm.cost(site, lies, order), norm.cost(site, lies, order, True, biased)

    meet = lines.reduce_cycles(spec, 4, 2, 1) + spec.divide_cycles + (20 + 1 + 3)
    slices = (2 + biased) * (64 // spec.fmac_fp32 + spec.vector_overhead_cycles)
    assert 0 <= meet + slices - (centred.cycles[0] - plain.cycles[0]) <= 3 * spec.hop_cycles
    assert not centred.states[:, :, :, 1:].any()  # the west line only


@pytest.mark.parametrize("axis", [ALONG_ROWS, ALONG_COLUMNS])
def test_quantise_works_on_the_line_where_its_input_lies(axis):
    lies = split(64, 4)  # a group spans two cores

    cost = quantise.cost(Site(WSE3, 4, 4), lies, axis)

    busy = cost.states[0].sum(axis=0)
    on_line = busy[:, 0] if axis == ALONG_ROWS else busy[0]
    assert busy.sum() == on_line.sum()
    divides = cost.states[0][Busy.VECTOR].ravel()
    assert sorted(divides[divides > 0] // WSE3.divide_cycles) == [1, 1, 3, 3]


def test_quantised_wavelets_are_four_values_each_and_their_scales():
    assert quantise.wavelets(split(192, 3)) == 64 // 4 + 2
    assert quantise.wavelets(split(64, 4)) == 16 // 4 + 1
    assert quantise.wavelets(split(32, 32)) == 1 + 1


@pytest.mark.parametrize(
    ("lies_along", "root"), [(ALONG_ROWS, (slice(None), 0)), (ALONG_COLUMNS, (0, slice(None)))]
)
def test_multicast_leaves_the_line_where_the_value_lies(lies_along, root):
    count = np.full(3 if lies_along == ALONG_ROWS else 5, 8)

    cost = multicast.cost(Site(WSE3, 5, 3), lies_along, count)

    assert not cost.enter[root].any()
    assert (cost.enter > 0).sum() == 15 - cost.enter[root].size


def test_keys_and_values_are_rounded_before_they_travel():
    count = np.full(5, 8)

    some = np.array([12, 12, 12, 0, 0])
    plain, rounded = (
        multicast.cost(Site(WSE3, 5, 3), ALONG_COLUMNS, count, n) for n in (None, some)
    )

    setup = WSE3.vector_overhead_cycles + WSE3.task_cycles
    assert rounded.cycles[0] == plain.cycles[0] + 12 + setup
    assert not (rounded.states - plain.states)[0][:, 1:].any()


@pytest.mark.parametrize("columns", [4, 8])
def test_head_norm_is_its_formula(columns):
    """Four query and two key heads of 16 on 4 columns, or on two columns each."""
    heads = attention.split_heads(AttentionShape(4, 2, 16), columns)
    spec = replace(WSE3, task_cycles=0)

    cost = head_norm.cost(Site(spec, columns, 3), heads)

    elements = 2 * heads.dims
    vectors = 2 * 2 * (elements + spec.vector_overhead_cycles)
    meet = 0
    if heads.parts > 1:
        meet = lines.reduce_cycles(spec, 2, 2, 2) + lines.multicast_cycles(spec, 2, 2)
    roots = 2 * (spec.divide_cycles + RSQRT_OPERATIONS)
    assert cost.cycles == (vectors + meet + roots, 0)
    assert not cost.states[0][:, 1:].any()  # the north line only


def test_a_bias_is_one_more_vector_instruction_where_the_outputs_lie():
    lies, n = split(64, 2), np.full(3, 10, np.int64)
    arguments = (Site(WSE3, 3, 2), lies, int8(n), ALONG_ROWS, ReduceOrder(2, 2))

    plain, biased = (matmul.cost(*arguments, with_bias) for with_bias in (False, True))

    more = (biased.states - plain.states)[0]
    assert more[Busy.VECTOR].tolist() == [[10, 10, 10], [0, 0, 0]]


def test_what_follows_a_product_is_counted_by_what_its_node_asks_for():
    bias, scale, softcap = "bias", "scale", "softcap"

    assert [
        matmul.finishing_of(asked)
        for asked in ((), (bias,), (scale,), (softcap,), (bias, scale, softcap))
    ] == [0, 1, 1, 1 + CAP_OPERATIONS, 2 + CAP_OPERATIONS]


def test_an_empty_core_sends_nothing():
    lies = split(64, 5)  # two groups on two cores each, one core without

    assert quantise.wavelets_by_core(lies).tolist() == [5, 5, 5, 5, 0]


def test_rotary_gate_and_add_are_their_formulas():
    site, c_v = Site(WSE3, 3, 2), WSE3.vector_overhead_cycles
    elements = np.array([0, 8, 16])

    turned, gated = rotary.cost(site, elements), gate.cost(site, elements)
    summed, scaled = (add.cost(site, split(64, 2), factor) for factor in (False, True))
    alone = gate.cost(site, elements, "silu", gated=False)

    assert turned.cycles[0] == 3 * (16 + c_v)
    operations = EXP_OPERATIONS + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS + 2
    assert gated.cycles[0] == operations * (16 + c_v)
    assert gated.cycles[0] - alone.cycles[0] == 16 + c_v
    assert summed.cycles[0] == 32 + c_v
    assert scaled.cycles[0] == 2 * (32 + c_v)
    assert not turned.states[0][:, :, 0].any()  # a core without elements does nothing
    assert not gated.states[0][:, 1:].any()  # the north line only


def test_select_scans_and_brings_the_best_west():
    order = ReduceOrder(4, lines.best_group(WSE3, 4, 2))
    slow = replace(WSE3, sample_cycles_per_logit=2.5)

    cost, slower = (
        select.cost(Site(spec, 4, 3), np.array([10, 10, 10, 11]), order) for spec in (WSE3, slow)
    )

    chain = lines.reduce_cycles(WSE3, 4, order.group, 2)
    assert cost.cycles == (11 + WSE3.vector_overhead_cycles + chain, 0)
    assert slower.cycles[0] == 28 + WSE3.vector_overhead_cycles + chain


def test_sending_and_receiving_a_row():
    lies, hops = split(64, 2), np.array([7, 5])
    site = Site(WSE3, 3, 2)

    sent = transfer.send_cost(site, lies, 16)
    received = transfer.receive_cost(site, lies, 16, hops)

    assert sent.cycles[0] == WSE3.dispatch_cycles + ceil((32 + 16 - 1) * 1.125) + 1
    # lane 0 passes its wavelets on to the end of the north line, two hops further
    assert received.cycles == (2 * WSE3.ramp_cycles + 1 + 7 + 2, 0)
    assert received.states[0][Busy.COMM].tolist() == [[48, 48, 48], [32, 0, 0]]
    assert sent.states[0][Busy.COMM].tolist() == [[54, 0, 0], [36, 0, 0]]


def test_a_kv_row_costs_scores_softmax_and_values():
    heads = attention.split_heads(AttentionShape(4, 2, 16), 2)

    cost = attention.cost(Site(WSE3, 2, 4), heads, ReduceOrder(4, 4))

    assert (heads.queries, heads.kv, heads.dims, heads.parts) == (2, 1, 16, 1)
    assert cost.cycles[1] == 2 * (2 * 16 // 2) + 2 * (EXP_OPERATIONS + 4)


# ── heads on columns ────────────────────────────────────────────────────────────────────────


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    kv_heads=st.integers(1, 6),
    sharing=st.integers(1, 6),
    half=st.integers(1, 32),
    columns=st.integers(1, 100),
)
def test_heads_lie_whole_or_in_even_shares(kv_heads, sharing, half, columns):
    heads = kv_heads * sharing
    shape = AttentionShape(heads, kv_heads, 2 * half)
    whole = heads % columns == 0
    shares = columns % heads == 0 and half % (columns // heads) == 0
    if not whole and not shares:
        with pytest.raises(PlacementError, match=f"{heads} heads of {2 * half}.*{columns} col"):
            attention.split_heads(shape, columns)
        return

    lies = attention.split_heads(shape, columns)

    assert lies.queries * lies.dims * columns == heads * 2 * half
    assert columns % lies.parts == 0
    fullest = max(
        len({head // sharing for head in range(first, first + lies.queries)})
        for first in range(0, heads, lies.queries)
    )
    assert lies.kv == fullest


def test_kv_bytes_are_two_fp16_a_dimension():
    lies = attention.split_heads(AttentionShape(4, 2, 16), 2)

    assert attention.kv_bytes(lies, 10) == 10 * 2 * (1 * 16) * 2
