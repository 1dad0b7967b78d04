"""Matrix–vector product: each core its tile of weights, then a reduction to a line.

Inputs lie along one axis, outputs along the other, so that a product turns rows into columns and
the next one turns them back (He et al., WaferLLM, MeshGEMV).

Micro-steps: COMPUTE (all cores with inputs and outputs) unpacked weights, the tile's products and,
for weights with minima, sums of inputs → [where a group spans s cores: REDUCE (int32) what a line
computed to the group's first core] → COMPUTE (cores that own groups) terms → REDUCE a line's n
wavelets over the cores that own groups to position 0 → [with a bias, a scale or a cap: COMPUTE (the
line the outputs lie on) the results].  Weights that are not quantised have no groups: COMPUTE the
tile → REDUCE.
"""

from collections.abc import Container, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.model.tensors.tensor import GROUP, Format
from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.cost.vector_instruction import VECTOR_KINDS, element_cycles
from engine.wafer.ops.site import ALL, ALONG_COLUMNS, ALONG_ROWS, CAP_OPERATIONS, Site, home
from engine.wafer.program.geometry import Split
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "StackTile", "cost", "finishing_of", "partials", "stack", "steps", "unpack_cycles", "unpacking",
]  # fmt: skip

_SCALE_OPERATIONS = 4
"""Per block and output: int32 → fp32, product of the scales, product, add."""
_MINIMUM_OPERATIONS = 3
"""Per block and output: product of minimum and scale, product with the sum, difference."""

Ints = NDArray[np.int64]


class StackTile(NamedTuple):
    """Neighbouring outputs of a product whose weights have one format."""

    format: Format
    outputs: tuple[int, ...]
    """By core of the axis that outputs lie along."""


def stack(formats: Sequence[Format], outputs: Sequence[Ints]) -> tuple[StackTile, ...]:
    """Return the tiles of stacked tensors: neighbours of one format are one tile.

    Args:
        formats: Format of each tensor.
        outputs: Outputs of each tensor by core, int64.
    """
    pairs = zip(formats, outputs, strict=True)
    return tuple(
        StackTile(format, tuple(_total([each for _, each in tensors]).tolist()))
        for format, tensors in groupby(pairs, key=lambda pair: pair[0])
    )


def steps(
    micro: MicroSteps,
    site: Site,
    inputs: Split,
    tiles: tuple[StackTile, ...],
    along: int,
    order: ReduceOrder,
    finishing: int = 0,
) -> None:
    """Tell the micro-steps of a product on the whole region.

    Args:
        micro: What is told.
        site: The region.
        inputs: How the K inputs lie along ``along``.
        tiles: What lies along the other axis: all quantised, or none.
        along: Axis the inputs lie along; the reduction runs along it, to position 0.
        order: The reduction's order over the parts that own groups.
        finishing: Operations on every output after the sum: see `finishing_of`.

    Cost (k inputs, g groups, n outputs of each tile of the fullest core, S the rate of
    `element_cycles`, s cores a group, b blocks a group, u = unpack_operations,
    U = unpack_per_cycle, B = unpack_bytes,
    [ ] with minima, v(x) = ⌈x / fmac_fp32⌉ + c_v):
        Σ (k·(⌈n/S⌉ + c_v) + u·(⌈k·n/U⌉ + ⌈k·n/B⌉·c_v)) [+ g·(⌈32/S⌉ + c_v)]
        + reduce(s, Σ b·n [+ 1]) of int32 where s > 1
        + Σ (4·b [+ 3·b] + scale_operations·b)·g·v(n) [+ v(g)] + reduce(P, Σ n)

    Source:
        [S1] GEMV as read in its code: one vector instruction of length n for each input.
        Differs: the scales of the groups, which only quantised weights have.
    """
    machine = site.machine
    other = ALONG_COLUMNS if along == ALONG_ROWS else ALONG_ROWS
    k = site.across(along, np.asarray(inputs.elements, np.int64))
    n = [site.across(other, np.asarray(tile.outputs, np.int64)) for tile in tiles]
    total = _total(n)
    _multiply(micro, machine, inputs, tiles, k, n)
    if tiles[0].format.is_quantised:
        if inputs.span > 1:
            line = site.line(along, length=inputs.span, repeat=inputs.parts)
            micro.reduce(line, inputs.span, site.across(other, partials(tiles)))
        g = site.across(along, np.asarray(inputs.groups, np.int64))
        _scale(micro, machine, tiles, g, n)
    micro.reduce(site.line(along, length=inputs.parts, pitch=inputs.span), order.group, total)
    if finishing:
        cycles, overhead = vector(machine, total, finishing)
        micro.work(home(other), vector=cycles, pipe=np.where(total > 0, overhead, 0))


