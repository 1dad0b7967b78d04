"""The text of the status line, and what it drops first in a narrow terminal."""

from dataclasses import dataclass, field, replace

from rich.cells import cell_len
from rich.text import Text

from engine.visible_text import visible
from tui.app_messages import BackgroundWork, SuggestionReport
from tui.format import chance_text, milliseconds_text, percent_text
from tui.link.engine_state import EngineState, Phase
from tui.visuals.bars import progress_bar
from tui.visuals.inks import Inks

__all__ = ["StatusView", "status_text"]

_UNABLE = (Phase.SILENT, Phase.RESTARTING, Phase.FAILED)
"""What keeps the engine from answering is said instead of anything else."""
_BAR = 16
_GAP = "  "
_RIGHT_SHARE = 0.6
"""Most of the line that a problem and a suggestion may take together."""
_PROBLEM_MIN = 10
"""Cells from which a problem is said, its end cut off, beside why there is no suggestion."""
_ENGINE_MIN = 18
"""Cells kept for the engine's state, rather than for the file's folders."""


@dataclass(frozen=True, slots=True)
class StatusView:
    """The facts of the status line."""

    path: str | None = None
    """The visible file, relative to the repository; None if there is none."""
    unsaved: bool = False
    line: int = 1
    column: int = 1
    engine: EngineState = field(default_factory=EngineState)
    paused: bool = False
    snoozed_until: str = ""
    """The time of day at which suggestions resume by themselves; empty if they do not."""
    report: SuggestionReport | None = None
    background: BackgroundWork | None = None
    branch: str = ""
    """The branch of the repository, and how many files differ; empty if git does not say."""
    problem: str = ""
    """What is wrong on the cursor's line; empty if nothing is known to be."""
    mark: str = ""
    """What goes on with the session as a whole: that it is recorded, or played."""


def status_text(view: StatusView, width: int, inks: Inks) -> Text:
    """Return one line of exactly ``width`` cells: file and cursor, engine, last suggestion."""
    right = _right(view, width, inks)
    place = f"{view.line}:{view.column}" if view.path is not None else ""
    mark = Text(f"{view.mark}{_GAP}" if view.mark else "", style=inks.bad, end="")
    spare = width - mark.cell_len - cell_len(place) - right.cell_len - 4 - 2 * len(_GAP)
    left = mark.append_text(_file(view, max(10, spare - _ENGINE_MIN), inks))
    if place:
        left.append(f"{_GAP}{place}", style=inks.muted)
    branch = Text(f"{_GAP}{visible(view.branch)}" if view.branch else "", style=inks.muted, end="")
    if width - left.cell_len - branch.cell_len - right.cell_len > _ENGINE_MIN + 2 * len(_GAP):
        left.append_text(branch)
    room = width - left.cell_len - right.cell_len - 2 - 2 * len(_GAP)
    middle = _middle(view, room, inks) if room >= 3 else Text()
    line = Text(" ", end="", no_wrap=True)
    line.append_text(left)
    if middle:
        line.append(_GAP).append_text(middle)
    if line.cell_len + right.cell_len + 2 > width:
        right.truncate(max(0, width - line.cell_len - 2), overflow="ellipsis")
    line.append(" " * max(0, width - line.cell_len - right.cell_len - 1))
    line.append_text(right).append(" ")
    line.truncate(width, overflow="ellipsis", pad=True)
    return line


def _file(view: StatusView, room: int, inks: Inks) -> Text:
    """Return the file's path, or its name alone if there is too little room."""
    if view.path is None:
        return Text("no file", style=inks.muted, end="")
    mark = " ●" if view.unsaved else ""
    name = visible(view.path)
    if cell_len(name) + len(mark) > room:
        name = name.rsplit("/", 1)[-1]
    text = Text(name, style=inks.text, end="")
    text.truncate(room - len(mark), overflow="ellipsis")
    return text.append(mark, style=inks.caution)


def _middle(view: StatusView, room: int, inks: Inks) -> Text:
    """Return the engine's state, with what goes on beside it where the engine works."""
    if view.background is None or view.engine.phase in _UNABLE:
        return _engine(view.engine, room, inks)
    text = Text("● ", style=inks.good, end="")
    if view.engine.phase is not Phase.READY:
        count = f"{view.engine.done}/{view.engine.total}, " if view.engine.total > 1 else ""
        text = Text(f"◌ {count}", style=inks.muted, end="")
    forms = _background_forms(view.background)
    form = next((each for each in forms if cell_len(each) <= room - text.cell_len), forms[-1])
    text.append(form, style=inks.text)
    text.truncate(room, overflow="ellipsis")
    return text


def _background_forms(work: BackgroundWork) -> list[str]:
    """Return what goes on with a model, the longest form first."""
    work = replace(work, model=visible(work.model), what=visible(work.what))
    share = "" if work.fraction is None else f" {percent_text(work.fraction)}"
    if not work.what.startswith("fetching"):
        return [f"{work.model}: {work.what}{share}", f"{work.model}{share}", f"{work.what}{share}"]
    left = "" if work.seconds_left is None else f", {_minutes_text(work.seconds_left)} left"
    rate = "" if work.bytes_per_second is None else f", {work.bytes_per_second / 1e6:.1f} MB/s"
    return [
        f"fetching {work.model}{share}{rate}{left}",
        f"{work.model}{share}{rate}{left}",
        f"{work.model}{share}{left}",
        f"fetching{share}{left}",
        f"fetching{share}",
    ]


