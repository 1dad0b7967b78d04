"""The words under a wafer map that shows something else than states: captions, legends, values."""

from collections.abc import Sequence

from rich.text import Text

from engine.protocol.messages import MachineInfo, RegionInfo
from engine.visible_text import visible
from tui.format import bytes_text, count_text, percent_text, short_count_text
from tui.visuals.inks import Inks
from tui.visuals.map_kinds import MapKind
from tui.visuals.palette import LEVELS, OWNER_COLOURS, palette_for, shades, terminal_colour

__all__ = [
    "amount_legend",
    "change_legend",
    "kind_caption",
    "owner_entry_at",
    "owner_legend",
    "value_text",
]

_MEANINGS = {
    "work": "cycles in which cores compute, send or receive",
    "links": "wavelets that routers hand on, of one token",
    "SRAM": "bytes in use over bytes there are",
    "owner": "which region a core belongs to",
    "age": "how long ago a core worked, at a token's end",
}
_ROWS = 3


def kind_caption(kind: MapKind, compared: str, width: int, inks: Inks) -> Text:
    """Return what the colours mean, in one line; of states `wafer_text` tells."""
    words = f"{kind.name}: {_MEANINGS.get(kind.name, '')}"
    if kind.name == "change":
        other = visible(compared) if compared else "the mark"
        words = f"change against {other}: share of cycles"
    text = Text(words, style=inks.muted, end="", no_wrap=True)
    text.truncate(width, overflow="ellipsis")
    return text


def value_text(
    kind: MapKind, numbers: Sequence[int] | None, cores: int, machine: MachineInfo
) -> str:
    """Return what is shown of one block of cores, in words; empty if that is not known.

    Args:
        kind: What the colours mean.
        numbers: What the engine told of the block, summed over its cores; of ages the latest.
        cores: How many placed cores it holds.
        machine: Says how much SRAM a core has.
    """
    if not numbers or (not cores and kind.name != "links"):
        return ""
    value = numbers[0]
    match kind.name:
        case "SRAM":
            room = machine.sram_bytes_per_core
            return f"{bytes_text(value / cores)} of {bytes_text(room)}"
        case "links":
            return f"{short_count_text(value)} wavelets"
        case "age":
            return f"{count_text(value)} cycles ago"
    return ""


def amount_legend(kind: MapKind, facts: Sequence[str], width: int, inks: Inks) -> Text:
    """Return a scale from dark to bright, with a few facts below, in three lines."""
    palette = palette_for(inks.ground, False, kind.hues, inks.text)
    text = Text(end="", no_wrap=True)
    room = width - len(kind.least) - len(kind.most) - 2
    text.append(f"{kind.least} ", style=inks.muted)
    steps = max(0, min(room, LEVELS))
    if inks.few_colours:
        text.append(shades(steps), style=terminal_colour(kind.hues[0]))
        steps = 0
    for step in range(steps):
        colour = palette.colours[2 + step * LEVELS // max(1, steps)]
        text.append("█", style=colour.name)
    text.append(f" {kind.most}", style=inks.muted)
    for fact in [*facts, "", ""][: _ROWS - 1]:
        line = Text(f"\n{fact}", style=inks.text)
        line.truncate(width + 1, overflow="ellipsis")
        text.append_text(line)
    return text


def change_legend(
    shares: Sequence[float] | None, facts: str, width: int, inks: Inks, hues: Sequence[str]
) -> Text:
    """Return which hue means more and which less, and by how much all of them changed."""
    text = Text(end="", no_wrap=True)
    more, less = (terminal_colour(hue) if inks.few_colours else hue for hue in hues[:2])
    text.append("■ ", style=more).append("more  ", style=inks.muted)
    text.append("■ ", style=less).append("less", style=inks.muted)
    if shares is not None:
        text.append(f"\n{percent_text(shares[0])} then, {percent_text(shares[1])} now", inks.text)
    else:
        text.append(f"\n{facts}", style=inks.text)
    text.append("\n")
    return text


# ── owners ──────────────────────────────────────────────────────────────────────────────────


def owner_legend(regions: Sequence[RegionInfo], alone: int | None, width: int, inks: Inks) -> Text:
    """Return the regions with their colours, as many as fit into three lines."""
    text = Text(end="", no_wrap=True)
    across = _entries_across(regions, width)
    for number, region in enumerate(regions[: _ROWS * across]):
        chosen = alone in (None, number)
        hue = OWNER_COLOURS[number % len(OWNER_COLOURS)]
        text.append("■ ", style=terminal_colour(hue) if inks.few_colours else hue)
        label = f"{visible(region.label):<{_entry_width(regions) - 2}}"
        text.append(label, style=inks.text if chosen else inks.muted)
        if number % across == across - 1:
            text.append("\n")
    return text


def owner_entry_at(regions: Sequence[RegionInfo], column: int, row: int, width: int) -> int | None:
    """Return the number of the region whose entry is at a cell of `owner_legend`."""
    across = _entries_across(regions, width)
    place = column // _entry_width(regions)
    number = row * across + place
    return number if place < across and 0 <= number < min(len(regions), _ROWS * across) else None


def _entry_width(regions: Sequence[RegionInfo]) -> int:
    return 4 + max(len(visible(region.label)) for region in regions)


def _entries_across(regions: Sequence[RegionInfo], width: int) -> int:
    return max(1, width // _entry_width(regions))
