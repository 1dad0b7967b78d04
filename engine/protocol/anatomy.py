"""What is told of single cores of the wafer: what they hold, pass on and run.

Bytes; wafer cycles; (column, row) on the wafer, origin north-west.  Depends on msgspec only.
"""

import msgspec

__all__ = ["ColorAtCore", "CoreMoment", "TileOfCore"]


class TileOfCore(msgspec.Struct, frozen=True):
    """A core's part of one tensor (outputs, inputs)."""

    tensor: str
    format: str
    """Name of its weight format."""
    inputs: tuple[int, int]
    """First input and the one after the last."""
    outputs: tuple[tuple[int, int], ...]
    """Runs of outputs, each by its first and the one after its last."""
    bytes: int


class ColorAtCore(msgspec.Struct, frozen=True):
    """One color at a router, named by its pattern."""

    name: str
    core_takes: bool
    core_gives: bool
    """Where neither: it only passes."""
    comes_from: str
    """``"north"``, ``"east"``, ``"south"`` or ``"west"``; empty where it begins here."""
    goes_to: str
    """The same; empty where it ends here."""
    wavelets: int
    """That leave the router for a neighbour, of one row of a step."""


class CoreMoment(msgspec.Struct, frozen=True):
    """One micro-step of a core; cycles count from the token's entry."""

    instruction: int
    """Number in the Program."""
    operation: str
    layer: int
    """−1 outside the layers."""
    kind: str
    """``compute``, ``send``, ``receive``, ``reduce`` or ``reduce and send``."""
    begin: int
    end: int
    mac: int
    vector: int
    comm: int
    pipe: int
    """Booked cycles by state; the rest of ``end − begin`` is waiting."""
    takes: tuple[str, ...]
    """Names of colors."""
    gives: tuple[str, ...]
