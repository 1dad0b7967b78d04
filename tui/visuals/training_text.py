"""The text of the training pane: a step of training on the wafer, its blocks and its time, drawn.

Pure: a scene and a moment in, text out.  The moment runs through one step in slow motion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.text import Text

from engine.protocol.training import TrainingBlock, TrainingPass, TrainingScene
from engine.visible_text import visible
from tui.format import clock_text, count_text, microseconds_text, percent_text
from tui.visuals.bars import progress_bar
from tui.visuals.inks import Inks
from tui.visuals.palette import blend

__all__ = ["PHASES", "TrainingView", "phase_shares", "training_text"]

PHASES = {
    "forward": "#6ea8f7",
    "loss": "#f2b84b",
    "backward": "#e8707c",
    "optimiser": "#a78bda",
}
"""Hex colour per kind of pass."""
_SIGNS = {"forward": "▓", "loss": "█", "backward": "▒", "optimiser": "░"}
"""In their place where colours cannot be mixed."""
_NAMES = 9
"""Cells of a stage's name beside its time."""
_LEAST_MAP, _MAP_SHARE = 4, 0.45
"""Rows that the map has at least, and its share of those that it has together with the times."""
_WAITING = "·"


@dataclass(frozen=True, slots=True)
class TrainingView:
    """What the pane shows."""

    scene: TrainingScene | None = None
    note: str = ""
    """What is said in place of a scene."""
    progress: str = ""
    """How far the learning is, in words."""
    share: float = 0.0
    """Of the learning, 0–1."""
    moment: float = 0.0
    """How far the step that is shown is, 0–1."""
    pace_seconds: float | None = None
    """In which a whole step is shown: what one took on this computer."""


def training_text(view: TrainingView, width: int, height: int, inks: Inks) -> Text:
    """Return the pane's text; a short ``height`` keeps the map before the times of the stages."""
    if view.scene is None:
        return Text(view.note, style=inks.muted, end="")
    scene = view.scene
    running = _running(scene, view.moment * scene.cycles)
    head = _head_lines(view, scene, width, inks)
    legend = _legend(scene, running, width, inks)
    room = height - len(head) - len(legend) - 1
    stages = _stages_shown(scene, room)
    times = [_stage_line(scene, stage, view.moment, width, inks) for stage in stages]
    drawn = _map_lines(scene, running, width, room - len(times) - bool(times), inks)
    lines = [*head, Text(), *drawn, *legend]
    lines += [Text(), *times] if times else []
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", end="", no_wrap=True).join(lines[:height])


def phase_shares(scene: TrainingScene) -> dict[str, float]:
    """Return the share of stages × cycles of each kind of pass, and of waiting; they add up to 1.

    A stage counts as much as another, whatever its cores.
    """
    whole = scene.cycles * len(scene.stages)
    found = dict.fromkeys(PHASES, 0.0)
    for each in scene.passes:
        found[each.kind] += (each.end - each.start) / whole
    return found | {"waiting": max(0.0, 1.0 - sum(found.values()))}


def _stages_shown(scene: TrainingScene, room: int) -> list[int]:
    """Return the stages whose time is drawn: all, or as many as leave the map its share of rows."""
    count = len(scene.stages)
    most = min(count, room - max(_LEAST_MAP, int(_MAP_SHARE * room)) - 1)
    if most < 2:
        return [0] * (count == most == 1)
    return [round(each * (count - 1) / (most - 1)) for each in range(most)]


def _running(scene: TrainingScene, now: float) -> dict[int, TrainingPass]:
    """Return what each stage that works does at a cycle of the step."""
    return {each.stage: each for each in scene.passes if each.start <= now < each.end}


# ── what is said ────────────────────────────────────────────────────────────────────────────


