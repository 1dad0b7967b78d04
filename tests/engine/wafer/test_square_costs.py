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
from engine.model.orders import ReduceOrder
from engine.wafer import collectives, machine
from engine.wafer.cost import State, vector
from engine.wafer.geometry import split
from engine.wafer.isa import Field, Op
from engine.wafer.ops import (
    add,
    attention,
    embed,
    gate,
    matmul,
    multicast,
    norm,
    quantise,
    rotary,
    select,
    transfer,
)
from engine.wafer.ops.base import (
    ALONG_COLUMNS,
    ALONG_ROWS,
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    RECIPROCAL_OPERATIONS,
    RSQRT_OPERATIONS,
    Site,
)
from engine.wafer.program import Attention
from tests.wafers import placed, random_machine, random_model, random_placement

WSE3 = machine.get("wse3")
quick = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def random_program(seed):
    random = np.random.default_rng(seed)
    spec, model = random_machine(random), random_model(random)
    placement = random_placement(random, model, spec)
    return placed(model, spec, placement)[0], placement


# ── every instruction of random programs ────────────────────────────────────────────────────


@quick
@given(seed=seeds)
def test_no_core_is_busier_than_its_instruction_lasts(seed):
    compiled, _ = random_program(seed)

    for number, cost in enumerate(compiled.costs):
        busiest = cost.states.sum(axis=1).max(axis=(1, 2))  # (3,)
        if compiled.program.instructions[number, Field.OP] == Op.RECEIVE:
            # Its receivers are busy while the instruction before still sends.
            before = compiled.costs[number - 1]
            assert busiest[0] <= before.cycles[0] + cost.cycles[0]
            assert busiest[1] <= before.cycles[1]
        else:
            assert (busiest <= cost.cycles).all(), compiled.program.listing().splitlines()[
                number + 2
            ]
        assert (cost.states >= 0).all()


@quick
@given(seed=seeds)
def test_a_further_row_costs_no_more_than_the_first(seed):
    compiled, _ = random_program(seed)

    for first, row, kv in (cost.cycles for cost in compiled.costs):
        assert 0 <= row <= first
        assert kv >= 0


@quick
@given(seed=seeds)
def test_only_attention_depends_on_the_kv_rows(seed):
    compiled, _ = random_program(seed)

    table = compiled.program.instructions
    assert set(table[table[:, Field.CYCLES_KV] > 0, Field.OP]) == {Op.ATTENTION}
    for cost, row in zip(compiled.costs, table, strict=True):
        assert cost.states[2].any() == (row[Field.OP] == Op.ATTENTION)


@quick
@given(seed=seeds)
def test_the_owner_of_an_embedding_row_fits_into_the_lookup(seed):
    compiled, placement = random_program(seed)
    head = placement.regions[-1]
    site = Site(compiled.program.machine, head.width, head.height)
    cost = compiled.costs[0]

    share = embed.owner_share(site, placement.hidden, placement.model.attention.head_dim)

    everybody = cost.states[:2].sum(axis=1).max(axis=(1, 2))
    assert (everybody + share.sum(axis=0).max() <= cost.cycles[:2]).all()
    assert share[State.COMM].sum() >= placement.model.hidden


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

    cost = matmul.cost(Site(spec, 3, cores), lies, n, ALONG_ROWS, order)

    k, g, c_v = lies.most_elements, max(lies.groups), spec.vector_overhead_cycles
    expected = k * (ceil(outputs / spec.mac_int8) + c_v)
    expected += collectives.reduce_cycles(spec, lies.span, lies.span, outputs)
    expected += 4 * g * (ceil(outputs / spec.fmac_fp32) + c_v)
    expected += collectives.reduce_cycles(spec, lies.parts, order.group, outputs, lies.span)
    assert cost.cycles[0] == expected


@pytest.mark.parametrize("along", [ALONG_ROWS, ALONG_COLUMNS])
def test_a_product_multiplies_every_weight_once(along):
    lies = split(192, 9)  # groups span one core; three cores hold nothing
    outputs = np.array([8, 16, 24, 8], np.int64)
    columns, rows = (4, 9) if along == ALONG_ROWS else (9, 4)

    cost = matmul.cost(Site(WSE3, columns, rows), lies, outputs, along, ReduceOrder(6, 3))

    macs = cost.states[0][State.MAC].sum() * WSE3.mac_int8
    assert macs == 192 * outputs.sum()


def test_the_tile_of_a_core_in_bytes():
    lies = split(192, 4)  # 1, 2, 1, 2 groups

    assert matmul.tile_bytes(lies, np.array([10, 12])) == 64 * 12 + 2 * 12 * 2


