"""The text of the memory pane: the model, its weights and places, the fullest cores, KV rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from engine.protocol.messages import EngineReady, RegionInfo
from engine.visible_text import visible
from tui.format import (
    bytes_text,
    clock_text,
    count_text,
    file_size_text,
    rate_text,
    short_count_text,
)
from tui.visuals.bars import progress_bar, stacked_bar
from tui.visuals.inks import Inks
from tui.visuals.palette import USE_COLOURS
from tui.visuals.wafer_cost import REMOTE
from tui.visuals.wafer_price import price_text

__all__ = ["MemoryView", "RegionKind", "memory_text", "region_kinds"]

_NUMBERS = re.compile(r"\s*\d+(–\d+)?$")
_VALUE = 8
_REGION_COLUMNS = 39
"""Cells of a line of the table of regions, with all columns."""
_CAPTIONS = ("SRAM of the fullest core", "SRAM, fullest core")
"""What the bars are of, longest form first."""


@dataclass(frozen=True, slots=True)
class MemoryView:
    """The figures of the memory pane."""

    ready: EngineReady | None = None
    position: int = 0
    """Rows in the KV cache."""
    context_length: int = 0
    tokens_per_second: float | None = None
    """What the model wrote here lately, in host time; None before it wrote."""


@dataclass(frozen=True, slots=True)
class RegionKind:
    """Regions of one job: all layers, or blocks of them; the head."""

    name: str
    count: int
    shape: str
    """``32×24``, or ``various``."""
    cores: int
    sram_bytes: dict[str, int]
    """Bytes of the fullest core among them, by use."""

    @property
    def used_bytes(self) -> int:
        """Bytes of the fullest core, all uses together."""
        return sum(self.sram_bytes.get(use, 0) for use in USE_COLOURS)


def region_kinds(regions: Sequence[RegionInfo]) -> list[RegionKind]:
    """Group the regions whose labels differ only in numbers at the end; keep their order."""
    groups: dict[str, list[RegionInfo]] = {}
    for region in regions:
        groups.setdefault(_NUMBERS.sub("", region.label), []).append(region)
    kinds = []
    for name, members in groups.items():
        shapes = {f"{member.width}×{member.height}" for member in members}
        fullest = max(
            members, key=lambda member: sum(member.sram_bytes.get(use, 0) for use in USE_COLOURS)
        )
        kinds.append(
            RegionKind(
                name=name,
                count=len(members),
                shape=shapes.pop() if len(shapes) == 1 else "various",
                cores=sum(member.width * member.height for member in members),
                sram_bytes=fullest.sram_bytes,
            )
        )
    return kinds


def memory_text(view: MemoryView, width: int, height: int, inks: Inks) -> Text:
    """Return the pane's text; a short ``height`` keeps the most important lines."""
    if view.ready is None:
        return Text("known once the engine is ready", style=inks.muted, end="", no_wrap=True)
    if view.ready.model.remote:
        lines = _remote_lines(view, width, inks)[:height]
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return Text("\n", end="", no_wrap=True).join(lines)
    kinds = region_kinds(view.ready.machine.regions)
    title, shape = _model_lines(view.ready, width, inks)
    weights = _weight_lines(view.ready, width, inks)
    can = [_ability_line(view, inks)]
    bars = _sram_lines(view.ready, kinds, width, inks)
    kv = [_kv_line(view, width, inks)]
    places = _place_lines(view.ready, kinds, width, inks)
    top, end = [title, shape], [*can, *places, *kv]
    whole = [*top, *weights, *end, Text(), *bars]
    shorter = (
        *([*top, *weights[:count], *end, *bars] for count in range(len(weights), 0, -1)),
        [*top, *weights[:1], *can, *kv, *bars],
        [*top, *can, *kv, *bars],
        [title, *can, *kv, *bars],
    )
    least = [title, *kv, *bars]
    lines = next((each for each in (whole, *shorter) if len(each) <= height), least)
    spare = height - len(lines) - 2
    if lines is whole and spare > 0:
        lines = [*lines, Text(), *_region_lines(view.ready.machine.regions, width, spare + 1, inks)]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", end="", no_wrap=True).join(lines[:height])


def _remote_lines(view: MemoryView, width: int, inks: Inks) -> list[Text]:
    """Return what is known of a model that another engine runs."""
    assert view.ready is not None  # asked for only then
    model = view.ready.model
    return [
        Text(visible(model.name), style=f"bold {inks.text}", end=""),
        Text(REMOTE, style=inks.caution, end=""),
        Text(f"asked at {visible(model.remote)}", style=inks.muted, end=""),
        _ability_line(view, inks),
        price_text(view.ready.machine, None, inks),
        Text(f"context of {count_text(model.context_length)} tokens", style=inks.muted, end=""),
    ]


def _model_lines(ready: EngineReady, width: int, inks: Inks) -> tuple[Text, Text]:
    """Return name and size, the size shorter where it would be cut, then the shape."""
    model = ready.model
    title = Text(end="").append(visible(model.name), style=f"bold {inks.text}")
    count, size = short_count_text(model.parameters), file_size_text(model.weight_bytes)
    forms = (f"  {count} parameters, {size}", f"  {count}, {size}", f"  {size}", "")
    title.append(_fitting(forms, width - title.cell_len), style=inks.muted)
    family = f"{visible(model.family)}, " if model.family else ""
    facts = f"{family}{model.layers} layers × {model.width}"
    facts = _fitting((f"{facts}, {count_text(model.vocabulary)} tokens", facts), width)
    return title, Text(facts, style=inks.muted, end="")


