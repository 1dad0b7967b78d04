"""Draws bars and history lines with block characters.  Pure: numbers in, `rich.text.Text` out."""

from collections.abc import Sequence

from rich.text import Text

__all__ = ["history_lines", "progress_bar", "stacked_bar"]

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def progress_bar(width: int, fraction: float, style: str, rest_style: str) -> Text:
    """Return a thin bar of ``width`` cells, filled in half cells up to ``fraction`` (0–1)."""
    halves = round(min(max(fraction, 0.0), 1.0) * width * 2)
    full, half = divmod(halves, 2)
    text = Text("━" * full, style=style, end="")
    text.append("╸" * half, style=style)
    text.append("─" * (width - full - half), style=rest_style)
    return text


def stacked_bar(
    width: int, parts: Sequence[tuple[float, str]], total: float, rest_style: str
) -> Text:
    """Return a bar of ``width`` cells with one colour per part.

    A part that is not zero gets at least one cell, so that nothing small disappears.  The cells of
    all parts together follow their sum.

    Args:
        width: Cells of the whole bar.
        parts: (amount, style) from left to right.
        total: The amount the whole bar stands for.
        rest_style: Style of what no part covers.
    """
    text = Text(end="")
    done = 0.0
    used = 0
    for amount, style in parts:
        done += amount
        end = min(width, round(width * done / total)) if total > 0 else 0
        cells = max(end - used, 1 if amount > 0 and used < width else 0)
        text.append("█" * cells, style=style)
        used += cells
    text.append("░" * (width - used), style=rest_style)
    return text


def history_lines(values: Sequence[float | None], width: int, height: int) -> list[str]:
    """Return ``height`` lines of ``width`` columns, the newest value rightmost.

    Columns reach from zero to the largest value shown.  A measured value shows at least an eighth
    of a cell; a value that was not measured leaves its column empty.
    """
    recent = list(values)[-width:]
    shown: list[float | None] = [None] * (width - len(recent))
    shown += recent
    top = max((value for value in shown if value is not None), default=0.0)
    eighths = [
        0 if value is None else max(1, round(value / top * height * 8)) if top > 0 else 1
        for value in shown
    ]
    return [
        "".join(_EIGHTHS[min(max(column - row * 8, 0), 8)] for column in eighths)
        for row in reversed(range(height))
    ]
