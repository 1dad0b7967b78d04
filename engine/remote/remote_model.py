"""RemoteModel: one model elsewhere, as those need it who have it write.  Asks nothing itself."""

from dataclasses import dataclass

from engine.remote.abilities import Abilities
from engine.remote.pricing import RemotePrices
from engine.remote.remote_text import TextSource
from engine.remote.remote_work import RemoteWork

__all__ = ["RemoteModel"]


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """How a model elsewhere is asked, and what of it is counted."""

    source: TextSource
    """Asks it."""
    abilities: Abilities
    """What it can do."""
    prices: RemotePrices
    """Price its tokens on the wafer."""
    work: RemoteWork
    """Counts them."""
