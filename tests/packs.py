"""Random packed matrices of any weight format, as a GGUF file holds them."""

import numpy as np

from engine.model.tensors.block_tensor import BlockTensor

_HALVES = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,),
    "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,),
}  # fmt: skip
"""Where the fp16 numbers of a pack lie."""


def random_packs(random, format, shape, scale=1.0):
    """The bytes of a matrix, uint8 (N, bytes of a row), whose weights are around ``scale``."""
    packing = format.packing
    packs = random.integers(0, 256, (shape[0], shape[1] // packing.inputs, packing.bytes))
    packs = packs.astype(np.uint8)
    largest = 2.0 ** (format.weight_bits - 1) * (127 if format.name == "q6_k" else 1)
    largest *= 63 if format.name in ("q4_k", "q5_k") else 1
    for at in _HALVES[packing.type_name]:
        numbers = (random.random(packs.shape[:2]) + 0.5) * scale / largest
        sign = -1 if at == 2 and format.super_block == 0 else 1  # q4_1 and q5_1 add it
        numbers = (numbers * sign * (8 if at == 2 and sign < 0 else 1)).astype(np.float16)
        packs[:, :, at : at + 2] = numbers[:, :, None].view(np.uint8)
    if format.weight_bits == 8:
        packs[:, :, 2:][packs[:, :, 2:] == 128] = 0  # −128 is no level
    return packs.reshape(shape[0], -1)


def packed(format, packs, inputs):
    """The tensor over such bytes."""
    return BlockTensor(format, (len(packs), inputs), lambda rows: packs[rows])


def random_packed(random, format, shape, scale=1.0):
    """A random matrix in a packed format."""
    return packed(format, random_packs(random, format, shape, scale), shape[1])
