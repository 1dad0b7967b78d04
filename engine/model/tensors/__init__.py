"""Weight tensors in memory: what each offers, and the table of their formats by name.

A format states its block, its bytes and how it dequantises (`engine.model.tensors.tensor`); a new
one is a module here and a line below.
"""

from collections.abc import Mapping

from engine.model.tensors.floats import FP16, FP32
from engine.model.tensors.ggml_quants import GGML_FORMATS
from engine.model.tensors.q8 import INT8
from engine.model.tensors.tensor import Format

__all__ = ["FORMATS", "packed_formats", "uniform_formats"]

FORMATS: dict[str, Format] = {format.name: format for format in (FP16, FP32, INT8, *GGML_FORMATS)}
"""Every format by name."""


def packed_formats() -> dict[str, Format]:
    """Return the formats that GGML packs, by the name of its type: ``"Q4_K"``."""
    return {f.packing.type_name: f for f in FORMATS.values() if f.packing is not None}


def uniform_formats(shapes: Mapping[str, tuple[int, ...]], matrix: Format) -> dict[str, Format]:
    """Return the formats of a model whose matrices all have the same, by tensor.

    Args:
        shapes: Shape of every tensor by name, as in ``ModelGraph.weights``.
        matrix: Format of the matrices, but of those whose inputs are no whole number of its
            packs, which are int8; vectors are fp32.
    """
    return {name: _of_shape(shape, matrix) for name, shape in shapes.items()}


def _of_shape(shape: tuple[int, ...], matrix: Format) -> Format:
    if len(shape) != 2:
        return FP32
    whole = matrix.packing is None or shape[1] % matrix.packing.inputs == 0
    return matrix if whole else INT8
