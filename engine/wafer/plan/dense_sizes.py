"""Sizes of a block that leave little of a core's memory free, for models that barely fit a wafer.

For every number of rows that bands of the wafer can have, and some numbers of layers in a block,
the narrowest block that holds them.  Heads are grouped, so that nothing is held twice; they lie on
as many columns as makes the block narrow, which hold that much less of the feed-forward.  Prices
nothing, and only what is priced may lie like this.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.wafer.ops.attention import kv_bytes
from engine.wafer.place.core_bytes import block_sram, head_sram
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.serpentine import lay_out
from engine.wafer.place.shape import Shape, attended_on, heads_of, hidden_on, lies_on
from engine.wafer.program.geometry import GROUP
from engine.wafer.program.machine import MachineSpec

__all__ = ["DenseSize", "dense_sizes", "fewest_wafers", "narrowest_head", "room_for_weights"]

_MOST_LAYERS = 8
"""Of a block: with more, blocks are so wide that bands have room for few of them."""
_MOST_BANDS = 16


class DenseSize(NamedTuple):
    """A block: fields of a `Shape` by their names."""

    columns: int
    rows: int
    parts: int = 0
    lighter: int = 0


class _Layers(NamedTuple):
    """A number of layers in blocks of so many rows."""

    rows: int
    layers: int


def fewest_wafers(machine: MachineSpec, weight_bytes: int) -> int:
    """Return how many wafers the bytes of the weights alone take."""
    return max(1, ceil(weight_bytes / room_for_weights(machine)))


def room_for_weights(machine: MachineSpec) -> int:
    """Return the bytes of a wafer beside code and system."""
    return _room(machine) * machine.columns * machine.rows


def _room(machine: MachineSpec) -> int:
    return max(1, machine.sram_bytes - machine.code_bytes - machine.system_bytes)


def dense_sizes(
    model: ModelShape, machine: MachineSpec, context: int, wafers: range
) -> list[DenseSize]:
    """Return the blocks that hold a model on the fewest of ``wafers``, if any.

    Args:
        model: The sizes.
        machine: The chip.
        context: KV rows to hold.
        wafers: Numbers of wafers to try, from the fewest on.
    """
    search = _Narrow(model, machine, context)
    heads = {rows: narrowest_head(model, machine, rows) for rows in _rows(model, machine)}
    tried = [
        _Layers(rows, layers)
        for rows, head in heads.items()
        for layers in range(1, min(_MOST_LAYERS, model.layers) + 1 if head else 0)
    ]
    found: dict[_Layers, list[DenseSize]] = {}
    for count in wafers:
        fitting = []
        for each in tried:
            blocks, head = ceil(model.layers / each.layers), heads[each.rows]
            assert head is not None
            if not search.may_fit(each, count):
                continue
            if each not in found:
                found[each] = list(search.sizes(each))
            fitting += [
                size for size in found[each] if _fits(machine, *size[:2], blocks, head, count)
            ]
        if fitting:
            return fitting
    return []


def narrowest_head(model: ModelShape, machine: MachineSpec, rows: int) -> int | None:
    """Return the fewest columns with which a head of so many rows fits its cores, None if none."""
    return _least(
        1, machine.columns, lambda columns: head_sram(model, machine, Shape(1, rows, columns))
    )


@dataclass(frozen=True, slots=True)
class _Share:
    """Bytes of all layers of a block in a core of the fullest row."""

    unit: int
    """Of the smallest share of the feed-forward that a column can hold."""
    heads: int
    """Of what only a column with heads holds: its weights, keys, values and scores."""


class _Narrow:
    """Finds the narrowest blocks of a model on a machine.

    Args:
        model: The sizes.
        machine: The chip.
        context: KV rows to hold.
    """

    def __init__(self, model: ModelShape, machine: MachineSpec, context: int) -> None:
        self._model, self._machine, self._context = model, machine, context
        self._unit = GROUP if model.formats.in_groups else 1
        half, most = model.attention.head_dim // 2, machine.columns // model.attention.kv_heads
        self._parts = [n for n in range(1, min(half, most) + 1) if half % n == 0]
        self._shares: dict[tuple[_Layers, int], _Share] = {}

    def may_fit(self, each: _Layers, wafers: int) -> bool:
        """Return whether the bytes leave room for all layers on so many wafers."""
        machine = self._machine
        fewest = max(1, min(self._fewest_columns(each, parts) for parts in self._parts))
        blocks = wafers * (machine.rows // each.rows) * (machine.columns // fewest)
        return blocks * each.layers >= self._model.layers

    def sizes(self, each: _Layers) -> Iterator[DenseSize]:
        """Yield the narrowest block with all columns alike, and the narrowest of all if less."""
        plain = self._narrowest(each, 0, 0)
        if plain is not None:
            yield plain
        best, most = None, self._machine.columns if plain is None else plain.columns - 1
        for parts in self._parts:
            share = self._share(each, parts)
            fewer = share.heads // share.unit
            for lighter in (fewer, fewer + 1):
                found = self._narrowest(each, parts, lighter, most)
                if found is not None:
                    best, most = found, found.columns - 1
        if best is not None:
            yield best

    def _narrowest(
        self, each: _Layers, parts: int, lighter: int, most: int | None = None
    ) -> DenseSize | None:
        """Return the narrowest block whose columns with heads are so much lighter.

        Args:
            each: Layers and rows.
            parts: As of `Shape`.
            lighter: As of `Shape`.
            most: Columns that it may have; None: those of the wafer.
        """
        model, machine, context = self._model, self._machine, self._context

        def hold(columns: int) -> object:
            shape = Shape(columns, each.rows, 1, grouped=True, parts=parts, lighter=lighter)
            heads = heads_of(model, shape, runs=False)
            return block_sram(model, machine, shape, heads, context, each.layers)

        least = min(
            self._fewest_columns(each, parts) for parts in ([parts] if parts else self._parts)
        )
        most = min(most or machine.columns, self._most_columns(parts, lighter))
        columns = _least(max(1, least), most, hold)
        return None if columns is None else DenseSize(columns, each.rows, parts, lighter)

    def _most_columns(self, parts: int, lighter: int) -> int:
        """Return on how many columns those with heads still hold some of the feed-forward."""
        light = lighter * parts * self._model.attention.kv_heads
        return min(self._machine.columns, (self._model.ffn // self._unit + light) // (lighter + 1))

    def _fewest_columns(self, each: _Layers, parts: int) -> int:
        """Return on how many columns a block's bytes would fit if they came out even."""
        share = self._share(each, parts)
        columns = parts * self._model.attention.kv_heads
        a_row = share.heads * columns + share.unit * (self._model.ffn // self._unit)
        return ceil(a_row / _room(self._machine))

    def _share(self, each: _Layers, parts: int) -> _Share:
        if (each, parts) not in self._shares:
            self._shares[each, parts] = self._shared(each, parts)
        return self._shares[each, parts]

    def _shared(self, each: _Layers, parts: int) -> _Share:
        model, formats = self._model, self._model.formats
        columns = parts * model.attention.kv_heads
        shape = Shape(columns, each.rows, 1, grouped=True, parts=parts)
        heads = heads_of(model, shape, runs=False)
        hidden = hidden_on(model, shape)
        along_rows = (np.array([hidden.most_elements]),)
        queries, kv = (np.array([n * heads.dims]) for n in (heads.queries, heads.kv))
        unit = (np.array([self._unit]),) * formats.stacks(Role.GATE_UP)
        unit_bytes = formats.tile_bytes(Role.GATE_UP, unit, hidden)
        unit_bytes += formats.tile_bytes(Role.DOWN, along_rows, lies_on(model, self._unit, 1))
        attended = attended_on(model, columns, heads)
        head_bytes = formats.tile_bytes(Role.QKV, (queries, kv, kv), hidden)
        head_bytes += formats.tile_bytes(Role.OUT, along_rows, attended)
        positions = ceil(self._context / each.rows)
        head_bytes += kv_bytes(heads, positions)
        scores = 4 * heads.queries * positions
        return _Share(each.layers * unit_bytes, each.layers * head_bytes + scores)


def _rows(model: ModelShape, machine: MachineSpec) -> list[int]:
    """Return the rows of which bands fill the wafer best, for each number of bands.

    The fewest that hold as much of the stream as those the band has room for.
    """
    unit = GROUP if model.formats.in_groups else 1
    rows = set()
    for bands in range(1, _MOST_BANDS + 1):
        share = ceil(model.hidden / (machine.rows // bands))
        if unit == GROUP:  # whole groups, or an even share of one
            share = next((n for n in (1, 2, 4, 8, 16, 32) if n >= share), ceil(share / unit) * unit)
        rows.add(ceil(model.hidden / share))
    return sorted(rows)


def _fits(
    machine: MachineSpec, columns: int, rows: int, blocks: int, head: int, wafers: int
) -> bool:
    if rows * (blocks * columns + head) > wafers * machine.columns * machine.rows:
        return False
    try:
        lay_out([columns] * blocks + [head], rows, machine, min(wafers, blocks))
    except PlacementError:
        return False
    return True


def _least(least: int, most: int, hold: Callable[[int], object]) -> int | None:
    """Return the least number of a range from which on ``hold`` does not refuse, None if none."""
    if least > most or not _holds(hold, most):
        return None
    low, high = least, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _holds(hold, middle) else (middle + 1, high)
    return low


def _holds(hold: Callable[[int], object], number: int) -> bool:
    try:
        hold(number)
    except PlacementError:
        return False
    return True
