"""Compiles every kernel before the first step, one after the other, so that progress shows.

A kernel is compiled for the types its annotations name.  Without this, the loop would compile them
all at once, in silence.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numba
import numpy as np

from engine.wafer.fast.kernels import operands
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import TileLayout
from engine.wafer.fast.step import Memory, run_step
from engine.wafer.program.operations import OPERATIONS, resolve

__all__ = ["compiled_loop", "kernels", "samples", "signature", "warm_up"]

_KERNELS = "engine.wafer.fast.kernels"


def warm_up(path: DotPath, memory: Memory, on_progress: Callable[[int, int, str], None]) -> None:
    """Compile every kernel, or load it from the cache.

    Args:
        path: The path that steps will take.
        memory: What steps will read and write; only types count.
        on_progress: Called with (done, total, label) before each kernel and once at the end.
    """
    given = samples(path, memory)
    work = dict(kernels())
    for number, (label, dispatcher) in enumerate(work.items()):
        on_progress(number, len(work), f"preparing {label}")
        dispatcher.compile(signature(dispatcher, given))
    on_progress(len(work), len(work), "kernels are ready")


def kernels() -> Iterator[tuple[str, Any]]:
    """Yield the label and the dispatcher of every kernel, the loop that calls them last."""
    for operation in OPERATIONS:
        for label, name in operation.kernels.items():
            yield label, resolve(_KERNELS, name)
    yield "program loop", run_step


def compiled_loop(path: DotPath, memory: Memory) -> Callable[..., None]:
    """Return `run_step` compiled for arguments of these types.

    numba's own call looks at the type of every argument first, 8 µs a step; this one does not.
    """
    loop: Callable[..., None] = run_step.compile(signature(run_step, samples(path, memory)))
    return loop


def signature(dispatcher: Any, given: Mapping[Any, Any]) -> tuple[Any, ...]:
    """Return the numba types of a kernel's parameters.

    Args:
        dispatcher: The kernel.
        given: For each annotation a value of the type that steps use.
    """
    typeof: Any = numba.typeof
    parameters = inspect.signature(dispatcher.py_func).parameters.values()
    return tuple(typeof(given[parameter.annotation]) for parameter in parameters)


def samples(path: DotPath, memory: Memory) -> dict[Any, Any]:
    """Return a value for every annotation of a kernel's parameter."""
    return {
        int: 0,
        operands.Float: memory.norms[0],
        operands.Floats: memory.values,
        operands.Tokens: np.zeros(1, np.int32),
        operands.Block: operands.Block(0, 1),
        operands.RowSpan: operands.RowSpan(0, 1),
        operands.SumOrder: operands.SumOrder(1, 1),
        operands.Tiles: operands.Tiles(0, 1, 1),
        operands.Heads: operands.Heads(1, 1, 2, np.float32(1.0), 1, 1, 1, 0, np.float32(0.0)),
        operands.Panels: memory.panels,
        operands.Quantised: memory.inputs,
        operands.KvCache: memory.cache,
        operands.Angles: memory.angles,
        operands.Rotation: operands.Rotation(0, 2),
        TileLayout: memory.layout,
        DotPath: path,
        Memory: memory,
    }
