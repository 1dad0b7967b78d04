"""The text of the numbers screen: what became of suggestions, how long they took, by kind."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from engine.visible_text import visible
from tui.assist.numbers.counts import CHECKS, KindCounts, OutcomeCounts
from tui.assist.numbers.figures import ACCEPT_KEYS, TIMES, share
from tui.assist.numbers.times import percentile
from tui.format import DASH, count_text, milliseconds_text, percent_text
from tui.visuals.inks import Inks

__all__ = ["ROWS_OF_KINDS", "counts_text", "kinds_text"]

ROWS_OF_KINDS = 6
"""Kinds that are seen at once; the others scroll by."""

_NAMES = {"first_text": "first"}
_WIDTHS = {"prefill": 9, "decode": 8, "trim": 6}
_WIDTH = 7
_LABEL = 13
_MODEL = 20
_AFTER = {30: "30 s", 120: "2 min", 600: "10 min"}


def counts_text(counts: OutcomeCounts, inks: Inks) -> Text:
    """Return eight lines about some suggestions: their outcomes, then the times of their parts."""
    text = Text(end="")
    text.append(f"{_outcomes(counts)}\n", style=inks.text)
    keys = "  ".join(f"{key} {count_text(counts.accept_keys.get(key, 0))}" for key in ACCEPT_KEYS)
    _line(text, "accept keys", keys, inks)
    _line(text, "still there", _still_there(counts), inks)
    characters = count_text(counts.characters_accepted + counts.characters_typed)
    saved = f"{count_text(counts.keys_saved)} of {characters} characters"
    _line(text, "keys saved", f"{saved} ({percent_text(counts.keys_saved_share)})", inks)
    text.append("\n")
    _lines_of_times(text, counts, inks)
    return text


def kinds_text(kinds: Sequence[KindCounts], selected: int, inks: Inks) -> Text:
    """Return a table of kinds of suggestions around the selected row; row 0 is all of them.

    The times are those to the first text.

    Args:
        kinds: All of them together, then each, the most shown first.
        selected: Whose figures stand above.
        inks: The theme's.
    """
    text = Text(end="")
    heads = f"{'shown':>7}{'accepted':>10}{'keys saved':>11}{'p50':>8}{'p95':>8}"
    text.append(f"  {'model':<{_MODEL}}{'file':<6}{heads}\n", style=inks.muted)
    first = max(0, min(selected - ROWS_OF_KINDS // 2, len(kinds) - ROWS_OF_KINDS))
    for index, kind in enumerate(kinds[first : first + ROWS_OF_KINDS], first):
        here = index == selected
        style = f"bold {inks.text}" if here else inks.text
        text.append(f"{'›' if here else ' '} {_row(kind)}\n", style=style)
    text.right_crop(1)
    return text


def _line(text: Text, label: str, words: str, inks: Inks) -> None:
    text.append(f"{label:<{_LABEL}}", style=inks.muted)
    text.append(f"{words}\n", style=inks.text)


def _lines_of_times(text: Text, counts: OutcomeCounts, inks: Inks) -> None:
    """Add a table of the times: to the first text, to the whole of it, and by part."""
    text.append(f"{'host ms':<{_WIDTH}}", style=inks.muted)
    text.append("".join(f"{_NAMES.get(name, name):>{_width(name)}}" for name in TIMES) + "\n")
    for label, part in (("p50", 0.5), ("p95", 0.95)):
        text.append(f"{label:<{_WIDTH}}", style=inks.muted)
        for name in TIMES:
            time = percentile(counts.times.get(name, {}), part)
            text.append(f"{_milliseconds(time):>{_width(name)}}", style=inks.host)
        text.append("\n")
    text.right_crop(1)


def _outcomes(counts: OutcomeCounts) -> str:
    rate = percent_text(share(counts.accepted, counts.shown))
    return (
        f"shown {count_text(counts.shown)}  accepted {count_text(counts.accepted)} ({rate})"
        f"  dismissed {count_text(counts.dismissed)}  held back {count_text(counts.held_back)}"
    )


def _still_there(counts: OutcomeCounts) -> str:
    return "  ".join(
        f"after {_AFTER[seconds]} "
        f"{percent_text(share(counts.still_there.get(seconds, 0), counts.looked.get(seconds, 0)))}"
        for seconds in CHECKS
    )


def _width(name: str) -> int:
    return _WIDTHS.get(name, _WIDTH)


def _milliseconds(time: float | None) -> str:
    return DASH if time is None else f"{time:.1f}" if time < 10 else f"{time:.0f}"


def _row(kind: KindCounts) -> str:
    counts = kind.counts
    firsts = counts.times.get("first_text", {})
    times = [milliseconds_text(percentile(firsts, part)) for part in (0.5, 0.95)]
    return (
        f"{_cell(kind.model, _MODEL)}{_cell(kind.file_type, 6)}{count_text(counts.shown):>7}"
        f"{percent_text(share(counts.accepted, counts.shown)):>10}"
        f"{percent_text(counts.keys_saved_share):>11}{times[0]:>8}{times[1]:>8}"
    )


def _cell(name: str, width: int) -> str:
    """Return a name in exactly so many cells, one of them a gap."""
    name = visible(name)
    if cell_len(name) >= width:
        name = set_cell_size(name, width - 2) + "…"
    return set_cell_size(name, width)
