"""Units that appear in names and signatures, and the conversions between them; nothing else."""

from typing import NewType

__all__ = ["Bytes", "Cycles", "Gigahertz", "seconds", "tokens_per_second"]

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
