"""Which number type the matrix products of training use here.  Knows nothing of the model.

Weights, sums of gradients and optimiser states are float32 always.
"""

from __future__ import annotations

import torch

TYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def fastest(device: str) -> str:
    """Return the name of the type that a device multiplies fastest, among those that train well.

    A processor without instructions for bfloat16 emulates them: matrix products of this model's
    sizes ran at 6 to 10 GFLOP/s on one core with AVX2 alone, in float32 at 60 to 90.
    """
    if device == "cpu" and not torch.cpu._is_avx512_bf16_supported():
        return "float32"
    return "bfloat16"


def products(device: str, name: str) -> torch.autocast:
    """Return a context in which matrix products on a device have the named type."""
    wanted = TYPES[name]
    return torch.autocast(
        device, torch.bfloat16, enabled=wanted is not torch.float32, cache_enabled=False
    )


def of_products(device: torch.device) -> torch.dtype:
    """Return the type that the context around the caller gives matrix products."""
    if torch.is_autocast_enabled(device.type):
        return torch.get_autocast_dtype(device.type)
    return torch.float32
