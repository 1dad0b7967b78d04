"""The words under the wafer map: a caption, and a legend with shares of all cores or a pixel's."""

from collections.abc import Sequence

from rich.text import Text

from engine import STATES
from engine.protocol.messages import RegionInfo
from tui.format import count_text, percent_text, short_count_text
from tui.visuals.inks import Inks
from tui.visuals.palette import STATE_COLOURS, terminal_colour

__all__ = [
    "STATE_NAMES",
    "caption_text",
    "core_shares",
    "legend_text",
    "state_at",
    "state_name",
    "state_shares",
]

_NAMES = (
    (
        "multiply–accumulate",
        "vector",
        "send/receive",
        "stalled on wavelet",
        "stalled on pipe",
        "idle",
    ),
    ("MAC", "vector", "send/recv", "stall wavelet", "stall pipe", "idle"),
    ("MAC", "vector", "comm", "wavelet", "pipe", "idle"),
)
"""Names of the states, longest form first."""

STATE_NAMES = _NAMES[0]
"""The states in full, in the order of `engine.STATES`."""

_CAPTIONS = (
    ("cycles of all {} cores", "hue: most above mean"),
    ("all {} cores", "hue: most above mean"),
    ("{} cores", "hue: above mean"),
)
"""Which cores the legend is about, and the meaning of the hues; longest form first."""

_SHARE = 6
_HALF = len(STATES) // 2


def state_shares(states_by_region: Sequence[Sequence[int]]) -> list[float] | None:
    """Return the share of all cores' cycles by state, 0–1; None without cycles."""
    sums = [sum(region[state] for region in states_by_region) for state in range(len(STATES))]
    total = sum(sums)
    return [value / total for value in sums] if total else None


def state_name(state: int) -> str:
    """Return a state's short name."""
    return _NAMES[1][state]


def state_at(column: int, row: int, width: int) -> int | None:
    """Return the state whose entry is at a cell of `legend_text`; None between entries."""
    columns = _columns(_names_in(width))
    second = max(1, width - sum(columns)) + columns[0]
    if not 0 <= row < _HALF or columns[0] <= column < second:
        return None
    return row if column < columns[0] else row + _HALF


def _names_in(width: int) -> Sequence[str]:
    return next((names for names in _NAMES if sum(_columns(names)) < width), _NAMES[-1])


def legend_text(
    shares: Sequence[float] | None, width: int, inks: Inks, alone: int | None = None
) -> Text:
    """Return the legend in two columns: colour, state, share of the interval's cycles.

    Args:
        shares: By state; None: not known.
        width: Terminal cells.
        inks: Colours.
        alone: The state that alone is shown, which stands out.
    """
    names = _names_in(width)
    columns = _columns(names)
    gap = max(1, width - sum(columns))
    text = Text(end="", no_wrap=True)
    for row in range(_HALF):
        for side, state in enumerate((row, row + _HALF)):
            share = percent_text(shares[state]) if shares else ""
            room = columns[side] - 2 - _SHARE
            hue = STATE_COLOURS[state]
            text.append("■ ", style=terminal_colour(hue) if inks.few_colours else hue)
            chosen = f"bold {inks.text}" if state == alone else inks.muted
            text.append(f"{names[state]:<{room}}", style=chosen)
            text.append(f"{share:>{_SHARE}}", style=inks.text)
            text.append(" " * gap if side == 0 else "\n")
    text.right_crop(1)
    return text


def _columns(names: Sequence[str]) -> tuple[int, int]:
    """Return the cells that each of the two columns takes."""
    west, east = max(map(len, names[:_HALF])), max(map(len, names[_HALF:]))
    return 2 + west + _SHARE, 2 + east + _SHARE


def caption_text(
    place: tuple[int, int] | None,
    block: int,
    region: RegionInfo | None,
    cycles: Sequence[int] | None,
    cores: int,
    width: int,
    inks: Inks,
    value: str = "",
) -> Text:
    """Return which cores the legend is about, one or all, and what the hues mean.

    Args:
        place: The core under the pointer, (column, row) on the wafer, or the first of the square
            of cores there; None means all cores.
        block: Edge of the square; 1 is one core.
        region: The region that holds it; None outside of the regions.
        cycles: Its cycles by state in the last interval, if known.
        cores: How many cores are placed.
        width: Terminal cells.
        inks: Colours.
        value: What the colours show of it, instead of its cycles.
    """
    text = Text(end="", no_wrap=True)
    if place is None:
        return text.append(_caption_of_all(count_text(cores), width), style=inks.muted)
    text.append(_place_text(place, block), style=inks.wafer)
    text.append(f"  {region.label if region else 'no core of the model'}", style=inks.text)
    if value:
        text.append(f"  {value}", style=inks.text)
    elif cycles is not None:
        text.append(f"  {short_count_text(sum(cycles))} cycles", style=inks.muted)
    return text


def _place_text(place: tuple[int, int], block: int) -> str:
    if block == 1:
        return f"core {place[0]}, {place[1]}"
    return "cores " + ", ".join(f"{first}–{first + block - 1}" for first in place)


def _caption_of_all(cores: str, width: int) -> str:
    """Return the longest caption of all cores that fits, spread over ``width`` cells."""
    pairs = [(left.format(cores), right) for left, right in _CAPTIONS]
    left, right = next((pair for pair in pairs if len("".join(pair)) < width), (pairs[-1][0], ""))
    return left + right.rjust(width - len(left))


def core_shares(cycles: Sequence[int] | None) -> list[float] | None:
    """Return the share of one pixel's cycles by state, 0–1; None without cycles."""
    return None if cycles is None else state_shares([cycles])
