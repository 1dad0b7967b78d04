"""The text of the X-ray pane: a suggestion's tokens by operation, and one of them in full."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from engine import STATES
from engine.protocol.xray import Xray, XrayStep, XrayToken
from engine.visible_text import visible
from tui.format import (
    bytes_text,
    count_text,
    joules_text,
    milliseconds_text,
    percent_text,
    short_count_text,
)
from tui.visuals.bars import progress_bar
from tui.visuals.contrast import readable_on
from tui.visuals.inks import Inks
from tui.visuals.palette import blend
from tui.visuals.paragraph import word_lines

__all__ = ["XrayRows", "XrayView", "matrix_token", "strip_token", "xray_text"]

_HINT = "Alt+X looks into a suggestion, or a click on a token of it."
_LEVELS = " ▁▂▃▄▅▆▇█"
_LABEL = 10
_RIGHT = 15
"""Cells of a row of the matrix beside its columns: the operation; its cycles and share."""
_WIDEST = 4
"""Most cells of a column."""
_NAME = 7
"""Cells of a fact's name."""
_LEAST_OPERATIONS = 4
_TINTS = (0.14, 0.3)
"""How much of the wafer's colour is in the ground of neighbouring regions."""
_IDLE = STATES.index("idle")
_WAVELET = STATES.index("stall_wavelet")


@dataclass(frozen=True, slots=True)
class XrayView:
    """What the pane shows."""

    xray: Xray | None = None
    token: int = 0
    """Index of the token that is looked at."""
    note: str = ""
    """Why there is nothing to show; empty: nothing was asked yet."""
    cycle: int | None = None
    """Cycle that the map shows; None: the map shows the engine's counters."""
    wave_cycles: int = 0
    """Cycles of the wave that is played."""
    doing: str = ""
    """What most cores at work do in that cycle."""
    source: str = ""
    """What the wave's cycles come from."""
    pace: str = ""
    """How it is played, in a few words."""
    progress: tuple[int, int, str] | None = None
    """Cycles simulated, cycles expected, and what is done, while a token is simulated."""
    failed: str = ""
    """Why there is no wave; empty: none is missing."""

    @property
    def looked_at(self) -> XrayToken | None:
        """The token; None where there is none."""
        if self.xray is None or not self.xray.tokens:
            return None
        return self.xray.tokens[min(self.token, len(self.xray.tokens) - 1)]


@dataclass(frozen=True, slots=True)
class XrayRows:
    """Where parts of the picture lie: its rows, for the mouse."""

    strip: int = -1
    matrix: range = range(0)
    scrubber: int = -1


def xray_text(view: XrayView, width: int, height: int, inks: Inks) -> tuple[Text, XrayRows]:
    """Return the picture and where its parts lie."""
    token = view.looked_at
    if view.xray is None or token is None:
        return Text(view.note or _HINT, style=inks.muted, end=""), XrayRows()
    step = view.xray.steps[token.step]
    head = [_title(view.xray, view.token, token, inks), _others(token, inks)]
    strip = _strip(view.xray, view.token, width, inks)
    wave = [_scrubber(view, step, width, inks), _doing(view, step, inks)]
    facts = _facts(view.xray, step, width, inks)
    room = height - len(head) - 1 - len(wave)
    most = _operations(view.xray)
    rows = max(_LEAST_OPERATIONS, min(len(most), room - len(facts)))
    matrix = _matrix(view.xray, view.token, most[:rows], width, inks)
    lines = [*head, strip, *matrix, *wave, *facts]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    first = len(head) + 1
    places = XrayRows(len(head), range(first, first + len(matrix)), first + len(matrix))
    return Text("\n", end="").join(lines[:height]), places


# ── one token ───────────────────────────────────────────────────────────────────────────────


def _title(xray: Xray, number: int, token: XrayToken, inks: Inks) -> Text:
    text = Text(end="", no_wrap=True)
    text.append(f"token {number + 1} of {len(xray.tokens)}  ", style=inks.muted)
    text.append(_said(token.text), style=f"bold {inks.text}")
    text.append(f"  {percent_text(token.probability)}", style=inks.text)
    if token.text and token.start == token.end:
        text.append("  not in the text", style=inks.muted)
    return text


def _others(token: XrayToken, inks: Inks) -> Text:
    text = Text("else ", style=inks.muted, end="", no_wrap=True)
    for number, (said, chance) in enumerate(token.others):
        text.append(" · " if number else "", style=inks.muted)
        text.append(_said(said), style=inks.text)
        text.append(f" {percent_text(chance)}", style=inks.muted)
    return text


def _said(text: str) -> str:
    """Return what a token says, in quotes, line breaks and blanks to be seen."""
    return f"“{visible(text)}”" if text else "the end"


def _facts(xray: Xray, step: XrayStep, width: int, inks: Inks) -> list[Text]:
    """Return what its step took, by clock."""
    facts = _named_facts(xray, step, inks)
    return [line for fact in facts for line in _fact(*fact, width, inks)]


