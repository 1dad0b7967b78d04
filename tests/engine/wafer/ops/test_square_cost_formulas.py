"""The formulas in the docstrings of `engine.wafer.ops`, worked out beside the micro-steps.

`test_square_costs.py` has the common cases; here are those that a placement seldom takes: shared
heads, capped scores, spanned groups, fp16 weights, a link between wafers, a scaled embedding.
"""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.sum_orders import ReduceOrder
from engine.model.tensors import packed_formats
from engine.model.tensors.floats import FP16
from engine.model.tensors.ggml_quants import Q4_K, Q5_K, Q6_K
from engine.wafer.cost import lines
from engine.wafer.cost.ledger import Ledger
from engine.wafer.ops import attention, embed, gate, matmul, multicast, quantise, select, transfer
from engine.wafer.ops.site import (
    ALONG_COLUMNS,
    ALONG_ROWS,
    DIVIDE_OPERATIONS,
    EXP_OPERATIONS,
    RECIPROCAL_OPERATIONS,
    Site,
)
from engine.wafer.program import machine
from engine.wafer.program.geometry import even_split, split
from engine.wafer.program.states import Busy
from tests.wafers import random_machine

WSE3 = replace(machine.get("wse3"), task_cycles=0, sample_cycles_per_logit=1.0)  # bare formulas
TASK = replace(WSE3, task_cycles=11)
quick = settings(max_examples=30, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def heads_on(heads, kv_heads, head_dim, columns):
    return attention.split_heads(attention.AttentionShape(heads, kv_heads, head_dim), columns)


# ── attention ───────────────────────────────────────────────────────────────────────────────


def attention_cycles(spec, heads, rows, group, kv, *, capped=False):
    """Cycles of one query row with ``kv`` KV rows in every core, phase after phase."""
    q, d, c_v, rate = heads.queries, heads.dims, spec.vector_overhead_cycles, spec.fmac_fp32
    cap = EXP_OPERATIONS + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS + 3 if capped else 0
    products = ceil(q * d / min(spec.simd_fp32, 16 / 6, 8 / 4))  # its sums lie in SRAM
    reduce = lines.reduce_cycles
    total = 1 + spec.task_cycles  # whose row is this position?
    total += kv * products + 2 * q * d * c_v + spec.task_cycles
    if heads.parts > 1:
        total += reduce(spec, heads.parts, heads.parts, q * kv)
        total += lines.multicast_cycles(spec, heads.parts, q * kv)
    total += kv * ceil((2 + cap) * q / rate) + (2 + cap) * q * c_v + spec.task_cycles
    total += reduce(spec, rows, group, q) + lines.multicast_cycles(spec, rows, q)
    softmax = EXP_OPERATIONS + 2
    total += kv * (products + ceil(q * softmax / rate)) + spec.task_cycles
    total += q * (2 * d + softmax) * c_v
    total += reduce(spec, rows, group, q * (d + 1))
    quotients = q * (spec.divide_cycles + ceil(DIVIDE_OPERATIONS * d / rate))
    return total + quotients + q * DIVIDE_OPERATIONS * c_v + spec.task_cycles


@pytest.mark.parametrize("kv", [1, 5])
@pytest.mark.parametrize("capped", [False, True], ids=["plain", "capped"])
@pytest.mark.parametrize("columns", [2, 4, 16], ids=["two heads", "one head", "a quarter"])
def test_attention_is_at_most_its_phases_one_after_the_other(columns, capped, kv):
    """The cores of a column meet in a chain and spread by a multicast, whose skew the next phase
    takes up again; without skew (one row of cores) it is the sum of its phases."""
    heads = heads_on(4, 2, 16, columns)
    steps = attention.capped_steps if capped else attention.steps
    for rows, group in ((1, 1), (6, 3)):
        site = Site(TASK, columns, rows)
        ledger = Ledger(TASK, rows, columns, kv=np.full((rows, 1), kv))
        steps(ledger, site, heads, ReduceOrder(rows, group))

        phases = attention_cycles(TASK, heads, rows, group, kv, capped=capped)
        skew = 2 * (TASK.hop_cycles * (rows - 1 + heads.parts - 1))
        if rows == heads.parts == 1:
            assert ledger.close().cycles[0] == phases
        assert phases - skew <= ledger.close().cycles[0] <= phases


@quick
@given(seed=seeds, rows=st.integers(1, 6), kv=st.integers(1, 9))
def test_attention_is_affine_in_its_kv_rows(seed, rows, kv):
    """What the instruction table says for any position, from the costs at one and at two rows."""
    random = np.random.default_rng(seed)
    spec = random_machine(random)
    columns = int(random.choice([1, 2, 4, 8]))
    heads = heads_on(4, 2, 16, columns)
    order = ReduceOrder(rows, int(random.integers(1, rows + 1)))
    site = Site(spec, columns, rows)

    fixed, slope = attention.cost(site, heads, order).cycles
    ledger = Ledger(spec, rows, columns, kv=np.full((rows, 1), kv))
    attention.steps(ledger, site, heads, order)

    # a stream of scores lasts a whole number of cycles, its slope need not
    rounding = kv if heads.parts > 1 else 0
    assert abs(ledger.close().cycles[0] - (fixed + kv * slope)) <= rounding


def test_the_row_that_keeps_a_position_stores_its_key_and_value():
    """Two fp16 a word, so a key and a value of 32 dimensions are 32 words."""
    heads = heads_on(4, 2, 32, 2)

    assert attention.keeping(WSE3, heads) == (32, 6)
    assert attention.keeping(replace(WSE3, fmac_fp32=4), heads) == (8, 6)


@pytest.mark.parametrize(("columns", "wavelets"), [(2, 0), (4, 0), (8, 1)])
def test_scores_travel_only_where_columns_share_a_head(columns, wavelets):
    assert attention.streamed(heads_on(4, 2, 16, columns)) == wavelets


def test_the_sum_of_the_exponentials_travels_with_the_weighted_values():
    """The southern core sends q maxima, takes q back and sends q·(d + 1)."""
    heads = heads_on(4, 2, 16, 2)

    cost = attention.cost(Site(WSE3, 2, 2), heads, ReduceOrder(2, 2))

    q, d = 2, 16
    sent = [ceil((n - 1) * 1.125) + 1 for n in (q, q * (d + 1))]
    assert cost.states[0][Busy.COMM][1].tolist() == [sent[0] + q + sent[1]] * 2


def test_a_cap_costs_a_tanh_a_score():
    heads, order = heads_on(4, 2, 16, 4), ReduceOrder(3, 3)
    site = Site(WSE3, 4, 3)

    plain = attention.cost(site, heads, order).cycles
    capped = attention.capped_cost(site, heads, order).cycles

    tanh = 24 + 10 + 3 + 3
    assert capped[1] - plain[1] == tanh
    assert capped[0] - plain[0] == tanh * WSE3.vector_overhead_cycles


@pytest.mark.parametrize(
    ("columns", "queries", "dims", "used"), [(3, 2, 16, 2), (7, 1, 16, 4), (9, 1, 8, 8)]
)
def test_heads_fill_as_many_columns_as_they_can(columns, queries, dims, used):
    """A machine that only prices may leave columns empty; one that runs may not."""
    shape = attention.AttentionShape(4, 2, 16)
    heads = attention.split_heads(shape, columns, fill=False)

    assert (heads.queries, heads.dims, heads.columns) == (queries, dims, used)
    cost = attention.cost(Site(WSE3, columns, 2), heads, ReduceOrder(2, 2))
    assert (cost.enter[:, used:] == -1).all()
    assert (cost.enter[:, :used] >= 0).all()


# ── products ────────────────────────────────────────────────────────────────────────────────


def test_half_precision_has_its_own_rate_and_no_scales():
    spec, lies = replace(WSE3, fmac_fp16=4), even_split(12, 3)
    outputs = np.full(2, 10, np.int64)

    tiles = matmul.stack((FP16,), (outputs,))
    cost = matmul.cost(Site(spec, 2, 3), lies, tiles, ALONG_ROWS, ReduceOrder(3, 3))

    tile = 4 * (ceil(10 / 4) + spec.vector_overhead_cycles)
    assert cost.cycles[0] == tile + lines.reduce_cycles(spec, 3, 3, 10)
    assert not cost.states[0][Busy.VECTOR].any()


def stacked_cycles(spec, lies, tiles, order):
    """The docstring's formula for cores that all hold the same."""
    k, g, c_v = lies.most_elements, max(lies.groups), spec.vector_overhead_cycles
    minima = any(format.has_minima for format, _ in tiles)
    local = terms = sent = 0
    for format, outputs in tiles:
        n, u, blocks = outputs[0], format.unpack_operations, 32 // format.block
        local += k * (ceil(n / spec.mac_int8) + c_v)
        local += u * (ceil(k * n / spec.unpack_per_cycle) + ceil(k * n / spec.unpack_bytes) * c_v)
        sent += blocks * n
        operations = 4 + 3 * format.has_minima + format.scale_operations
        terms += operations * blocks * g * (ceil(n / spec.fmac_fp32) + c_v)
    if minima:
        local += k // (32 // lies.span) * (ceil(32 / lies.span / spec.mac_int8) + c_v)
        terms += ceil(g / spec.fmac_fp32) + c_v
    meet = lines.reduce_cycles(spec, lies.span, lies.span, sent + minima)
    total = sum(outputs[0] for _, outputs in tiles)
    return (
        local + meet + terms
        + lines.reduce_cycles(spec, lies.parts, order.group, total, lies.span)
    )  # fmt: skip


@quick
@given(seed=seeds)
def test_a_stack_of_formats_is_its_formula(seed):
    random = np.random.default_rng(seed)
    spec = random_machine(random)
    groups = int(random.integers(1, 5))
    lies = split(32 * groups, groups * int(random.choice([1, 2, 4, 8])))
    formats = [list(packed_formats().values())[i] for i in random.integers(0, 8, 3)]
    outputs = [np.full(3, int(random.integers(1, 30))) for _ in formats]
    tiles = matmul.stack(formats, outputs)
    order = ReduceOrder(lies.parts, int(random.integers(1, lies.parts + 1)))

    cost = matmul.cost(Site(spec, 3, lies.cores), lies, tiles, ALONG_ROWS, order)

    assert cost.cycles == (stacked_cycles(spec, lies, tiles, order), 0)
    assert sum(tile.outputs[0] for tile in tiles) == sum(n[0] for n in outputs)
    unpack = matmul.unpacking(spec, lies, tiles)
    free = tuple(
        matmul.StackTile(replace(tile.format, unpack_operations=0), tile.outputs) for tile in tiles
    )
    less = matmul.cost(Site(spec, 3, lies.cores), lies, free, ALONG_ROWS, order)
    assert cost.cycles[0] - less.cycles[0] == unpack


def test_neighbours_of_one_format_are_one_tile():
    ten, four = np.array([10, 0]), np.array([4, 4])

    tiles = matmul.stack((Q4_K, Q4_K, Q6_K), (ten, four, four))

    assert tiles == ((Q4_K, (14, 4)), (Q6_K, (4, 4)))
    assert matmul.partials(tiles).tolist() == [14 + 2 * 4 + 1, 4 + 2 * 4 + 1]
    assert matmul.partials(matmul.stack((Q6_K,), (ten,))).tolist() == [20, 0]


def test_a_packed_row_is_unpacked_and_its_minima_are_taken_off():
    """32 weights a core: a product, a difference, unpacking, and 9 operations on one scale."""
    lies, c_v = split(64, 2), WSE3.vector_overhead_cycles

    cycles, overhead = embed.dequantising(WSE3, lies, format=Q5_K)

    assert cycles.tolist() == [2 * 32 + 4 * 32 // 8 + 9] * 2
    assert overhead.tolist() == [(2 + 4 + 9) * c_v] * 2
    plain = embed.cost(Site(WSE3, 1, 2), lies, 16)
    packed = embed.cost(Site(WSE3, 1, 2), lies, 16, False, Q5_K)
    assert packed.cycles[0] - plain.cycles[0] == 32 + 16 + 9 + (1 + 4 + 9) * c_v


@pytest.mark.parametrize("axis", [ALONG_ROWS, ALONG_COLUMNS])
def test_quantising_a_group_that_spans_cores(axis):
    """Magnitudes meet at the group's first core; scale and quotients follow."""
    lies = split(64, 8)  # two groups over four cores each
    cost = quantise.cost(Site(WSE3, 8, 8), lies, axis)

    c_v, k = WSE3.vector_overhead_cycles, 8
    total = k + c_v + lines.reduce_cycles(WSE3, 4, 4, 1) + 2 * WSE3.divide_cycles
    total += lines.multicast_cycles(WSE3, 4, 1) + (DIVIDE_OPERATIONS + 2) * (k + c_v)
    assert cost.cycles == (total, 0)


def test_quantising_whole_groups_needs_nobody_else():
    """3 groups on 2 cores: the fuller core has two scales to divide for."""
    cost = quantise.cost(Site(WSE3, 1, 2), split(96, 2), ALONG_ROWS)

    c_v = WSE3.vector_overhead_cycles
    assert cost.cycles[0] == (64 + c_v) + 2 * 2 * 50 + 5 * (64 + c_v)
    assert not cost.states[0][Busy.COMM].any()


def test_halves_travel_in_pairs_and_in_messages_of_one_length():
    assert multicast.half_wavelets(even_split(10, 4)).tolist() == [2, 2, 2, 2]
    assert multicast.half_wavelets(even_split(2, 4)).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("kind", ["silu", "gelu"])
def test_a_gate_is_a_vector_for_each_of_its_operations(kind):
    """exp, 1 + …, reciprocal, quotient, product; gelu's cubic is four more."""
    operations = 24 + 1 + 10 + 3 + 1 + (4 if kind == "gelu" else 0)

    cost = gate.cost(Site(WSE3, 2, 2), np.array([4, 9]), kind)

    assert cost.cycles[0] == operations * (9 + WSE3.vector_overhead_cycles)
    assert cost.states[0][Busy.VECTOR][0].tolist() == [4 * operations, 9 * operations]


def test_nothing_to_select_from_costs_no_scan():
    """Columns beyond a small vocabulary pass on what the others found."""
    cost = select.cost(Site(WSE3, 3, 1), np.array([5, 0, 0]), ReduceOrder(3, 3))

    assert cost.states[0][Busy.VECTOR].tolist() == [[5, 0, 0]]
    assert cost.cycles[0] == lines.reduce_cycles(WSE3, 3, 3, 2)


# ── the row's way ───────────────────────────────────────────────────────────────────────────


def test_a_scaled_embedding_is_one_more_vector_of_its_owner():
    lies, site = split(64, 2), Site(WSE3, 5, 2)

    plain, scaled = (embed.cost(site, lies, 16, factor) for factor in (False, True))

    assert scaled.cycles[0] - plain.cycles[0] == 32 + WSE3.vector_overhead_cycles
    more = embed.owner_share(site, lies, scaled=True) - embed.owner_share(site, lies)
    assert more[:2, Busy.VECTOR].tolist() == [[32, 32]] * 2
    assert more[:2, Busy.PIPE].tolist() == [[6, 6]] * 2
    assert not more[2].any()


def test_a_head_of_one_column_sends_nothing_to_itself():
    lies = split(64, 2)
    share = embed.owner_share(Site(WSE3, 1, 2), lies)

    assert share[0].tolist() == share[1].tolist()
    assert not share[2].any()
    assert not share[:, Busy.COMM].any()


def test_the_angles_ride_behind_the_first_slice_alone():
    assert transfer.lane_wavelets(split(96, 3), 16).tolist() == [48, 32, 32]


def test_a_link_between_wafers_is_waited_for_once():
    lies, hops = split(64, 2), np.array([7, 5])
    site = Site(WSE3, 3, 2)

    near, far = (transfer.receive_cost(site, lies, 16, hops, link) for link in (0, 4250))

    assert far.cycles[0] - near.cycles[0] == 4250
    assert (far.states == near.states).all()  # waiting is no work


def test_a_row_from_the_east_passes_the_north_line_before_its_west_end():
    """Its hops to each core are given; the last to come is column 0."""
    lies, hops = split(64, 2), np.array([9, 9])
    site = Site(WSE3, 4, 2)

    cost = transfer.receive_cost(site, lies, 16, hops, north=np.array([9, 8, 7, 6]))

    assert cost.cycles[0] == 9 + 2 * WSE3.ramp_cycles + 1
    first = cost.enter[0]
    assert (np.diff(first) == -WSE3.hop_cycles).all()


def test_without_angles_the_north_line_takes_nothing():
    cost = transfer.receive_cost(Site(WSE3, 3, 2), split(64, 2), 0, np.array([7, 5]))

    assert (cost.enter[:, 1:] == -1).all()


def test_a_planner_is_told_the_travel_alone():
    """A tally has no clocks: sending is priced by its own instruction."""
    site = Site(WSE3, 3, 2, by_core=False)

    cost = transfer.receive_cost(site, split(64, 2), 16, np.array([7, 5]), 100)

    assert cost.cycles[0] == 7 + 2 * WSE3.ramp_cycles + 1 + 100
