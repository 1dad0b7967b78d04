"""Rectangles on one wafer and on several; what every single core of them has to hold."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.serpentine import lay_out
from engine.wafer.place.shape import Shape
from engine.wafer.program import machine
from tests.tiny import tiny_model
from tests.wafers import random_machine, random_mixed_model, random_model, random_placement

SMALL = machine.get("small")
PRODUCTS = (Role.QKV, Role.OUT, Role.GATE_UP, Role.DOWN)
quick = settings(max_examples=80, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


@quick
@given(
    blocks=st.integers(1, 14),
    width=st.integers(1, 20),
    head=st.integers(1, 40),
    height=st.integers(1, 12),
    wafers=st.integers(1, 4),
)
def test_each_wafer_holds_its_share_without_overlap(blocks, width, head, height, wafers):
    widths = [width] * blocks + [head]
    wafers = min(wafers, blocks)
    try:
        laid = lay_out(widths, height, SMALL, wafers)
    except PlacementError:
        return

    held = [len(corners) for corners in laid]
    held[-1] -= 1  # the head
    assert sum(held) == blocks
    assert max(held) - min(held) <= 1
    assert held == sorted(held, reverse=True)
    left = list(widths)
    for corners in laid:
        mine, left = left[: len(corners)], left[len(corners) :]
        boxes = [(x, y, x + w, y + height) for (x, y, *_), w in zip(corners, mine, strict=True)]
        assert all(x >= 0 and right <= SMALL.columns for x, _, right, _ in boxes)
        assert all(y >= 0 and bottom <= SMALL.rows for _, y, _, bottom in boxes)
        for a, b in combinations(boxes, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


@quick
@given(
    blocks=st.integers(1, 14),
    width=st.integers(1, 20),
    head=st.integers(1, 40),
    height=st.integers(1, 12),
)
def test_bands_lie_below_each_other_and_run_to_and_fro(blocks, width, head, height):
    """A stream that leaves a rectangle finds the next one beside it, or right below."""
    widths = [width] * blocks + [head]
    try:
        (corners,) = lay_out(widths, height, SMALL, 1)
    except PlacementError:
        return

    assert corners[0].y == 0
    assert all(corner.flipped == bool(corner.y // height % 2) for corner in corners)
    for (here, wide), (there, next_wide) in pairwise(zip(corners, widths, strict=True)):
        if here.y != there.y:
            assert there.y == here.y + height
            assert max(here.x, there.x) < min(here.x + wide, there.x + next_wide)
        elif here.flipped:
            assert there.x + next_wide == here.x
        else:
            assert there.x == here.x + wide


def test_the_box_is_as_square_as_it_can_be():
    """Twelve squares of ten: four bands of three, with room for the lanes to turn beside them."""
    (corners,) = lay_out([10] * 12, 10, SMALL, 1)

    across = max(corner.x for corner in corners) + 10
    down = max(corner.y for corner in corners) + 10
    assert down == 40
    assert 30 <= across <= 30 + 2 * 9


def test_narrow_blocks_fill_a_wafer_because_lanes_turn_over_them():
    """28 blocks of 64 × 256 cores, as were measured on a CS-3, and their head."""
    wse3 = machine.get("wse3")

    (corners,) = lay_out([64] * 28 + [128], 256, wse3, 1)

    assert {corner.y for corner in corners} == {0, 256, 512, 768}
    assert any(corner.folds for corner in corners)
    (full,) = lay_out([4] * 9 + [4], 8, replace(SMALL, columns=20, rows=16), 1)
    assert len({corner[:2] for corner in full}) * 4 * 8 == 20 * 16


def test_the_head_lies_beyond_the_turn_so_that_the_way_back_crosses_nothing():
    (corners,) = lay_out([4] * 11 + [13], 8, replace(SMALL, columns=20, rows=24), 1)

    assert [corner.folds for corner in corners].count(True) == 2
    assert (corners[10].x, corners[11].x) == (0, 7)  # one block and a gap of three columns


def test_layers_go_on_from_wafer_to_wafer():
    model = replace(model_shape(tiny_model().graph), layers=7)

    placement = place(model, SMALL, Shape(4, 4, 8, blocks=4, wafers=3), 64)

    assert [region.wafer for region in placement.regions] == [0, 0, 1, 2, 2]
    assert [region.layers for region in placement.regions] == [(0, 1), (2, 3), (4, 5), (6,), ()]
    assert placement.wafers == 3
    assert placement.regions[-1].label == "head"


def test_three_wafers_hold_what_one_does_not():
    model = replace(model_shape(tiny_model().graph), layers=9)
    one = replace(SMALL, columns=16, rows=16)

    with pytest.raises(PlacementError, match=r"10 rectangles of 8 rows.*16 × 16 cores"):
        place(model, one, Shape(4, 8, 4), 64)
    assert place(model, one, Shape(4, 8, 4, wafers=3), 64).wafers == 3


def packed_bytes(stack, product):
    """Bytes of a product's tiles, core by core: each group's levels, scales and minima."""
    total = np.zeros((product.inputs.cores, product.outputs[0].size), int)
    first = 0
    for row, size in enumerate(product.inputs.elements):
        for format, outputs in zip(stack, product.outputs, strict=True):
            groups = {k // 32 for k in range(first, first + size)}
            supers = {k // 256 for k in range(first, first + size)}
            bits = size * format.weight_bits + len(groups) * 32 // format.block * format.block_bits
            bits += 8 * len(supers) * format.super_block_bytes
            total[row] += outputs * bits // 8
        first += size
    return total


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=seeds)
def test_no_core_of_a_block_holds_more_than_its_region_says(seed):
    """Core by core: its tile of every product, with scales; keys and values of its positions."""
    random = np.random.default_rng(seed)
    spec = random_machine(random)
    make = random_mixed_model if random.integers(2) else random_model
    model = make(random)
    placement = random_placement(random, model, spec)
    shape, heads = placement.shape, placement.heads
    by_role = model_shape(model.graph, model.formats).formats.by_role
    layers = max(shape.layers_by_block(placement.model.layers))
    tiles = np.zeros((shape.rows, shape.columns), int)
    for role in PRODUCTS:
        product = placement.product(role)
        ours = max(
            (packed_bytes(stack, product) for stack in by_role[role]), key=lambda tile: tile.max()
        )
        tiles += ours if product.along == 0 else ours.T
    positions = [len(range(row, placement.context_length, shape.rows)) for row in range(shape.rows)]

    used = placement.regions[0].sram_bytes
    assert layers * tiles.max() <= used["weights"]
    assert used["kv"] == layers * max(positions) * 2 * heads.kv * heads.dims * 2
    products = [placement.product(role) for role in PRODUCTS]
    inputs = max(max(product.inputs.elements) for product in products)  # fp32 and int8
    outputs = max(sum(product.outputs).max() for product in products)  # added to where they lie
    scores = 4 * heads.queries * max(positions)
    assert used["buffers"] >= spec.system_bytes + 5 * inputs + 4 * outputs + scores