def _head_lines(view: TrainingView, scene: TrainingScene, width: int, inks: Inks) -> list[Text]:
    first = Text(end="")
    first.append(visible(scene.model), style=f"bold {inks.text}")
    first.append(f" learns · {visible(view.progress)}" if view.progress else " learns", inks.text)
    step = Text(end="")
    step.append(f"{count_text(scene.cycles)} cycles a step", style=inks.wafer)
    step.append(f" of {scene.batch} × {count_text(scene.tokens)} tokens, ", style=inks.muted)
    step.append(microseconds_text(1e6 * scene.seconds), style=inks.wafer)
    step.append(f" at {clock_text(scene.clock_ghz)}", style=inks.muted)
    lines = [first, progress_bar(width, view.share, inks.host, inks.faint), step]
    lines += [Text(words, style=inks.muted, end="") for words in _layout(scene)]
    if view.pace_seconds is not None:
        slow = Text("one step in slow motion: ", style=inks.muted, end="")
        slow.append(f"{view.pace_seconds:.1f} s", style=inks.host)
        slow.append(", as long as one takes on this computer", style=inks.muted)
        lines.append(slow)
    return lines


def _layout(scene: TrainingScene) -> list[str]:
    where = f"{count_text(scene.cores)} cores of {visible(scene.machine)}"
    lines = ["priced by formula, never run there"]
    if scene.adapters:
        lines.append("as if all weights learnt, not adapters alone")
    if scene.layout == "resident":
        side = scene.blocks[0].columns
        return [*lines, f"{len(scene.blocks)} blocks of {side}² cores: {where}"]
    return [*lines, f"weights stream in, a layer at a time: {where}"]


def _legend(
    scene: TrainingScene, running: dict[int, TrainingPass], width: int, inks: Inks
) -> list[Text]:
    """Return the kinds of passes with their share of the step; those that run now are bright."""
    now = {each.kind for each in running.values()}
    line = Text(end="")
    for kind, share in phase_shares(scene).items():
        if not share:
            continue
        colour = PHASES.get(kind, inks.faint)
        sign = (_SIGNS.get(kind, _WAITING) if inks.few_colours else "■") + " "
        line.append(sign, style=colour)
        style = f"bold {inks.text}" if kind in now else inks.muted
        line.append(f"{kind} {percent_text(share)}   ", style=style)
    line.rstrip()
    return [line]


# ── the map ─────────────────────────────────────────────────────────────────────────────────