def _named_facts(xray: Xray, step: XrayStep, inks: Inks) -> list[tuple[str, str, str]]:
    """Return what its step took: a name, the words, the ink of its clock."""
    wafer, host = inks.wafer, inks.host
    seconds = step.cycles / (xray.clock_ghz * 1e3)
    each = "" if step.used == 1 else f", {count_text(step.cycles / step.used)} a token"
    low, likely, high = (joules_text(value) for value in step.joules)
    states = [
        sum(region[state] for region in step.states_by_region) for state in range(len(STATES))
    ]
    total = max(1, sum(states))
    working = total - states[_IDLE] - states[_WAVELET]
    return [
        ("wafer", f"{count_text(step.cycles)} cycles{each}, {seconds:.1f} µs", wafer),
        (
            "cores",
            f"{percent_text(states[_IDLE] / total)} idle, "
            f"{percent_text(states[_WAVELET] / total)} wait for words, "
            f"{percent_text(working / total)} work",
            wafer,
        ),
        ("why", _reason(step), wafer),
        (
            "sends",
            f"{short_count_text(step.wavelets)} words, {short_count_text(step.wavelet_hops)} links,"
            f" {count_text(step.collectives)} syncs",
            wafer,
        ),
        ("reads", f"{bytes_text(step.sram_bytes)} of SRAM", wafer),
        ("energy", f"{likely} likely, {low} to {high}", wafer),
        (
            "host",
            f"{milliseconds_text(step.host_ms)} measured, reads {bytes_text(step.host_bytes)}",
            host,
        ),
        ("step", _shape(step), inks.muted),
    ]


def _reason(step: XrayStep) -> str:
    """Return why most cores wait: one row is in one place, and its cores meet again and again."""
    regions = len({visit.region for visit in step.visits})
    return f"one of {regions} regions has the row, its cores meet {count_text(step.collectives)} ×"


def _fact(name: str, words: str, style: str, width: int, inks: Inks) -> list[Text]:
    """Return a fact in as many lines as it takes; its words stand below each other."""
    lines = word_lines(words, max(1, width - _NAME))
    names = [name, *[""] * len(lines)]
    return [
        Text(f"{name:<{_NAME}}", style=style, end="", no_wrap=True).append(line, style=inks.text)
        for name, line in zip(names, lines, strict=False)
    ]


def _shape(step: XrayStep) -> str:
    """Return how a step was made up: of the prompt's last piece, or of a token and guesses."""
    if not step.decode:
        return f"the prompt's last {step.rows} tokens, at {step.position}"
    guessed = step.logits - 1
    if not guessed:
        return f"1 token, at {step.position}"
    right = step.used - 1
    return f"1 token and {guessed} guessed, {right} right, at {step.position}"


# ── all tokens ──────────────────────────────────────────────────────────────────────────────


def _strip(xray: Xray, number: int, width: int, inks: Inks) -> Text:
    """Return the tokens one after the other, that which is looked at in view."""
    text = Text(end="", no_wrap=True)
    for first, last, index in _strip_cells(xray, number, width):
        style = _chosen(inks) if index == number else _shade(index, inks)
        text.append(_brief(xray.tokens[index])[: last - first], style=style)
    return text


def _chosen(inks: Inks) -> str:
    """Return the style of the token that is looked at."""
    return f"bold {readable_on(inks.wafer, inks.ground)} on {inks.wafer}"


def _shade(index: int, inks: Inks) -> str:
    """Return the style of a token; neighbours differ, so that ends show."""
    return inks.text if index % 2 else inks.muted


def _brief(token: XrayToken) -> str:
    return visible(token.text) or "⏹"


def _strip_cells(xray: Xray, number: int, width: int) -> list[tuple[int, int, int]]:
    """Return (first cell, last cell, token) of the tokens in view."""
    lengths = [max(1, Text(_brief(token)).cell_len) for token in xray.tokens]
    first = number
    while first > 0 and sum(lengths[first - 1 : number + 1]) <= width * 2 // 3:
        first -= 1
    cells, at = [], 0
    for index in range(first, len(lengths)):
        if at >= width:
            break
        cells.append((at, min(width, at + lengths[index]), index))
        at += lengths[index]
    return cells


def strip_token(xray: Xray, number: int, width: int, cell: int) -> int | None:
    """Return the token that is drawn at a cell of the strip."""
    cells = _strip_cells(xray, number, width)
    return next((index for first, last, index in cells if first <= cell < last), None)


def _operations(xray: Xray) -> list[str]:
    """Return the operations, those first that take the most cycles of tokens.

    A piece of the prompt is another mix of operations, and longer than all tokens together: it
    counts only where there is nothing else.
    """
    steps = [xray.steps[token.step] for token in xray.tokens]
    total = dict.fromkeys((name for step in steps for name in step.cycles_by_operation), 0)
    for step in [step for step in steps if step.decode] or steps:
        for name, cycles in step.cycles_by_operation.items():
            total[name] += cycles
    return sorted(total, key=lambda name: -total[name])


