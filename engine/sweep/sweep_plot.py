"""The results of a sweep as a picture: cycles of a token over the context, as SVG.  Pure text."""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log2, log10
from typing import Any

from engine.sweep.grid import Point

__all__ = ["plot_sweep"]

_WIDTH, _HEIGHT = 960, 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 330, 50, 60
_INKS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#555555",
)  # fmt: skip
"""Told apart also by who sees few colours (Okabe and Ito, 2008)."""
_MOST_LINES = 20
_CYCLES = ("cycles_per_token", "cycles_simulated")


def plot_sweep(rows: Sequence[tuple[Point, dict[str, Any]]]) -> str:
    """Return a picture of all results that have cycles: a line for each machine, model and so on.

    Both axes are logarithmic.  All cycles are wafer time.
    """
    lines = _lines(rows)
    shown = dict(list(lines.items())[:_MOST_LINES])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="28" font-size="16">Wafer cycles of one token (emulated)</text>',
    ]
    if shown:
        parts += _drawn(shown)
    else:
        parts.append(f'<text x="{_LEFT}" y="80">no point has cycles</text>')
    if len(lines) > len(shown):
        y = _TOP + 22 * len(shown) + 18
        parts.append(
            f'<text x="{_WIDTH - _RIGHT + 20}" y="{y}">and {len(lines) - len(shown)} more</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _lines(
    rows: Sequence[tuple[Point, dict[str, Any]]],
) -> dict[str, list[tuple[float, float]]]:
    """Return the (context, cycles) of each line, by its name."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for point, result in rows:
        cycles = next((result[name] for name in _CYCLES if result.get(name)), None)
        if isinstance(cycles, int | float):
            context = point.context or result.get("context") or 1
            lines.setdefault(_name(point), []).append((float(context), float(cycles)))
    return {name: sorted(points) for name, points in lines.items()}


def _name(point: Point) -> str:
    model = point.model.rstrip("/").rpartition("/")[2].removesuffix(".gguf")
    parts = [model, point.machine]
    parts += [point.dtype] if point.dtype != "model" else []
    parts += [point.placement] if point.placement != "auto" else []
    return ", ".join(parts)


def _drawn(lines: dict[str, list[tuple[float, float]]]) -> list[str]:
    contexts = [x for points in lines.values() for x, _ in points]
    cycles = [y for points in lines.values() for _, y in points]
    low_x, high_x = floor(log2(min(contexts))), ceil(log2(max(contexts)))
    low_y, high_y = floor(log10(min(cycles))), ceil(log10(max(cycles)))
    high_x, high_y = max(high_x, low_x + 1), max(high_y, low_y + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (log2(x) - low_x) / (high_x - low_x)
        up = (log10(y) - low_y) / (high_y - low_y)
        width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return round(_LEFT + across * width, 1), round(_TOP + (1 - up) * height, 1)

    parts = _axes(place, (low_x, high_x), (low_y, high_y))
    for number, (name, points) in enumerate(lines.items()):
        ink = _INKS[number % len(_INKS)]
        dashes = "" if number < len(_INKS) else ' stroke-dasharray="6 4"'
        path = " ".join(f"{x},{y}" for x, y in (place(*point) for point in points))
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2"{dashes}/>'
        )
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{ink}"/>' for x, y in map(
            lambda point: place(*point), points)]  # fmt: skip
        y = _TOP + 22 * number + 8
        left = _WIDTH - _RIGHT + 20
        parts.append(
            f'<line x1="{left}" y1="{y}" x2="{left + 22}" y2="{y}" stroke="{ink}" '
            f'stroke-width="2"{dashes}/>'
            f'<text x="{left + 30}" y="{y + 4}">{escape(name)}</text>'
        )
    return parts


def _axes(place: Any, across: tuple[int, int], up: tuple[int, int]) -> list[str]:
    """Return the lines of the grid with their values."""
    parts = []
    for power in range(across[0], across[1] + 1):
        x, bottom = place(2**power, 10 ** up[0])
        parts.append(_grid_line(x, _TOP, x, bottom))
        parts.append(f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{2**power:,}</text>')
    for power in range(up[0], up[1] + 1):
        left, y = place(2 ** across[0], 10**power)
        parts.append(_grid_line(left, y, _WIDTH - _RIGHT, y))
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{10**power:,}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 14}" text-anchor="middle">KV rows (context)</text>'
    )
    return parts


def _grid_line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#dddddd"/>'
