"""A rectangle of cores that is at work at one moment: what the wafer map paints over itself."""

from dataclasses import dataclass

__all__ = ["ActiveRegion"]


@dataclass(frozen=True, slots=True)
class ActiveRegion:
    """Cores at work; (column, row) on the wafer, origin north-west."""

    x: int
    y: int
    width: int
    height: int
    strength: float
    """How bright it is drawn, 0–1."""
    name: str
    """For a person: ``"layer 3"``."""