def _map_lines(
    scene: TrainingScene, running: dict[int, TrainingPass], width: int, height: int, inks: Inks
) -> list[Text]:
    """Draw the blocks at their places: the part of the wafer that they take, as wide as fits."""
    across = max(block.column + block.columns for block in scene.blocks)
    down = max(block.row + block.rows for block in scene.blocks)
    cores = max(across / width, down / (2 * max(1, height)), 1e-9)  # a cell is twice as high
    columns, rows = max(1, int(across / cores)), max(1, min(height, round(down / (2 * cores))))
    owners = _owners(scene.blocks, across / columns, down / rows, columns, rows)
    labels = _labels(scene, across / columns, down / rows, columns, rows)
    margin = " " * ((width - columns) // 2)
    lines = []
    for row, own in enumerate(owners):
        below = owners[row + 1] if row + 1 < rows else (-1,) * columns
        line = Text(margin, end="")
        lines.append(
            line.append_text(_map_line(scene, own, below, labels.get(row, {}), running, inks))
        )
    return lines


@lru_cache(maxsize=4)
def _owners(
    blocks: tuple[TrainingBlock, ...], wide: float, high: float, columns: int, rows: int
) -> list[list[int]]:
    """Return the number of the block under the middle of each cell; −1: none."""
    return [[_owner(blocks, (column + 0.5) * wide, (row + 0.5) * high)
             for column in range(columns)] for row in range(rows)]  # fmt: skip


def _owner(blocks: Sequence[TrainingBlock], x: float, y: float) -> int:
    for number, block in enumerate(blocks):
        inside = block.column <= x < block.column + block.columns
        if inside and block.row <= y < block.row + block.rows:
            return number
    return -1


def _labels(
    scene: TrainingScene, wide: float, high: float, columns: int, rows: int
) -> dict[int, dict[int, str]]:
    """Return a letter for each cell that has one: numbers of layers, in the middle of a block."""
    found: dict[int, dict[int, str]] = {}
    for block in scene.blocks:
        room = int(block.columns / wide) - 1
        text = block.label.removeprefix("layer ").removeprefix("layers ")
        text = text if len(text) <= room else text[:1] if room > 0 else ""
        row = min(rows - 1, int((block.row + block.rows / 2) / high))
        first = int((block.column + block.columns / 2) / wide - len(text) / 2)
        for at, letter in enumerate(text):
            if 0 <= first + at < columns:
                found.setdefault(row, {})[first + at] = letter
    return found


def _map_line(
    scene: TrainingScene,
    owners: Sequence[int],
    below: Sequence[int],
    labels: dict[int, str],
    running: dict[int, TrainingPass],
    inks: Inks,
) -> Text:
    """Draw a row of cells; a block's last cells across and down have a thin dark edge."""
    line = Text(end="")
    for column, owner in enumerate(owners):
        if owner < 0:
            line.append(" ")
            continue
        edge = "▕" if [*owners, -1][column + 1] != owner else "▁" if below[column] != owner else " "
        letter = labels.get(column, " ")
        work = running.get(scene.blocks[owner].stage)
        if inks.few_colours:
            sign = _WAITING if work is None else _SIGNS[work.kind]
            sign = letter if letter != " " else " " if edge == "▕" else sign
            line.append(sign, style=inks.faint if work is None else PHASES[work.kind])
            continue
        fill = blend(inks.ground, inks.text, 0.14) if work is None else PHASES[work.kind]
        ink = inks.muted if work is None and letter != " " else inks.ground
        line.append(letter if letter != " " else edge, style=f"bold {ink} on {fill}")
    return line


# ── the stages in time ──────────────────────────────────────────────────────────────────────


def _stage_line(scene: TrainingScene, stage: int, moment: float, width: int, inks: Inks) -> Text:
    """Draw a stage's line of time, with the row of the batch where there is room for it."""
    room = max(8, width - _NAMES - 1)
    at = min(room - 1, int(moment * room))
    passes = [each for each in scene.passes if each.stage == stage]
    line = Text(f"{visible(scene.stages[stage]):<{_NAMES}.{_NAMES}} ", style=inks.muted, end="")
    return line.append_text(_time_line(passes, scene.cycles, room, at, inks))


def _time_line(passes: Sequence[TrainingPass], cycles: int, room: int, at: int, inks: Inks) -> Text:
    cells: list[TrainingPass | None] = [None] * room
    letters = [" "] * room
    for each in passes:
        first, last = (round(when / cycles * room) for when in (each.start, each.end))
        last = min(room, max(last, first + 1))  # a pass that is too short for a cell still has one
        while first < last and cells[first] is not None:
            first += 1
        cells[first:last] = [each] * (last - first)
        text = each.what.removeprefix("layer ")
        text = text if len(text) <= last - first else ""
        letters[first:last] = text.ljust(last - first)
    line = Text(end="")
    for column, (cell, letter) in enumerate(zip(cells, letters, strict=True)):
        if cell is None:
            line.append(
                "│" if column == at else _WAITING, inks.text if column == at else inks.faint
            )
        elif inks.few_colours:
            line.append("│" if column == at else _SIGNS[cell.kind], style=PHASES[cell.kind])
        else:
            past = (
                PHASES[cell.kind] if column <= at else blend(inks.ground, PHASES[cell.kind], 0.45)
            )
            ink = inks.ground if column <= at else inks.text
            line.append("│" if column == at else letter, style=f"bold {ink} on {past}")
    return line