def _window(xray: Xray, number: int, width: int) -> range:
    """Return the tokens whose columns are in view."""
    columns = max(1, width - _LABEL - _RIGHT)
    first = max(0, min(number - columns // 2, len(xray.tokens) - columns))
    return range(first, min(len(xray.tokens), first + columns))


def _cells_each(window: range, width: int) -> int:
    """Return the cells of a column."""
    return min(_WIDEST, max(1, (width - _LABEL - _RIGHT) // max(1, len(window))))


def matrix_token(xray: Xray, number: int, width: int, cell: int) -> int | None:
    """Return the token whose column is drawn at a cell of the matrix."""
    window = _window(xray, number, width)
    column = (cell - _LABEL) // _cells_each(window, width)
    return window[column] if 0 <= column < len(window) else None


def _matrix(
    xray: Xray, number: int, operations: Sequence[str], width: int, inks: Inks
) -> list[Text]:
    """Return a row for each operation: a column a token, as high as its cycles."""
    window = _window(xray, number, width)
    cells = _cells_each(window, width)
    by_token = [xray.steps[token.step] for token in xray.tokens]
    highest = max(
        (_each(step, name) for step in (by_token[n] for n in window) for name in operations),
        default=0,
    )
    looked_at = by_token[min(number, len(by_token) - 1)]
    lines = []
    for name in operations:
        line = Text(f"{name:<{_LABEL}}", style=inks.muted, end="", no_wrap=True)
        for index in window:
            style = f"bold {inks.text}" if index == number else inks.wafer
            column = _column(_each(by_token[index], name), highest)
            line.append(column * max(1, cells - 1) + " " * (cells > 1), style=style)
        cycles = looked_at.cycles_by_operation.get(name, 0)
        share = percent_text(cycles / looked_at.cycles)
        gap = width - line.cell_len
        line.append(f"{short_count_text(cycles):>7}{share:>7}".rjust(gap), style=inks.text)
        lines.append(line)
    return lines


def _each(step: XrayStep, name: str) -> float:
    """Return an operation's cycles of a step for each token chosen from it."""
    return step.cycles_by_operation.get(name, 0) / step.used


def _column(cycles: float, highest: float) -> str:
    eighths = round(8 * cycles / highest) if highest else 0
    return _LEVELS[max(1, min(8, eighths))] if cycles else " "


# ── the wave ────────────────────────────────────────────────────────────────────────────────


def _scrubber(view: XrayView, step: XrayStep, width: int, inks: Inks) -> Text:
    """Return the way over the regions as a line, each as long as its visit."""
    assert view.xray is not None
    start = step.visits[0].begin if step.visits else 0
    length = max(1, step.cycles - start)
    text = Text(end="", no_wrap=True)
    for number, visit in enumerate(step.visits):
        first, last = ((each - start) * width // length for each in (visit.begin, visit.end))
        label = view.xray.regions[visit.region].replace("layers ", "").replace("layer ", "")
        room = last - first
        style = _visit_style(number, inks)
        text.append(label[:room].ljust(room), style=style)
    if view.cycle is None or not view.wave_cycles:
        return text
    at = min(width - 1, view.cycle * width // view.wave_cycles)
    return Text.assemble(text[:at], ("◆", f"bold {inks.ground} on {inks.text}"), text[at + 1 :])


def _visit_style(number: int, inks: Inks) -> str:
    """Return the style of a visit's label; neighbours differ, so that ends show."""
    ground = blend(inks.ground, inks.wafer, _TINTS[number % 2])
    return f"{readable_on(ground, inks.text)} on {ground}"


def _doing(view: XrayView, step: XrayStep, inks: Inks) -> Text:
    if view.progress is not None:
        return _progress(*view.progress, inks)
    if view.failed:
        return Text(view.failed, style=inks.caution, end="", no_wrap=True)
    if view.cycle is None:
        words = "Space plays this token's way over the wafer, s simulates it"
        return Text(words, style=inks.muted, end="", no_wrap=True)
    assert view.xray is not None
    text = Text(end="", no_wrap=True)
    text.append(count_text(view.cycle), style=f"bold {inks.wafer}")
    text.append(f"/{count_text(view.wave_cycles)} {view.pace} by {view.source} ", style=inks.muted)
    return text.append(f" {view.doing}  {_place(view, step)}", style=inks.text)


def _progress(done: int, total: int, label: str, inks: Inks) -> Text:
    """Return how far a simulation is."""
    text = progress_bar(16, done / total if total else 0.0, inks.wafer, inks.faint)
    text.append(f" {label}, s gives it up", style=inks.text)
    return text


def _place(view: XrayView, step: XrayStep) -> str:
    """Return the region that the row is in at the cycle of the map."""
    assert view.xray is not None
    assert view.cycle is not None
    start = step.visits[0].begin if step.visits else 0
    for visit in step.visits:
        if visit.begin - start <= view.cycle < visit.end - start:
            return view.xray.regions[visit.region]
    return ""
