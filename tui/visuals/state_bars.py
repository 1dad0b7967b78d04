"""The cores' cycles by state as a bar for each region: the gauges of the wafer pane.  Pure."""

from collections.abc import Sequence

from rich.text import Text

from engine import STATES
from engine.protocol.messages import RegionInfo
from engine.visible_text import visible
from tui.format import percent_text
from tui.visuals.bars import stacked_bar
from tui.visuals.inks import Inks
from tui.visuals.palette import STATE_COLOURS, terminal_colour

__all__ = ["state_bars"]

_BUSY = 7
"""Cells of a region's busy share."""
_MOST_LABEL = 16
_IDLE = STATES.index("idle")


def state_bars(
    regions: Sequence[RegionInfo],
    states_by_region: Sequence[Sequence[int]],
    width: int,
    height: int,
    inks: Inks,
) -> Text:
    """Return a line per region in the order of the stream: its label, a bar, its busy share.

    Where there are more regions than lines, the busiest are shown.

    Args:
        regions: Of the machine.
        states_by_region: `Telemetry.states_by_region`; empty before there was work.
        width: Terminal cells.
        height: Lines.
        inks: Colours.
    """
    if not states_by_region:
        return Text("no core has worked yet", style=inks.muted, end="")
    rows = list(zip(regions, states_by_region, strict=True))
    if len(rows) > height:
        kept = sorted(rows, key=lambda row: -_busy(row[1]))[: max(0, height - 1)]
        labels = {row[0].label for row in kept}
        rows = [row for row in rows if row[0].label in labels]
    label = min(_MOST_LABEL, max(len(visible(region.label)) for region, _ in rows)) + 1
    lines = [_bar(region, states, label, width, inks) for region, states in rows]
    if len(rows) < len(regions):
        lines.append(Text(f"and {len(regions) - len(rows)} less busy", style=inks.muted, end=""))
    return Text("\n", end="", no_wrap=True).join(lines)


def _bar(region: RegionInfo, states: Sequence[int], label: int, width: int, inks: Inks) -> Text:
    line = Text(visible(region.label)[: label - 1].ljust(label), style=inks.text, end="")
    room = max(4, width - label - _BUSY)
    hues = [terminal_colour(hue) if inks.few_colours else hue for hue in STATE_COLOURS]
    parts = [(float(states[state]), hues[state]) for state in range(_IDLE)]
    line.append_text(stacked_bar(room, parts, float(sum(states)), inks.faint))
    return line.append(f"{percent_text(_busy(states)):>{_BUSY}}", style=inks.text)


def _busy(states: Sequence[int]) -> float:
    """Return the share of cycles that are not idle."""
    total = sum(states)
    return 1 - states[_IDLE] / total if total else 0.0