def _fitting(forms: Sequence[str], room: int) -> str:
    """Return the first form that fits, else the last: a number must not be cut."""
    return next((form for form in forms if cell_len(form) <= room), forms[-1])


def _weight_lines(ready: EngineReady, width: int, inks: Inks) -> list[Text]:
    """Return the types of the weights with tensors and bytes, as many to a line as there is room.

    The type with the most bytes comes first.
    """
    lines: list[str] = []
    for name, kind in ready.model.types.items():
        entry = f"{visible(name)} {file_size_text(kind.bytes)} in {kind.tensors}"
        if lines and len(lines[-1]) + len(entry) + 2 <= width:
            lines[-1] += f", {entry}"
        else:
            lines.append(entry)
    return [Text(line, style=inks.muted, end="") for line in lines]


def _ability_line(view: MemoryView, inks: Inks) -> Text:
    """Return what the model reads, the one language it knows, and how fast it writes here."""
    assert view.ready is not None  # asked for only then
    model = view.ready.model
    reads = "fills the middle" if model.fill_in_the_middle else "prefix only"
    text = Text(reads, style=inks.muted if model.fill_in_the_middle else inks.caution, end="")
    if model.language != "any":
        text.append(f", {visible(model.language)}", style=inks.muted)
    if view.tokens_per_second is not None:
        speed = rate_text(view.tokens_per_second)
        text.append(", ", style=inks.muted).append(f"{speed} tok/s", style=inks.host)
    return text


def _region_lines(regions: Sequence[RegionInfo], width: int, room: int, inks: Inks) -> list[Text]:
    """Return where each region lies, in at most ``room`` lines; what is cut else is left out."""
    rows = [("region", "at x,y", "cores", "fullest")]
    for region in regions:
        used = sum(region.sram_bytes.get(use, 0) for use in USE_COLOURS)
        place, size = f"{region.x},{region.y}", f"{region.width}×{region.height}"
        rows.append((region.label, place, size, bytes_text(used)))
    columns = 4 if width >= _REGION_COLUMNS else 3
    lines = [
        Text(_region_line(*row[:columns]), style=inks.text if number else inks.muted, end="")
        for number, row in enumerate(rows)
    ]
    if len(lines) > room:
        more = Text(f"and {len(lines) - room + 1} more", style=inks.muted, end="")
        lines = [*lines[: room - 1], more]
    return lines


def _region_line(label: str, place: str, cores: str, fullest: str = "") -> str:
    return f"{label:<13} {place:<8} {cores:<8} {fullest}".rstrip()


def _place_lines(
    ready: EngineReady, kinds: Sequence[RegionKind], width: int, inks: Inks
) -> list[Text]:
    """Return machine and cores, then one line per kind of region."""
    machine = ready.machine
    total = machine.columns * machine.rows
    text = Text(f"{machine.name} at {clock_text(machine.clock_ghz)}", style=inks.wafer, end="")
    used = f" {count_text(machine.cores_used)}"
    forms = (f"{used} of {short_count_text(total)} cores", f"{used} cores")
    lines = [text.append(_fitting(forms, width - text.cell_len), style=inks.muted)]
    for kind in kinds:
        times = f"{kind.count} × " if kind.count > 1 else ""
        text = Text(f"{kind.name:<8}", style=inks.text, end="")
        lines.append(
            text.append(f"{times}{kind.shape} = {count_text(kind.cores)} cores", style=inks.muted)
        )
    return lines


def _kv_line(view: MemoryView, width: int, inks: Inks) -> Text:
    """Return the fill of the KV cache as a bar and in rows."""
    value = f" {count_text(view.position)}/{count_text(view.context_length)}"
    share = view.position / view.context_length if view.context_length else 0.0
    room = max(4, width - 8 - len(value))
    text = Text(f"{'KV rows':<8}", style=inks.text, end="")
    text.append_text(progress_bar(room, share, USE_COLOURS["kv"], inks.faint))
    return text.append(value, style=inks.text)


def _sram_lines(
    ready: EngineReady, kinds: Sequence[RegionKind], width: int, inks: Inks
) -> list[Text]:
    """Return a caption, a bar per kind of region and the legend of uses."""
    limit = ready.machine.sram_bytes_per_core
    of = f"of {bytes_text(limit)}"
    caption = next((each for each in _CAPTIONS if len(each) + len(of) < width), _CAPTIONS[-1])
    lines = [
        Text(caption, style=inks.muted, end="").append(
            f"{of:>{max(1, width - len(caption))}}", style=inks.muted
        )
    ]
    room = max(4, width - 8 - _VALUE - 1)
    for kind in kinds:
        parts = [(kind.sram_bytes.get(use, 0), ink) for use, ink in USE_COLOURS.items()]
        text = Text(f"{kind.name[:7]:<8}", style=inks.text, end="")
        text.append_text(stacked_bar(room, parts, limit, inks.faint))
        lines.append(text.append(f"{bytes_text(kind.used_bytes):>{_VALUE + 1}}", style=inks.text))
    legend = Text(end="")
    for use, ink in USE_COLOURS.items():
        legend.append("■ ", style=ink).append(f"{use}  ", style=inks.muted)
    if legend.cell_len > width:
        legend.rstrip()  # the last gap must not cost the last word
    return [*lines, legend]
