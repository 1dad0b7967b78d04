"""The roofline of one token at batch 1 on a peer: a bound from its published peaks, not a forecast.

Source: Williams, Waterman, Patterson, "Roofline", CACM 52(4), 2009: the time is the larger of
bytes ÷ bandwidth and operations ÷ rate.

Assumed: every byte of the weights and of the KV rows is read once from the memory beside the chip,
at its peak bandwidth; activations stay on the chip; the packed weights are what is read; nothing
waits.  Real programs reach a part of that.
"""

from dataclasses import dataclass

from engine.peers.peer import Peer
from engine.protocol.peers import PeerFigures

__all__ = ["TokenWork", "roofline"]


@dataclass(frozen=True, slots=True)
class TokenWork:
    """What one decoded token asks of any machine."""

    weight_bytes: int
    """Of all matrices, packed as the model has them."""
    kv_bytes: int
    """Of the keys and values it attends to, fp16."""
    macs: int
    dependent_steps: int
    """Products and attentions of which each needs all of the one before: with everything else
    fused into them, the fewest times that all units of a chip wait for each other."""

    @property
    def bytes_read(self) -> int:
        """Bytes that a machine reads which keeps the model beside its chip."""
        return self.weight_bytes + self.kv_bytes


def roofline(peer: Peer, work: TokenWork) -> PeerFigures:
    """Return the least time of a token on a peer, as a rate, and what follows from it.

    The energy is the published power times that time.  A model that stays in the chip's cache has
    no roofline of memory, and gets no figure: its peaks say nothing about it.
    """
    bound, seconds = _bound(peer, work)
    return PeerFigures(
        name=peer.name,
        clock="published",
        tokens_per_second=None if seconds is None else 1 / seconds,
        off_chip_bytes_per_token=0 if bound == "on chip" else work.bytes_read,
        synchronisations_per_token=work.dependent_steps,
        joules_per_token=None if seconds is None or peer.watts is None else peer.watts * seconds,
        bound=bound,
        source="; ".join(peer.sources),
    )


def _bound(peer: Peer, work: TokenWork) -> tuple[str, float | None]:
    """Return what bounds a token, and its least seconds; None where the peaks tell none."""
    if work.bytes_read > peer.memory_bytes:
        return "too large", None
    if peer.on_chip_bytes is not None and work.bytes_read <= peer.on_chip_bytes:
        return "on chip", None
    memory = work.bytes_read / peer.memory_bytes_per_second
    rate = peer.operations_per_second
    operations = 0.0 if rate is None else 2 * work.macs / rate
    return ("memory", memory) if memory >= operations else ("operations", operations)
