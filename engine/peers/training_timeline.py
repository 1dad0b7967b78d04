"""One picture of a training step on the wafer and on clusters: bars over the same time, as SVG."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["training_timeline"]

_WIDTH, _LEFT, _ROW, _BAR = 960, 190, 74, 26
_COLORS = {
    "forward": "#3b82c4", "forward again": "#8fbbe0", "backward": "#1d4f7c",
    "head and loss": "#5a9a68", "waiting for the head": "#c9b458",
    "filling and draining": "#b5b5b5", "norm of the gradients": "#c65d3b",
    "all-reduce that shows": "#c65d3b", "optimisers": "#7a5a9e", "optimiser": "#7a5a9e",
    "waiting for the edge": "#c9b458",
}  # fmt: skip
_LEAST = 0.5
"""Pixels of a phase that is shown at all."""


def training_timeline(answer: Mapping[str, Any]) -> str:
    """Return the picture of what ``wafer predict train-step --json`` prints.

    A row for the wafer and one for every cluster, to the scale of the longest; a phase's name and
    seconds are its tooltip, and what the colors stand for is written below.
    """
    wafer = {name: cycles / (answer["clock_ghz"] * 1e9)
             for name, cycles in answer["operations"].items()}  # fmt: skip
    rows = [(f"{answer['machine']}, {answer['layout']}", wafer, answer["tokens_per_second"])]
    rows += [
        (each["machine"], each["phases"], each["tokens_per_second"]) for each in answer["beside"]
    ]
    longest = max(sum(phases.values()) for _, phases, _ in rows)
    shown = [name for _, phases, _ in rows for name, seconds in phases.items() if seconds > 0]
    names = list(dict.fromkeys(shown))
    height = 60 + _ROW * len(rows) + 24 * ((len(names) + 3) // 4) + 20
    title = f"{answer['model']}: a step of {answer['rows']} × {answer['tokens']:,} tokens"
    parts = [_text(16, 28, title, 17)]
    for number, row in enumerate(rows):
        parts += _bar(row, 52 + number * _ROW, longest)
    parts += _legend(names, 52 + len(rows) * _ROW)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _bar(row: tuple[str, Mapping[str, float], float], top: int, longest: float) -> list[str]:
    name, phases, rate = row
    total, at = sum(phases.values()), float(_LEFT)
    scale = (_WIDTH - _LEFT - 130) / longest
    parts = [_text(16, top + 18, name, 14)]
    for phase, seconds in phases.items():
        width = seconds * scale
        if width < _LEAST:
            continue
        parts.append(
            f'<rect x="{at:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" '
            f'fill="{_COLORS.get(phase, "#888888")}"><title>{escape(phase)}: {seconds:.3g} s'
            "</title></rect>"
        )
        at += width
    parts.append(_text(at + 8, top + 18, f"{total:.3g} s", 14))
    parts.append(_text(_LEFT, top + _BAR + 18, f"{rate:,.0f} tokens/s", 12))
    return parts


def _legend(names: Sequence[str], top: int) -> list[str]:
    parts = []
    for number, name in enumerate(names):
        x, y = 16 + number % 4 * 236, top + number // 4 * 24
        parts.append(
            f'<rect x="{x}" y="{y}" width="14" height="14" fill="{_COLORS.get(name, "#888888")}"/>'
        )
        parts.append(_text(x + 20, y + 12, name, 12))
    return parts


def _text(x: float, y: float, text: str, size: int) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="#222222">{escape(text)}</text>'
