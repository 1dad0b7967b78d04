"""Numbers and paths as short text for people.  Pure; what is no number is a dash, never a zero."""

import os
from math import isfinite
from pathlib import Path

from engine.units import size_text
from engine.visible_text import visible

__all__ = [
    "DASH",
    "bytes_text",
    "clock_text",
    "count_text",
    "file_size_text",
    "joules_text",
    "microseconds_text",
    "milliseconds_text",
    "path_text",
    "percent_text",
    "printable",
    "rate_text",
    "request_path",
    "short_count_text",
    "unread_text",
]

DASH = "–"
"""Stands for a value that was not measured."""


def count_text(value: float | None) -> str:
    """Return a whole number with its thousands apart: ``68 900``."""
    if (value := _known(value)) is None:
        return DASH
    return f"{round(value):,}".replace(",", " ")


def unread_text(left_out: int | None) -> str:
    """Return how many files of a repository suggestions do not learn from; empty if from all.

    Args:
        left_out: As `RepositoryStats.left_out`: None if nobody counted them.
    """
    if left_out == 0:
        return ""
    number = "" if left_out is None else f"{count_text(left_out)} "
    return f"{number}files farther away are not read: there are too many"


def short_count_text(value: float | None) -> str:
    """Return a number in at most five characters: ``950``, ``12.3k``, ``4.56M``, ``890M``."""
    if (value := _known(value)) is None:
        return DASH
    units = iter(("", "k", "M", "G", "T"))
    unit = next(units)
    while abs(value) >= 999.5 and unit != "T":
        value /= 1000
        unit = next(units)
    return f"{_three_digits(value)}{unit}" if unit else f"{value:.0f}"


def rate_text(value: float | None) -> str:
    """Return a rate per second: one decimal below 100, a whole number above."""
    if (value := _known(value)) is None:
        return DASH
    return f"{value:.1f}" if value < 99.95 else count_text(value)


def bytes_text(value: float | None) -> str:
    """Return a size in binary units: ``512 B``, ``31.2 KB``, ``12.6 MB``."""
    if (value := _known(value)) is None:
        return DASH
    units = iter(("B", "KB", "MB", "GB"))
    unit = next(units)
    while value >= 1023.5 and unit != "GB":
        value /= 1024
        unit = next(units)
    return f"{value:.0f} B" if unit == "B" else f"{_three_digits(value)} {unit}"


def file_size_text(value: float | None) -> str:
    """Return the size of a file in decimal units, as of downloads: ``491 MB``, ``1.12 GB``."""
    return DASH if (value := _known(value)) is None else size_text(value)


def milliseconds_text(value: float | None) -> str:
    """Return a duration given in milliseconds: ``8 ms``, ``142 ms``, ``1.3 s``."""
    if (value := _known(value)) is None:
        return DASH
    return f"{value:.0f} ms" if value < 999.5 else f"{value / 1000:.1f} s"


def microseconds_text(value: float | None) -> str:
    """Return a duration given in microseconds: ``480 µs``, ``3.36 ms``, ``1.02 s``."""
    if (value := _known(value)) is None:
        return DASH
    units = iter(("µs", "ms", "s"))
    unit = next(units)
    while value >= 999.5 and unit != "s":
        value /= 1000
        unit = next(units)
    return f"{_three_digits(value)} {unit}"


def joules_text(value: float | None) -> str:
    """Return an energy: ``179 µJ``, ``22.4 mJ``, ``2.02 J``."""
    if (value := _known(value)) is None:
        return DASH
    for unit, factor in (("J", 1), ("mJ", 1e-3), ("µJ", 1e-6)):
        if value >= 0.9995 * factor:
            return f"{_three_digits(value / factor)} {unit}"
    return f"{_three_digits(value / 1e-9)} nJ"


def percent_text(fraction: float | None) -> str:
    """Return a fraction (0–1) as a percentage of at most five characters."""
    if (fraction := _known(fraction)) is None:
        return DASH
    if 0 < fraction < 0.001:
        return "<0.1%"
    return "100%" if fraction >= 0.9995 else f"{fraction * 100:.1f}%"


def chance_text(fraction: float) -> str:
    """Return an estimated chance (0–1) in whole percent: ``41%``."""
    return f"{fraction * 100:.0f}%"


def clock_text(gigahertz: float) -> str:
    """Return a clock rate: ``0.85 GHz``."""
    return f"{gigahertz:g} GHz"


def path_text(path: Path, root: Path) -> str:
    """Return a path as people read it: relative to ``root`` if it lies inside, and `visible`."""
    return visible(request_path(path, root))


def request_path(path: Path, root: Path) -> str:
    """Return a path as the model reads it: relative to ``root`` if it lies inside."""
    return printable(path.relative_to(root) if path.is_relative_to(root) else path)


def printable(path: Path) -> str:
    """Return a path as text; � stands for bytes of its name that are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def _known(value: float | None) -> float | None:
    """Return a value that was measured and can be; else None."""
    return value if value is not None and isfinite(value) else None


def _three_digits(value: float) -> str:
    """Return ``value``, below 1000, with three significant digits."""
    if value < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
