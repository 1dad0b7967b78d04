"""Units that appear in names and signatures, conversions between them, and sizes in words."""

from typing import NewType

__all__ = ["Bytes", "Cycles", "Gigahertz", "seconds", "size_text", "tokens_per_second"]

Cycles = NewType("Cycles", int)
"""Emulated wafer cycles: wafer time, never host time."""

Bytes = NewType("Bytes", int)
"""Bytes of a core's SRAM or of a file."""

Gigahertz = NewType("Gigahertz", float)
"""A named clock: cycles per nanosecond."""


def seconds(cycles: float, clock: Gigahertz) -> float:
    """Return the wafer seconds that ``cycles`` take at ``clock``.

    Example:
        >>> seconds(850, Gigahertz(0.85))
        1e-06
    """
    return cycles / (clock * 1e9)


def tokens_per_second(cycles_per_token: float, clock: Gigahertz) -> float:
    """Return emulated tokens per second for one token every ``cycles_per_token``."""
    return clock * 1e9 / cycles_per_token


def size_text(size_bytes: float) -> str:
    """Return the size of a file in decimal units, as of downloads.

    Example:
        >>> size_text(491_400_064), size_text(1_117_320_768), size_text(6_500_000)
        ('491 MB', '1.12 GB', '6.5 MB')
        >>> size_text(286_720), size_text(1500), size_text(512)
        ('287 KB', '1.5 KB', '512 B')
    """
    if size_bytes >= 999.5e6:
        return f"{size_bytes / 1e9:.2f} GB"
    if size_bytes < 999.5:
        return f"{size_bytes:.0f} B"
    if size_bytes < 999.5e3:
        return (
            f"{size_bytes / 1e3:.0f} KB" if size_bytes >= 9.95e3 else f"{size_bytes / 1e3:.1f} KB"
        )
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 9.95e6 else f"{size_bytes / 1e6:.1f} MB"