def test_norm_is_its_formula():
    spec, lies = WSE3, split(256, 4)

    cost = norm.cost(Site(spec, 5, 4), lies, ReduceOrder(4, 2))

    slices = 2 * 2 * (64 // spec.fmac_fp32 + spec.vector_overhead_cycles)
    reduce = collectives.reduce_cycles(spec, 4, 2, 1)
    back = 20 + 2 + 3  # one wavelet keeps a sender busy for ⌈1.125⌉ cycles
    assert cost.cycles[0] == slices + reduce + spec.divide_cycles + RSQRT_OPERATIONS + back
    assert not cost.states[:, :, :, 1:].any()  # the west line only


@pytest.mark.parametrize("axis", [ALONG_ROWS, ALONG_COLUMNS])
def test_quantise_works_on_the_line_where_its_input_lies(axis):
    lies = split(64, 4)  # a group spans two cores

    cost = quantise.cost(Site(WSE3, 4, 4), lies, axis)

    busy = cost.states[0].sum(axis=0)
    on_line = busy[:, 0] if axis == ALONG_ROWS else busy[0]
    assert busy.sum() == on_line.sum()
    divides = cost.states[0][State.VECTOR].ravel()
    assert sorted(divides[divides > 0] // WSE3.divide_cycles) == [1, 1, 3, 3]


def test_quantised_wavelets_are_four_values_each_and_their_scales():
    assert quantise.wavelets(split(192, 3)) == 64 // 4 + 2
    assert quantise.wavelets(split(64, 4)) == 16 // 4 + 1
    assert quantise.wavelets(split(32, 32)) == 1 + 1


@pytest.mark.parametrize(
    ("lies_along", "root"), [(ALONG_ROWS, (slice(None), 0)), (ALONG_COLUMNS, (0, slice(None)))]
)
def test_multicast_leaves_the_line_where_the_value_lies(lies_along, root):
    cost = multicast.cost(Site(WSE3, 5, 3), lies_along, 8)

    waits = cost.states[0][State.STALL_WAVELET]
    assert not waits[root].any()
    assert (waits > 0).sum() == 15 - waits[root].size


def test_rotary_gate_and_add_are_their_formulas():
    site, c_v = Site(WSE3, 3, 2), WSE3.vector_overhead_cycles
    elements = np.array([0, 8, 16])

    turned, gated = rotary.cost(site, elements), gate.cost(site, elements)
    summed = add.cost(site, split(64, 2))

    assert turned.cycles[0] == 3 * (16 + c_v)
    operations = EXP_OPERATIONS + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS + 2
    assert gated.cycles[0] == operations * (16 + c_v)
    assert summed.cycles[0] == 32 + c_v
    assert not turned.states[0][:, :, 0].any()  # a core without elements does nothing
    assert not gated.states[0][:, 1:].any()  # the north line only


def test_select_scans_and_brings_the_best_west():
    cost = select.cost(Site(WSE3, 4, 3), np.array([10, 10, 10, 11]))

    chain = collectives.reduce_cycles(WSE3, 4, collectives.best_group(WSE3, 4, 2), 2)
    assert cost.cycles[0] == 11 + WSE3.vector_overhead_cycles + chain
    assert cost.cycles[2] == 0


def test_sending_and_receiving_a_row():
    lies, hops = split(64, 2), 7
    site = Site(WSE3, 3, 2)

    sent = transfer.send_cost(site, lies, 16)
    received = transfer.receive_cost(site, lies, 16, hops)

    assert sent.cycles[0] == WSE3.dispatch_cycles + ceil((32 + 16) * 1.125)
    assert received.cycles == (2 * WSE3.ramp_cycles + 1 + hops, 0, 0)
    assert received.states[0][State.COMM, :, 0].tolist() == [54, 36]


def test_a_kv_row_costs_scores_softmax_and_values():
    heads = attention.split_heads(Attention(4, 2, 16, 0.25, 1e4), 2)

    cost = attention.cost(Site(WSE3, 2, 4), heads, ReduceOrder(4, 4))

    assert (heads.queries, heads.kv, heads.dims, heads.parts) == (2, 1, 16, 1)
    assert cost.cycles[2] == 2 * (2 * 2 * 16) + 2 * (EXP_OPERATIONS + 3)


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
    shape = Attention(heads, kv_heads, 2 * half, 1.0, 1e4)
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
    lies = attention.split_heads(Attention(4, 2, 16, 1.0, 1e4), 2)

    assert attention.kv_bytes(lies, 10) == 10 * 2 * (1 * 16) * 2
