"""The weight products of a region: which inputs and outputs of which tensors lie in which core."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

import numpy as np
from numpy.typing import NDArray

from engine.model.roles import Role
from engine.model.tensors import FORMATS
from engine.model.tensors.tensor import Format
from engine.wafer.ops.site import ALONG_ROWS
from engine.wafer.place.placement import Placement
from engine.wafer.program.geometry import Split
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program

__all__ = ["RegionProduct", "region_products"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RegionProduct:
    """One product of a region, or the table of its lookup, with where its weights lie."""

    role: Role
    layer: int
    """−1 outside the layers."""
    tensors: tuple[str, ...]
    formats: tuple[Format, ...]
    inputs: Split
    along: int
    """The axis that the inputs lie along."""
    outputs: tuple[Ints, ...]
    """Outputs of each tensor by core along the other axis."""
    bias: bool
    unpack_bytes: int
    """Most bytes that are unpacked at once."""

    def across(self, by_output: Ints) -> Ints:
        """Return values by core of the outputs' axis, shaped to broadcast over the region."""
        return by_output[None, :] if self.along == ALONG_ROWS else by_output[:, None]

    def inputs_by_core(self) -> Ints:
        """Return the inputs of each core, shaped to broadcast over the region."""
        held = np.array(self.inputs.elements, np.int64)
        return held[:, None] if self.along == ALONG_ROWS else held[None, :]

    def first_inputs(self) -> list[int]:
        """Return the first input of each core along the inputs' axis."""
        return list(accumulate(self.inputs.elements, initial=0))[:-1]

    def tile_bytes(self) -> Ints:
        """Return the bytes of every core's tiles as their formats pack them, int64 (H, W)."""
        total = np.zeros((1, 1), np.int64)
        starts, sizes = self.first_inputs(), self.inputs.elements
        for format, outputs in zip(self.formats, self.outputs, strict=True):
            pairs = zip(starts, sizes, strict=True)
            bits = np.array([format.row_bits(size, start) for start, size in pairs], np.int64)
            by_input = bits[:, None] if self.along == ALONG_ROWS else bits[None, :]
            total = total + -(-by_input * self.across(outputs) // 8)
        return total

    def bytes_at(self, number: int, place_in: int, place_out: int) -> int:
        """Return the bytes that one tensor takes in one core.

        Args:
            number: Which of the stacked tensors.
            place_in: The core's place along the inputs' axis.
            place_out: Its place along the other.
        """
        start, size = self.first_inputs()[place_in], self.inputs.elements[place_in]
        row_bits = self.formats[number].row_bits(size, start)
        return ceil(int(self.outputs[number][place_out]) * row_bits / 8)


_LAYER_ROLES = (Role.QKV, Role.OUT, Role.GATE_UP, Role.DOWN)
"""The products of a layer, in the order of their instructions."""


def region_products(program: Program, placement: Placement, index: int) -> Iterator[RegionProduct]:
    """Yield the products of a region in the order of its instructions.

    The head's lookup comes last, and only where its table is not the head's own.
    """
    table = program.instructions
    here = table[(table[:, Field.REGION] == index) & (table[:, Field.OP] == Op.MATMUL)]
    for number, row in enumerate(here):
        in_layer = row[Field.LAYER] >= 0
        role = _LAYER_ROLES[number % len(_LAYER_ROLES)] if in_layer else Role.HEAD
        yield _product(program, placement, row, role)
    if not program.regions[index].layers and not placement.model.tied:
        yield _product(program, placement, table[table[:, Field.OP] == Op.EMBED][0], Role.EMBED)


def _product(program: Program, placement: Placement, row: Ints, role: Role) -> RegionProduct:
    matrix = program.matrices[int(row[Field.WEIGHT])]
    product = placement.product(Role.HEAD if role is Role.EMBED else role)
    return RegionProduct(
        role=role,
        layer=int(row[Field.LAYER]),
        tensors=matrix.tensors,
        formats=tuple(FORMATS[name] for name in matrix.formats),
        inputs=product.inputs,
        along=product.along,
        outputs=product.outputs,
        bias=role is not Role.EMBED and bool(row[Field.BIAS] >= 0),
        unpack_bytes=program.machine.unpack_bytes,
    )