def _minutes_text(seconds: float) -> str:
    """Return a time left: ``0:07``, ``12:30``, ``2 h``."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}" if whole < 6000 else f"{whole / 3600:.0f} h"


def _engine(state: EngineState, room: int, inks: Inks) -> Text:
    """Return the engine's state in at most ``room`` cells."""
    state = replace(state, detail=visible(state.detail))
    match state.phase:
        case Phase.OFF:
            text = Text("engine off", style=inks.muted, end="")
        case Phase.READY:
            text = Text("● ", style=inks.good, end="").append("ready", style=inks.muted)
            if state.ready is not None:
                model = state.ready.model
                there = f"{visible(model.remote)}, remote" if model.remote else ""
                place = f"at {there}" if there else f"on {state.ready.machine.name}"
                where = f" · {visible(model.name)} {place}"
                text.append(where if room > len(where) + 7 else "", style=inks.muted)
        case Phase.STARTING:
            text = Text("◌ engine starting", style=inks.muted, end="")
        case Phase.PREPARING:
            return _preparing(state, room, inks)
        case Phase.SILENT:
            text = Text(f"◌ engine silent: {state.detail}", style=inks.caution, end="")
        case Phase.RESTARTING:
            text = Text(f"↻ engine restarting: {state.detail}", style=inks.caution, end="")
        case Phase.FAILED:
            text = Text(f"✕ engine: {state.detail}", style=inks.bad, end="")
    text.truncate(room, overflow="ellipsis")
    return text


def _preparing(state: EngineState, room: int, inks: Inks) -> Text:
    """Return what is being compiled or loaded, with a bar if there is room for one."""
    count = f", {state.done} of {state.total}" if state.total > 1 else ""
    text = Text(f"◌ {state.detail}{count}", style=inks.text, end="")
    if state.total:
        bar_room = min(_BAR, room - text.cell_len - 1)
        if bar_room < 4:
            verb = state.detail.partition(" ")[0]
            text = Text(f"◌ {verb} {state.done}/{state.total}", style=inks.text, end="")
            bar_room = min(_BAR, room - text.cell_len - 1)
        if bar_room >= 4:
            bar = progress_bar(bar_room, state.done / state.total, inks.wafer, inks.faint)
            text.append(" ").append_text(bar)
    text.truncate(room, overflow="ellipsis")
    return text


def _problem(view: StatusView, inks: Inks) -> Text:
    return Text(f"● {visible(view.problem)}", style=inks.caution, end="")


def _right(view: StatusView, width: int, inks: Inks) -> Text:
    """Return the problem on the line and the last suggestion, or of both the one that is news.

    While one types, nearly every line has a problem; what is shown at the cursor counts for more.
    """
    suggestion = _suggestion(view, inks)
    if not view.problem:
        return suggestion
    problem = _problem(view, inks)
    if not suggestion:
        return problem
    both = Text.assemble(problem, _GAP, suggestion, end="")
    if both.cell_len <= width * _RIGHT_SHARE:
        return both
    if view.paused:
        return Text("paused", style=inks.caution, end="").append(_GAP).append_text(problem)
    shown = view.report is not None and (view.report.shown or view.report.hidden)
    if shown:
        return suggestion
    room = int(width * _RIGHT_SHARE) - suggestion.cell_len - len(_GAP)
    if room >= _PROBLEM_MIN:
        problem.truncate(room, overflow="ellipsis")
        problem.append(_GAP).append_text(suggestion)
    return problem


def _suggestion(view: StatusView, inks: Inks) -> Text:
    """Return the last suggestion's latency, in host time, or why there is none."""
    report = view.report
    if view.paused:
        until = f"snoozed until {view.snoozed_until}" if view.snoozed_until else "paused"
        return Text(f"{until} (F4 resumes)", style=inks.caution, end="")
    if report is None or view.path is None:
        return Text("", end="")
    if report.shown:
        took = "cached" if report.cached else f"{milliseconds_text(report.latency_ms)} host"
        text = Text(f"suggestion {report.rank or took}", style=inks.host, end="")
        if report.chance is not None:
            text.append(f" · {chance_text(report.chance)}", style=inks.muted)
        return text
    if view.engine.phase in _UNABLE:
        return Text("", end="")
    if report.hidden:
        chance = "" if report.chance is None else f" {chance_text(report.chance)}"
        return Text(f"◆ suggestion{chance}: Ctrl+L shows it", style=inks.host, end="")
    if report.waiting:
        return Text("suggestion on its way …", style=inks.muted, end="")
    if report.reason:
        return Text(f"no suggestion: {visible(report.reason)}", style=inks.muted, end="")
    return Text("", end="")
