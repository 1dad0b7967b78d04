"""One core of the wafer in words and bars: what it holds, passes on and runs."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.text import Text

from engine import STATES
from engine.protocol.cores import ColorAtCore, CoreMoment, TileOfCore
from engine.protocol.messages import CoreTold
from engine.visible_text import visible
from tui.format import bytes_text, count_text, percent_text
from tui.visuals.inks import Inks
from tui.visuals.palette import STATE_COLOURS, USE_COLOURS
from tui.visuals.wafer_text import state_name

__all__ = [
    "booked_text",
    "core_text",
    "current_step",
    "program_cycle",
    "program_rows",
    "route_text",
]

_INDENT = "  "
_STATE_OF_KIND = {"compute": 0, "send": 2, "receive": 2, "reduce": 2, "reduce and send": 2}


def core_text(core: CoreTold, sram_bytes: int, width: int, inks: Inks) -> Text:
    """Return what a core holds, did and passes on; of its program `program_rows` tells.

    Args:
        core: What the engine told.
        sram_bytes: Of a core of the machine.
        width: Terminal cells.
        inks: Colours.
    """
    text = Text(end="", no_wrap=True)
    for title, lines in (
        ("Memory", _memory(core, sram_bytes, width, inks)),
        ("Weights", _tiles(core.tiles, inks)),
        ("Cycles by state, wafer time", _states(core, inks)),
        ("Colors at its router", _colors(core.colors, inks)),
    ):
        text.append(f"{title}\n", style=f"bold {inks.text}")
        empty = Text(f"{_INDENT}none", style=inks.muted)
        for line in list(lines) or [empty]:
            line.truncate(width, overflow="ellipsis")
            text.append_text(line).append("\n")
    text.right_crop(1)
    return text


def _memory(core: CoreTold, sram_bytes: int, width: int, inks: Inks) -> Iterator[Text]:
    """Yield a bar of the uses, and each use with its bytes."""
    if not core.memory:
        return
    bar = Text(_INDENT)
    cells = max(10, width - 2 * len(_INDENT))
    filled = 0
    for use, size in core.memory.items():
        share = round(cells * size / max(1, sram_bytes))
        bar.append("█" * share, style=USE_COLOURS[use])
        filled += share
    yield bar.append("░" * max(0, cells - filled), style=inks.faint)
    line = Text(_INDENT)
    for use, size in core.memory.items():
        line.append("■ ", style=USE_COLOURS[use]).append(f"{use} ", style=inks.muted)
        line.append(f"{bytes_text(size)}  ", style=inks.text)
    yield line
    used = sum(core.memory.values())
    full = percent_text(used / sram_bytes) if sram_bytes else ""
    yield Text(f"{_INDENT}{bytes_text(used)} of {bytes_text(sram_bytes)}, {full}", inks.text)


def _tiles(tiles: Sequence[TileOfCore], inks: Inks) -> Iterator[Text]:
    """Yield each tensor's part with its outputs and inputs."""
    for tile in tiles:
        outputs = ", ".join(f"{first}–{end - 1}" for first, end in tile.outputs)
        line = Text(f"{_INDENT}{visible(tile.tensor)}", style=inks.text)
        line.append(
            f"  outputs {outputs}, inputs {tile.inputs[0]}–{tile.inputs[1] - 1}", inks.muted
        )
        line.append(f"  {bytes_text(tile.bytes)} {visible(tile.format)}", style=inks.text)
        yield line


def _states(core: CoreTold, inks: Inks) -> Iterator[Text]:
    """Yield the cycles of a core by state: in the last interval, and since the start."""
    if not core.label:
        return
    sums = sum(core.last_states), sum(core.total_states)
    yield Text(f"{_INDENT}{'':16}{'last interval':>22} {'since the start':>22}", inks.muted)
    for state in range(len(STATES)):
        line = Text(_INDENT).append("■ ", style=STATE_COLOURS[state])
        line.append(f"{state_name(state):14}", style=inks.muted)
        for cycles, total in zip((core.last_states, core.total_states), sums, strict=True):
            share = percent_text(cycles[state] / total) if total else ""
            line.append(f"{count_text(cycles[state]):>15} {share:>6} ", style=inks.text)
        yield line


def _colors(colors: Sequence[ColorAtCore], inks: Inks) -> Iterator[Text]:
    """Yield each color with what core and router do with it."""
    for color in colors:
        line = Text(f"{_INDENT}{visible(color.name)}", style=inks.text)
        line.append(f"  {route_text(color)}", style=inks.muted)
        if color.wavelets:
            line.append(f"  {count_text(color.wavelets)} wavelets a token", style=inks.text)
        yield line


def route_text(color: ColorAtCore) -> str:
    """Return the way of a color through a router, in words."""
    does = " and ".join(
        word for word, holds in (("takes", color.core_takes), ("gives", color.core_gives)) if holds
    )
    comes = f"from the {color.comes_from}" if color.comes_from else "begins here"
    goes = f"to the {color.goes_to}" if color.goes_to else "ends here"
    return f"{f'core {does}' if does else 'only passes'}: {comes}, {goes}"


# ── the micro-program ───────────────────────────────────────────────────────────────────────


def current_step(core: CoreTold, cycle: int) -> int:
    """Return the number of the micro-step that a core is in at a cycle of a token."""
    for number, step in enumerate(core.steps):
        if cycle < step.end:
            return number
    return max(0, len(core.steps) - 1)


def program_cycle(core: CoreTold, cycle: int) -> int:
    """Return how far the program is at a cycle of a token at the position that was asked for."""
    for (begun, since), (ended, until) in pairwise(core.clock):
        if cycle < ended:
            return since + (cycle - begun) * (until - since) // max(1, ended - begun)
    return core.clock[-1][1] if core.clock else cycle


def program_rows(core: CoreTold, current: int, width: int, inks: Inks) -> Iterator[Text]:
    """Yield the micro-steps of a core, one a line; the current one is marked."""
    for number, step in enumerate(core.steps):
        here = number == current
        line = Text("▶ " if here else _INDENT, style=inks.wafer if here else inks.muted)
        style = f"bold {inks.text}" if here else inks.muted
        layer = "" if step.layer < 0 else f" {step.layer}"
        line.append(f"{step.begin:>8} – {step.end:<8}", style=inks.wafer)
        line.append("■ ", style=STATE_COLOURS[_STATE_OF_KIND.get(step.kind, 0)])
        line.append(f"{step.operation + layer:<15}{step.kind:<16}", style=style)
        line.append(booked_text(step), style=inks.text if here else inks.muted)
        names = ", ".join(dict.fromkeys(map(visible, (*step.takes, *step.gives))))
        line.append(f"  {names}" if names else "", style=inks.muted)
        line.truncate(width, overflow="ellipsis")
        yield line


def booked_text(step: CoreMoment) -> str:
    """Return the cycles of a micro-step by state, only those there are."""
    waits = step.end - step.begin - step.mac - step.vector - step.comm - step.pipe
    parts = (
        ("MAC", step.mac), ("vector", step.vector), ("comm", step.comm), ("pipe", step.pipe),
        ("waits", waits),
    )  # fmt: skip
    return " ".join(f"{name} {cycles}" for name, cycles in parts if cycles)
