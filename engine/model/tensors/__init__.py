"""Weight tensors in memory, and the table of their formats by name.

A format states its block, its bytes and how it dequantises (`engine.model.tensors.tensor`); a new
one is a module here and a line below.
"""

from engine.model.tensors.floats import FP16, FP32
from engine.model.tensors.q8 import INT8
from engine.model.tensors.tensor import Format

__all__ = ["FORMATS"]

FORMATS: dict[str, Format] = {format.name: format for format in (FP16, FP32, INT8)}
"""Every format by name."""