def cost(
    site: Site,
    inputs: Split,
    tiles: tuple[StackTile, ...],
    along: int,
    order: ReduceOrder,
    finishing: int = 0,
) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, inputs, tiles, along, order, finishing)


def finishing_of(attributes: Container[str]) -> int:
    """Return the operations on every output that a product's attributes ask for."""
    return (
        ("bias" in attributes)
        + ("scale" in attributes or "softcap" in attributes)
        + CAP_OPERATIONS * ("softcap" in attributes)
    )


def partials(tiles: Sequence[StackTile]) -> Ints:
    """Return the int32 numbers that a core sends where a group spans cores, by core, int64."""
    by_core = _total(
        [np.asarray(tile.outputs, np.int64) * tile.format.blocks_per_group for tile in tiles]
    )
    return np.where(by_core > 0, by_core + _summed(tiles), 0)


def unpack_cycles(machine: MachineSpec, format: Format, weights: Ints) -> tuple[Ints, Ints]:
    """Return (cycles, overhead) of unpacking weights by core: in `steps`, the term in u."""
    operations = format.unpack_operations
    instructions = -(-weights // machine.unpack_bytes)
    return (
        operations * -(-weights // machine.unpack_per_cycle),
        operations * instructions * machine.vector_overhead_cycles,
    )


def unpacking(machine: MachineSpec, inputs: Split, tiles: Sequence[StackTile]) -> int:
    """Return the cycles, overhead included, that the fullest core unpacks weights in `steps`."""
    cycles = np.zeros(1, np.int64)
    for tile in tiles:
        weights = inputs.most_elements * np.asarray(tile.outputs, np.int64)
        own, overhead = unpack_cycles(machine, tile.format, weights)
        cycles = cycles + own + overhead
    return int(cycles.max())


def _total(parts: Sequence[Ints]) -> Ints:
    """Return the sum of arrays that broadcast."""
    return sum(parts, start=np.zeros(1, np.int64))


def _summed(tiles: Sequence[StackTile]) -> int:
    """Return the sums of inputs that a group needs: one for all weights with minima."""
    return int(any(tile.format.has_minima for tile in tiles))


def _multiply(
    micro: MicroSteps,
    machine: MachineSpec,
    inputs: Split,
    tiles: Sequence[StackTile],
    k: Ints,
    n: Sequence[Ints],
) -> None:
    """Tell the work on a core's own weights: unpacking, products, sums of inputs."""
    overhead = machine.vector_overhead_cycles
    rounds = instructions = np.zeros(1, np.int64)  # cycles and instructions of an input
    for tile, outputs in zip(tiles, n, strict=True):
        kind = VECTOR_KINDS["mac_int8" if tile.format.is_quantised else "fmachs"]
        rounds = rounds + element_cycles(machine, kind, outputs)
        instructions = instructions + (outputs > 0)
    vectors, pipe = np.zeros(1, np.int64), k * (instructions * overhead)
    for tile, outputs in zip(tiles, n, strict=True):
        if tile.format.unpack_operations:
            unpacked, waits = unpack_cycles(machine, tile.format, k * outputs)
            vectors, pipe = vectors + unpacked, pipe + waits
    if _summed(tiles):
        width = GROUP // inputs.span
        pieces = k // width * (_total(n) > 0)
        vectors = vectors + pieces * -(-width // machine.mac_int8)
        pipe = pipe + pieces * overhead
    micro.work(ALL, mac=k * rounds, vector=vectors, pipe=pipe)


def _scale(
    micro: MicroSteps, machine: MachineSpec, tiles: Sequence[StackTile], g: Ints, n: Sequence[Ints]
) -> None:
    """Tell the work of a group's owner: terms and their sum."""
    overhead = machine.vector_overhead_cycles
    cycles = instructions = np.zeros(1, np.int64)  # of a group
    for tile, outputs in zip(tiles, n, strict=True):
        format = tile.format
        operations = _SCALE_OPERATIONS + format.scale_operations
        operations += _MINIMUM_OPERATIONS * format.has_minima
        own = operations * format.blocks_per_group * (outputs > 0)
        cycles = cycles + own * -(-outputs // machine.fmac_fp32)
        instructions = instructions + own
    vectors, pipe = g * cycles, g * (instructions * overhead)
    if _summed(tiles):
        owns = (g > 0) * (_total(n) > 0)
        vectors = vectors + -(-g // machine.fmac_fp32) * owns
        pipe = pipe + owns * overhead
    micro.work(ALL, vector=vectors, pipe=pipe)
