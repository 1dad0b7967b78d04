"""The text of the what-if pane: the parameters, and the suggestion's time over one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from engine.protocol.what_if import WhatIfCurve, WhatIfPoint, WhatIfSetup
from engine.visible_text import visible
from engine.wafer_changes import WAVELET_BITS
from tui.format import bytes_text, clock_text, count_text, microseconds_text
from tui.visuals.bars import stacked_bar
from tui.visuals.inks import Inks
from tui.visuals.paragraph import paragraph

__all__ = [
    "PARAMETER_NAMES",
    "WhatIfRows",
    "WhatIfView",
    "change_text",
    "parameter_text",
    "placed_anew_text",
    "what_if_text",
]

PARAMETER_NAMES = ("machine", "clock", "sram", "link", "rectangle", "blocks", "sums", "wafers")
"""As the engine calls them."""

_HINT = "Alt+Q prices a suggestion on another wafer; there is none yet."
_PLANNED_FOR = (
    "the planner places for a token with half the context before it, not for this suggestion"
)
"""Why more memory or wider links may make a short suggestion slower (`engine.wafer.plan`)."""
_MOST_LABEL = 13
_TIME = 8
_CHANGE = 7
_MARK = 2
_LEAST_BAR = 6
_KIB = 1024


@dataclass(frozen=True, slots=True)
class WhatIfView:
    """What the pane shows."""

    base: WhatIfPoint | None = None
    """The suggestion as it is; None: not priced yet."""
    over: str = "sram"
    curve: WhatIfCurve | None = None
    """Over the parameter, as far as it is priced."""
    at: int = 0
    """Index of the point that is looked at."""
    setup: WhatIfSetup | None = None
    """What is asked for; None: as it is."""
    note: str = ""
    """Why there is nothing to show, or what became of a choice."""

    @property
    def point(self) -> WhatIfPoint | None:
        """The point that is looked at."""
        if self.curve is None or not self.curve.points:
            return None
        return self.curve.points[min(self.at, len(self.curve.points) - 1)]


@dataclass(frozen=True, slots=True)
class WhatIfRows:
    """Where parts of the picture lie: its rows, for the mouse."""

    parameters: range = range(0)
    points: range = range(0)


def what_if_text(view: WhatIfView, width: int, height: int, inks: Inks) -> tuple[Text, WhatIfRows]:
    """Return the picture and where its parts lie."""
    if view.base is None:
        words = view.note or _HINT
        return _joined(paragraph(words, width, inks.muted), width, height), WhatIfRows()
    head = _head(view, view.base, inks)
    names = [_parameter(name, view, inks) for name in PARAMETER_NAMES]
    title = [_title(view, inks)]
    facts = _facts(view, width, inks)
    room = height - len(head) - len(names) - len(title) - len(facts)
    bars = _bars(view, width, max(1, room), inks)
    first = len(head)
    below = first + len(names) + len(title)
    rows = WhatIfRows(range(first, first + len(names)), range(below, below + len(bars)))
    return _joined([*head, *names, *title, *bars, *facts], width, height), rows


def _joined(lines: Sequence[Text], width: int, height: int) -> Text:
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", end="", no_wrap=True).join(lines[:height])


# ── the suggestion ──────────────────────────────────────────────────────────────────────────


def _head(view: WhatIfView, base: WhatIfPoint, inks: Inks) -> list[Text]:
    """Return the suggestion as it is, and as it would be."""
    lines = [_line("now", base, None, inks)]
    point = view.point
    if point is None or point.setup == base.setup:
        hint = "↑↓ a parameter, ←→ a value, Enter applies"
        lines.append(Text(view.note or hint, style=inks.muted, end="", no_wrap=True))
    else:
        lines.append(_line("what if", point, base, inks))
        if view.note:
            lines.append(Text(view.note, style=inks.muted, end="", no_wrap=True))
    return lines


def _line(name: str, point: WhatIfPoint, base: WhatIfPoint | None, inks: Inks) -> Text:
    text = Text(f"{name:<8}", style=inks.muted, end="", no_wrap=True)
    if point.refusal:
        return text.append("does not fit", style=f"bold {inks.bad}")
    text.append(microseconds_text(point.microseconds), style=f"bold {inks.wafer}")
    if base is not None and base.cycles:
        text.append(f" {change_text(point, base)}", style=_change_ink(point, base, inks))
    clock = point.setup.clock_ghz * 1e3
    prompt, tokens = point.prompt_cycles / clock, point.decode_cycles / clock
    text.append(f"  read {microseconds_text(prompt)}, write {microseconds_text(tokens)}", inks.text)
    return text


def change_text(point: WhatIfPoint, base: WhatIfPoint) -> str:
    """Return how much longer a point takes than what is: ``+61.8%``."""
    change = point.microseconds / base.microseconds - 1
    return f"{change:+.{0 if change >= 1 else 1}%}".replace("-", "−")


def _change_ink(point: WhatIfPoint, base: WhatIfPoint, inks: Inks) -> str:
    if point.microseconds == base.microseconds:
        return inks.muted
    return inks.good if point.microseconds < base.microseconds else inks.caution


# ── the parameters ──────────────────────────────────────────────────────────────────────────


def _parameter(name: str, view: WhatIfView, inks: Inks) -> Text:
    here = name == view.over
    point, base = view.point, view.base
    assert base is not None
    setup = view.setup or (base.setup if point is None else point.setup)
    value = parameter_text(name, setup)
    changed = value != parameter_text(name, base.setup)
    value = visible(point.label) if here and point is not None else value
    text = Text("▸ " if here else "  ", style=inks.wafer, end="", no_wrap=True)
    text.append(f"{name:<11}", style=f"bold {inks.text}" if here else inks.muted)
    style = f"bold {inks.wafer}" if changed else inks.text
    text.append(f"◂ {value} ▸" if here else f"  {value}", style=style)
    if changed:
        before = _priced_label(view, base.setup) if here else ""
        text.append(f"  was {before or parameter_text(name, base.setup)}", style=inks.muted)
    return text


def _priced_label(view: WhatIfView, setup: WhatIfSetup) -> str:
    """Return what the curve calls a setup; empty where it has no such point."""
    points = [] if view.curve is None else view.curve.points
    return next((visible(point.label) for point in points if point.setup == setup), "")


def parameter_text(name: str, setup: WhatIfSetup) -> str:
    """Return the value of a parameter, for a person."""
    changes = setup.changes
    match name:
        case "machine":
            return visible(setup.machine.rpartition("/")[2])
        case "clock":
            return clock_text(setup.clock_ghz)
        case "sram":
            return f"{changes.sram_bytes / _KIB:g} KiB" if changes.sram_bytes else "its own"
        case "link":
            return f"{changes.link_bits or WAVELET_BITS} bits"
        case "rectangle":
            return f"{changes.columns} × {changes.rows}" if changes.columns else "planner's"
        case "blocks":
            return str(changes.blocks) if changes.blocks else "planner's"
        case "sums":
            return f"groups of {changes.group}" if changes.group else "the best group of each"
    return str(changes.wafers)


# ── the curve ───────────────────────────────────────────────────────────────────────────────


def _title(view: WhatIfView, inks: Inks) -> Text:
    curve = view.curve
    if curve is None or curve.over != view.over:
        return Text(f"time over {view.over}: pricing …", style=inks.muted, end="", no_wrap=True)
    text = Text(f"time over {visible(curve.over)}", style=inks.muted, end="", no_wrap=True)
    if curve.unit:
        text.append(f", {visible(curve.unit)}", style=inks.muted)
    if not curve.whole:
        text.append(f"  {len(curve.points)} of {curve.total} priced", style=inks.caution)
    elif curve.best is not None:
        text.append("  ★ least", style=inks.good)
    return text


def _bars(view: WhatIfView, width: int, room: int, inks: Inks) -> list[Text]:
    """Return a line for each point, that which is looked at in view."""
    curve = view.curve
    if curve is None or curve.over != view.over:
        return []
    longest = max((point.microseconds for point in curve.points), default=0.0)
    label = min(_MOST_LABEL, max((len(visible(point.label)) for point in curve.points), default=0))
    first = max(0, min(view.at - room // 2, len(curve.points) - room))
    best = curve.best
    return [
        _bar(curve.points[number], view, (longest, number == view.at, best, label), width, inks)
        for number in range(first, min(len(curve.points), first + room))
    ]


def _bar(
    point: WhatIfPoint,
    view: WhatIfView,
    among: tuple[float, bool, WhatIfPoint | None, int],
    width: int,
    inks: Inks,
) -> Text:
    longest, here, best, label = among
    text = Text("▸ " if here else "  ", style=inks.wafer, end="", no_wrap=True)
    style = f"bold {inks.text}" if here else inks.muted
    text.append(f"{visible(point.label)[:label]:>{label}} ", style=style)
    if point.refusal:
        return text.append("does not fit", style=inks.bad)
    cells = width - text.cell_len - _TIME - _CHANGE - _MARK - 1
    clock = point.setup.clock_ghz * 1e3
    if cells >= _LEAST_BAR:
        prompt, tokens = point.prompt_cycles / clock, point.decode_cycles / clock
        parts = (prompt, inks.muted), (tokens, inks.wafer)
        text.append_text(stacked_bar(cells, parts, longest, inks.faint))
    text.append(f" {microseconds_text(point.microseconds):>{_TIME}}", style=style)
    assert view.base is not None
    change = change_text(point, view.base) if view.base.cycles else ""
    text.append(f"{change:>{_CHANGE}}", style=_change_ink(point, view.base, inks))
    return text.append(" ★" if point is best else "  ", style=inks.good)


# ── the point ───────────────────────────────────────────────────────────────────────────────


def _facts(view: WhatIfView, width: int, inks: Inks) -> list[Text]:
    """Return what there is to say of the point that is looked at."""
    point = view.point
    if point is None:
        return []
    if point.refusal:
        return paragraph(visible(point.refusal), width, inks.bad)
    words = (
        f"{point.blocks} block{'s' * (point.blocks != 1)} of {point.block[0]} × {point.block[1]}, "
        "a head of "
        f"{point.head_columns} columns: {count_text(point.cores_used)} cores, "
        f"{bytes_text(point.sram_bytes)} in the fullest"
    )
    lines = paragraph(words, width, inks.text)
    moved = _most_moved(point, view.base)
    if moved:
        lines += paragraph(moved, width, inks.muted)
    if why := placed_anew_text(point, view.base):
        lines += paragraph(why, width, inks.muted)
    if not point.runs:
        lines += paragraph("priced only: a model runs on one wafer", width, inks.caution)
    return lines


def placed_anew_text(point: WhatIfPoint, base: WhatIfPoint | None) -> str:
    """Return what other rectangles are for, where the planner found them by itself; else ``""``."""
    if base is None or point.refusal or point.setup.changes.columns or point.setup.changes.blocks:
        return ""
    same = (point.blocks, point.block) == (base.blocks, base.block)
    return "" if same else _PLANNED_FOR


def _most_moved(point: WhatIfPoint, base: WhatIfPoint | None) -> str:
    """Return the operation whose cycles differ the most from those of now."""
    if base is None or point.setup == base.setup:
        return ""
    names = {*point.cycles_by_operation, *base.cycles_by_operation}
    moved = {
        name: point.cycles_by_operation.get(name, 0) - base.cycles_by_operation.get(name, 0)
        for name in sorted(names)
    }
    name = max(moved, key=lambda each: abs(moved[each]), default="")
    if not name or not moved[name]:
        return "the same cycles in every operation"
    sign = "+" if moved[name] > 0 else "−"
    return f"most moved: {name}, {sign}{count_text(abs(moved[name]))} cycles"
