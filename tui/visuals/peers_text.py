"""The text of the pane of other machines: one decoded token on the wafer, here, and elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from engine.protocol.peers import PeerComparison, PeerFigures
from engine.visible_text import visible
from tui.format import DASH, count_text, file_size_text, joules_text, short_count_text
from tui.visuals.inks import Inks
from tui.visuals.paragraph import paragraph

__all__ = ["PeersView", "peers_text"]

_NO_RATE = {"on chip": "in cache", "too large": "no room"}
"""Instead of a rate, by what bounds it."""

_COLUMNS = (("tokens/s", 8), ("off chip", 8), ("syncs", 6), ("energy", 8))
"""Columns behind the name, the most important first, with their cells."""

_LEAST_NAME = 14
_MOST_NAME = 26


@dataclass(frozen=True, slots=True)
class PeersView:
    """What the pane shows."""

    comparison: PeerComparison | None = None
    note: str = ""
    """Why there is none."""


def peers_text(view: PeersView, width: int, height: int, inks: Inks) -> Text:
    """Return a line per machine, and below what the figures are, as far as there are rows."""
    found = view.comparison
    if found is None:
        note = view.note or "known once the engine is ready"
        return Text(note, style=inks.muted, end="")
    shown = _fitting_columns(width)
    name_cells = min(_MOST_NAME, width - sum(cells + 1 for _, cells in shown))
    lines = [_line("at batch 1", [name for name, _ in shown], shown, name_cells)]
    lines[0].stylize(inks.muted)
    for each in found.peers:
        line = _line(visible(each.name), _values(each), shown, name_cells)
        line.stylize(inks.text)
        line.stylize(_ink(each, inks), 0, name_cells)
        lines.append(line)
    lines += [Text(), *_remarks(found, width, inks)]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", end="", no_wrap=True).join(lines[:height])


def _fitting_columns(width: int) -> list[tuple[str, int]]:
    """Return the columns that fit beside a name."""
    shown: list[tuple[str, int]] = []
    room = width - _LEAST_NAME
    for name, cells in _COLUMNS:
        room -= cells + 1
        if room < 0 and shown:
            break
        shown.append((name, cells))
    return shown


def _values(each: PeerFigures) -> list[str]:
    """Return the figures in the order of the columns."""
    rate = _NO_RATE.get(each.bound) or short_count_text(each.tokens_per_second)
    bounded = each.clock == "published" and each.tokens_per_second is not None
    waits = each.synchronisations_per_token
    return [
        f"≤ {rate}" if bounded else rate,
        file_size_text(each.off_chip_bytes_per_token),
        DASH if waits is None else count_text(waits),
        joules_text(each.joules_per_token),
    ]


def _line(
    name: str, values: Sequence[str], shown: Sequence[tuple[str, int]], name_cells: int
) -> Text:
    text = Text(name, end="")
    text.truncate(name_cells, overflow="ellipsis", pad=True)
    for value, (_, cells) in zip(values, shown, strict=False):
        text.append(f" {value:>{cells}}")
    return text


def _ink(each: PeerFigures, inks: Inks) -> str:
    return {"emulated": inks.wafer, "measured": inks.host}.get(each.clock, inks.text)


def _remarks(found: PeerComparison, width: int, inks: Inks) -> list[Text]:
    """Return what the figures are, in lines that are wrapped at words."""
    facts = (
        (f"wafer: emulated at {found.clock_ghz:g} GHz", inks.wafer),
        ("this computer: measured since the start", inks.host),
        ("≤: roofline of published peaks, at 100 % of them", inks.muted),
        ("in cache: the model stays on the chip, its memory's peak bounds nothing", inks.muted),
        (
            f"{file_size_text(found.weight_bytes)} of weights, {file_size_text(found.kv_bytes)} of "
            f"KV behind {count_text(found.position)} rows, {short_count_text(found.macs)} MACs",
            inks.muted,
        ),
    )
    lines: list[Text] = []
    for words, ink in (*_reasons(found, inks), *facts):
        lines += paragraph(words, width, ink)
    return lines


def _reasons(found: PeerComparison, inks: Inks) -> list[tuple[str, str]]:
    """Return what bounds the wafer, and what the fastest of the others."""
    reasons = []
    wafer = next((each for each in found.peers if each.clock == "emulated"), None)
    if wafer is not None and wafer.tokens_per_second and wafer.synchronisations_per_token:
        cycles = found.clock_ghz * 1e9 / wafer.tokens_per_second
        syncs = wafer.synchronisations_per_token
        reasons.append(
            (
                f"wafer: nothing comes from outside; {count_text(cycles)} cycles with "
                f"{count_text(syncs)} syncs, one every {count_text(cycles / syncs)}",
                inks.text,
            )
        )
    rated = [each for each in found.peers if each.clock == "published" and each.tokens_per_second]
    fastest = max(rated, key=lambda each: each.tokens_per_second or 0.0, default=None)
    if fastest is not None and fastest.bound == "memory":
        read = file_size_text(fastest.off_chip_bytes_per_token)
        reasons.append((f"{visible(fastest.name)}: its memory gives {read} a token", inks.text))
    return reasons
