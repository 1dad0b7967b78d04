"""Steps that every container takes with a tensor that it found: finite, quantised, told by name."""

from collections.abc import Sequence

import numpy as np

from engine.errors import WeightsError
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import Q8Tensor, quantise
from engine.model.tensors.tensor import Tensor

__all__ = ["counted", "finite_floats", "quantised"]

_NAMES_SHOWN = 5


def finite_floats(tensor: Tensor, where: str) -> FloatTensor:
    """Return what a tensor stands for, as float32.

    Args:
        tensor: The tensor.
        where: File and tensor, as the beginning of an error message.

    Raises:
        WeightsError: A value is not finite.
    """
    values = tensor.dequantise()
    if not np.isfinite(values).all():
        raise WeightsError(f"{where}: a value is not finite (NaN or infinite)")
    return FloatTensor(values)


def quantised(tensor: Tensor, where: str) -> Q8Tensor:
    """Return a matrix of floats in int8.

    Args:
        tensor: The matrix.
        where: File and tensor, as the beginning of an error message.

    Raises:
        WeightsError: A value is not finite, or too large for int8.
    """
    try:
        return quantise(tensor)
    except WeightsError as error:
        raise WeightsError(f"{where}: {error}") from error


def counted(names: Sequence[str]) -> str:
    """Return the first of some tensors' names and how many there are, with the verb."""
    printable = [name if name.isprintable() else repr(name) for name in names[:_NAMES_SHOWN]]
    shown = ", ".join(printable) + (", …" if len(names) > _NAMES_SHOWN else "")
    return f"1 tensor ({shown}) is" if len(names) == 1 else f"{len(names)} tensors ({shown}) are"
