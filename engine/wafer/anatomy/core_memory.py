"""The SRAM of every core by use, of which `place` budgets the fullest one.

Bytes, by the same formulas; only here they are told core by core.  Assigns no address.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.wafer.anatomy.region_products import RegionProduct, region_products
from engine.wafer.ops import matmul
from engine.wafer.ops.attention import kv_bytes
from engine.wafer.ops.site import ALONG_ROWS, NORTH, WEST
from engine.wafer.place.placement import Placement
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program

__all__ = ["USES", "core_memory"]

USES = ("code", "weights", "kv", "buffers")
"""In the order of the last axis of `core_memory`."""

Ints = NDArray[np.int64]
_FP32_BYTES = 4


def core_memory(program: Program, placement: Placement, index: int) -> Ints:
    """Return the bytes of every core of a region by use, int64 (H, W, 4).

    Rows count as the region counts them: row 0 is the southernmost if it is flipped.

    Args:
        program: The compiled model.
        placement: Where it lies.
        index: Which region.
    """
    region, machine = program.regions[index], program.machine
    products = list(region_products(program, placement, index))
    memory = np.zeros((region.height, region.width, len(USES)), np.int64)
    memory[..., 0] = machine.code_bytes
    for product in products:
        memory[..., 1] += product.tile_bytes()
    for cells, size in _vectors(program, placement, index, products):
        memory[cells][..., 1] += size
    memory[..., 2] = _kv(program, placement, index)
    memory[..., 3] = machine.system_bytes + _buffers(placement, index, products)
    memory[NORTH][..., 3] += _FP32_BYTES * placement.model.angles
    return memory


def _vectors(
    program: Program, placement: Placement, index: int, products: list[RegionProduct]
) -> Iterator[tuple[tuple[slice, slice], Ints]]:
    """Yield where the fp32 vectors of a region lie, and their bytes in each core there."""
    hidden = np.array(placement.hidden.elements, np.int64)[:, None]
    heads = placement.heads
    for product in products:
        if product.bias:
            outputs = _FP32_BYTES * np.sum(product.outputs, axis=0)
            along_rows = product.along == ALONG_ROWS  # the results lie on the other line
            yield (NORTH, outputs[None, :]) if along_rows else (WEST, outputs[:, None])
    for row in program.instructions[program.instructions[:, Field.REGION] == index]:
        vectors = 1 + int(row[Field.BIAS] >= 0)
        if row[Field.OP] == Op.NORM:
            yield WEST, _FP32_BYTES * vectors * hidden
        elif row[Field.OP] == Op.HEAD_NORM:
            yield NORTH, np.full((1, 1), _FP32_BYTES * 2 * heads.dims)


def _kv(program: Program, placement: Placement, index: int) -> Ints:
    """Return the bytes of keys and values, int64 (H, W): position j lies in row j mod H."""
    region, heads = program.regions[index], placement.heads
    positions = _positions(placement, region.height)
    a_position = len(region.layers) * kv_bytes(heads, 1)
    holds = np.arange(region.width) < heads.columns
    return np.asarray(positions[:, None] * a_position * holds[None, :])


def _positions(placement: Placement, rows: int) -> Ints:
    """Return the positions that each row of cores has room for."""
    return np.asarray(-(-(placement.context_length - np.arange(rows)) // rows)).clip(0)


def _buffers(placement: Placement, index: int, products: list[RegionProduct]) -> Ints:
    """Return the bytes of what is at work in a core, int64 (H, W): see `core_bytes.block_sram`."""
    formats, region = placement.model.formats, placement.regions[index]
    size = (region.height, region.width)
    inputs, results, unpacked = (np.zeros(size, np.int64) for _ in range(3))
    for product in products:
        role, held = product.role, product.inputs_by_core()
        inputs = np.maximum(inputs, formats.input_bytes(role) * held)
        results = np.maximum(results, _FP32_BYTES * _results(product))
        for tile in matmul.stack(product.formats, product.outputs):
            if tile.format.unpack_operations:
                outputs = product.across(np.array(tile.outputs, np.int64))
                unpacked = np.maximum(unpacked, outputs * held)
    scores = np.zeros(size, np.int64)
    if region.layers:
        positions = _positions(placement, region.height)
        holds = np.arange(region.width) < placement.heads.columns
        scores += placement.heads.queries * _FP32_BYTES * positions[:, None] * holds[None, :]
    machine_unpack = np.minimum(unpacked, products[0].unpack_bytes)
    return np.asarray(inputs + results + scores + machine_unpack)


def _results(product: RegionProduct) -> Ints:
    """Return the numbers of a product's results in every core, partial sums of a group too."""
    outputs = np.sum(product.outputs, axis=0)
    if product.inputs.span > 1:
        outputs = outputs + matmul.partials(matmul.stack(product.formats, product.outputs))
    return product.across(np.asarray(outputs, np.int64))
