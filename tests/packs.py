"""Random packed matrices of any weight format, as a GGUF file holds them, and models of them."""

from dataclasses import replace

import numpy as np

from engine.model.tensors import FORMATS
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
    middle = 2.0 ** (format.weight_bits - 1)
    largest = middle * {"q4_k": 63, "q5_k": 63, "q6_k": 127}.get(format.name, 1)
    for at in _HALVES[packing.type_name]:
        numbers = (random.random(packs.shape[:2]) + 0.5) * scale / largest
        if at == 2:  # what is taken from every level: subtracted in K-quants, else added
            numbers *= middle if format.super_block else -middle
        halves = numbers.astype(np.float16)
        packs[:, :, at : at + 2] = halves[:, :, None].view(np.uint8)
    if format.weight_bits == 8:
        packs[:, :, 2:][packs[:, :, 2:] == 128] = 0  # −128 is no level
    return packs.reshape(shape[0], -1)


def packed(format, packs, inputs):
    """The tensor over such bytes."""
    return BlockTensor(format, (len(packs), inputs), lambda rows: packs[rows])


def random_packed(random, format, shape, scale=1.0):
    """A random matrix in a packed format."""
    return packed(format, random_packs(random, format, shape, scale), shape[1])


def repacked(model, formats, seed=0):
    """A model whose matrices are random ones of other formats, about as large as its own.

    Args:
        model: Whose shapes and vectors are taken; K-quants need inputs in multiples of 256.
        formats: Name of the format by a part of the tensor's name, the first that fits; what fits
            none stays as it is.  The part ``""`` fits all.
        seed: Another seed, other matrices.
    """
    random, tensors = np.random.default_rng(seed), dict(model.tensors)
    for name, shape in model.graph.weights.items():
        wanted = next((kind for part, kind in formats.items() if part in name), "int8")
        if len(shape) == 2 and wanted != "int8":
            deviation = 0.5 if "embed" in name else 1.5 / np.sqrt(shape[1])
            tensors[name] = random_packed(random, FORMATS[wanted], shape, 2 * float(deviation))
    return replace(model, tensors=tensors)
