"""A Program and its weights → a chip: routes, row programs and memories of every core.

One function for each operation, named by `engine.wafer.program.operations`, in the order of
micro-steps that `engine.wafer.ops` prices.  Computes no value; simulates nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.tensors.tensor import Tensor
from engine.wafer.compile.compiler import Compiled
from engine.wafer.fabric.lowering.context import Lowering, Tap
from engine.wafer.fabric.micro import Micro, MicroField
from engine.wafer.fabric.network import Network, Routes
from engine.wafer.place.placement import Placement
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.operations import OPERATIONS, resolve
from engine.wafer.program.program import Program

__all__ = [
    "Chip",
    "Tap",
    "finish",
    "lower",
    "lower_instructions",
    "lowerings",
    "name_channels",
]

_LOWERING = "engine.wafer.fabric.lowering"


@dataclass(frozen=True, slots=True)
class Chip:
    """Everything a simulation needs."""

    program: Program
    network: Network
    routes: Routes
    instructions: NDArray[np.int32]
    first: NDArray[np.int64]
    words: NDArray[np.int32]
    kv_row: NDArray[np.int32]
    trace_words: int
    taps: tuple[Tap, ...]
    corner: tuple[int, int]
    """Wafer coordinates of the network's first router."""
    host_words: tuple[tuple[int, int], ...]
    """For each row of the head: first word of the host's area, and its words per row of a step."""
    regions: tuple[tuple[int, int], ...]
    """Memory of each region: words of a core, cores."""
    colors_used: int


def lower(
    compiled: Compiled,
    placement: Placement,
    tensors: Mapping[str, Tensor],
    *,
    rows: int,
    context: int,
) -> Chip:
    """Lower a Program to the fabric.

    Args:
        compiled: What the chip runs, with the micro-steps of every instruction.
        placement: Where it lies.
        tensors: The model's tensors by name.
        rows: Most rows of a step.
        context: KV positions to keep memory for.

    Raises:
        PlacementError: Colors run out.
    """
    lowering = Lowering(compiled, placement, tensors, rows, context)
    lower_instructions(lowering, range(len(compiled.program.instructions)))
    return finish(lowering)


def lower_instructions(lowering: Lowering, numbers: Iterable[int]) -> None:
    """Lower some instructions of the Program, in this order."""
    functions = lowerings()
    for number in numbers:
        lowering.turn_to(number)
        op = Op(lowering.row[Field.OP])
        functions[op](lowering)
        assert not lowering.told, f"{op.name} tells more work than was lowered"


def lowerings() -> dict[Op, Callable[[Lowering], None]]:
    """Return the function that lowers each operation which the cycle tier runs."""
    return {each.op: resolve(_LOWERING, each.lowering) for each in OPERATIONS if each.lowering}


def finish(low: Lowering) -> Chip:
    """Return the chip of what was lowered."""
    size = low.core_words()
    kv_row = np.zeros(size.size, np.int32)
    for site in low.regions.values():
        rows, columns = site.grid()
        kv_row[site.cores(rows, columns)] = rows
    base = np.cumsum(size) - size
    words = np.zeros(int(size.sum()), np.int32)
    for numbers, address, content in low.fills:
        words[base[numbers][:, None] + address + np.arange(content.shape[1])] = content
    routes = low.network.build()
    instructions, first = low.programs.tables(base)
    name_channels(low.network, instructions, first)
    west, address, counts = low.host
    return Chip(
        program=low.program, network=low.network, routes=routes, instructions=instructions,
        first=first, words=words, kv_row=kv_row, trace_words=low.trace_words,
        taps=tuple(low.taps), corner=low.corner,
        host_words=tuple(
            (int(base[core] + address), int(count))
            for core, count in zip(west, counts, strict=True)
        ),
        regions=tuple((site.words, site.rows * site.columns) for site in low.regions.values()),
        colors_used=low.network.colors_used,
    )  # fmt: skip


def name_channels(
    network: Network, instructions: NDArray[np.int32], first: NDArray[np.int64]
) -> None:
    """Replace the colors that instructions name by the channels of their cores, in place.

    Args:
        network: Whose routes were built.
        instructions: Of all cores, as `Programs.tables` returns them.
        first: Each core's first instruction, and the end.

    Raises:
        PlacementError: A core uses a color that has no route at its router.
    """
    core = np.repeat(np.arange(first.size - 1), np.diff(first))
    y, x = core // network.columns, core % network.columns
    routes = instructions[:, MicroField.OP] == Micro.ROUTE
    _switches(network, instructions, np.flatnonzero(routes), y, x)
    talks = (instructions[:, MicroField.OP] != Micro.COMPUTE) & ~routes
    for place, channels in (
        (MicroField.INTO, network.outlet),
        (MicroField.OUT, network.inlet),
    ):
        colors = instructions[:, place].copy()
        for color in np.unique(colors[talks & (colors >= 0)]):
            here = talks & (colors == color)
            instructions[here, place] = channels(int(color))[y[here], x[here]]
            if np.any(instructions[here, place] < 0):
                raise PlacementError(f"color {color} has no route at a core that uses it")


def _switches(
    network: Network,
    instructions: NDArray[np.int32],
    routes: NDArray[np.int64],
    y: NDArray[np.int64],
    x: NDArray[np.int64],
) -> None:
    """Replace colors and patterns that ROUTEs name by switches and positions, in place."""
    columns = [int(MicroField.OUT), int(MicroField.A1)]
    named = instructions[routes][:, columns].astype(np.int64)
    for color, pattern in np.unique(named, axis=0).tolist():
        here = routes[(named == (color, pattern)).all(axis=1)]
        switch, start = network.start(color, pattern)
        instructions[here, MicroField.A0] = switch[y[here], x[here]]
        instructions[here, MicroField.A1] = start[y[here], x[here]]
    instructions[routes, MicroField.OUT] = -1
