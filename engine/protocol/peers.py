"""A model's token beside other machines.

Both ends of the connection and ``--json`` use these types.  Depends on msgspec only.
"""

import msgspec

__all__ = ["PeerComparison", "PeerFigures"]


class PeerFigures(msgspec.Struct, frozen=True):
    """One decoded token at batch 1 on one machine."""

    name: str
    clock: str
    """Where the figures come from: ``"published"`` (a roofline of published peaks), ``"measured"``
    (this computer) or ``"emulated"`` (the wafer)."""
    tokens_per_second: float | None
    """None: ``bound`` says why, or nothing was measured yet."""
    off_chip_bytes_per_token: int
    """Weights, keys and values read from a memory outside the chip."""
    synchronisations_per_token: int | None
    """Published and measured: the fewest, one between two products.  Emulated: collectives."""
    joules_per_token: float | None
    """Published power × that time; on the wafer the likely reading of `wafer plan`.  None: no power
    is published, or none is measured."""
    bound: str
    """What the rate comes from: ``"memory"`` or ``"operations"`` of a roofline, ``"measured"``,
    ``"cycles"``.  Or why there is none: ``"too large"`` for its memory, ``"on chip"``: it stays in
    the chip's cache, and the memory's peak bounds nothing."""
    source: str


class PeerComparison(msgspec.Struct, frozen=True):
    """A model on all of them."""

    model: str
    machine: str
    """The emulated one."""
    clock_ghz: float
    position: int
    """KV rows before the token; on this computer the mean of what was measured may be another."""
    weight_bytes: int
    kv_bytes: int
    macs: int
    peers: list[PeerFigures]
    """The wafer first, then this computer, then the others."""
