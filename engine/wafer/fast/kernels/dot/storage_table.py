"""All storages by name: one for each weight format that runs packed, and those for all others."""

from engine.wafer.fast.kernels.dot.level_code import EIGHT_BITS, FIVE_BITS, FOUR_BITS, SIX_BITS
from engine.wafer.fast.kernels.dot.repack import (
    repack_blocks,
    repack_bytes,
    repack_sixteens,
    repack_supers,
)
from engine.wafer.fast.kernels.dot.scale_code import (
    HALVES,
    HALVES_AND_MINIMA,
    SHARED_AND_MINIMA,
    SHARED_OF_SIXTEEN,
    WHOLE,
    WHOLE_AND_MINIMA,
    WHOLE_OF_SIXTEEN,
)
from engine.wafer.fast.kernels.dot.storage import Storage

__all__ = ["STORAGES", "plain_storage"]

_PLAIN, _PLAIN_MINIMA, _PLAIN_SIXTEEN = "plain", "plain with minima", "plain of sixteen"

STORAGES: dict[str, Storage] = {
    storage.name: storage
    for storage in (
        Storage("int8", EIGHT_BITS, 128, HALVES, repack_bytes),
        Storage("q4_0", FOUR_BITS, 8, HALVES, repack_blocks),
        Storage("q4_1", FOUR_BITS, 0, HALVES_AND_MINIMA, repack_blocks),
        Storage("q5_0", FIVE_BITS, 16, HALVES, repack_blocks),
        Storage("q5_1", FIVE_BITS, 0, HALVES_AND_MINIMA, repack_blocks),
        Storage("q4_k", FOUR_BITS, 0, SHARED_AND_MINIMA, repack_supers),
        Storage("q5_k", FIVE_BITS, 0, SHARED_AND_MINIMA, repack_supers),
        Storage("q6_k", SIX_BITS, 32, SHARED_OF_SIXTEEN, repack_sixteens),
        Storage(_PLAIN, EIGHT_BITS, 128, WHOLE),
        Storage(_PLAIN_MINIMA, EIGHT_BITS, 128, WHOLE_AND_MINIMA),
        Storage(_PLAIN_SIXTEEN, EIGHT_BITS, 128, WHOLE_OF_SIXTEEN),
    )
}
"""Every storage by name; a weight format that has none of its name takes a plain one."""


def plain_storage(block: int, *, minima: bool) -> Storage:
    """Return the storage for levels of at most 8 bits and float32 scales.

    Args:
        block: Inputs that share a scale, 32 or 16.
        minima: Whether there are minima; only with 32.
    """
    if block == 16:
        return STORAGES[_PLAIN_SIXTEEN]
    return STORAGES[_PLAIN_MINIMA if minima else _PLAIN]
