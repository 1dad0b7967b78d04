"""Compiles every kernel before the first step, one after the other, so that progress shows.

A kernel is compiled for the types its annotations name.  Without this, the loop would compile them
all at once, in silence.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numba
import numpy as np

from engine.wafer.fast.kernels import lookup, multiply, operands
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.entries import address_of
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.step import Memory, run_step
from engine.wafer.program.operations import OPERATIONS, resolve

__all__ = ["compiled_loop", "kernels", "link", "samples", "signature", "warm_up"]

_KERNELS = "engine.wafer.fast.kernels"


_ENTRIES = (multiply.product, lookup.row)
"""The kernels of each storage, in the order of `operands.Panels.entries`."""


def warm_up(
    path: DotPath,
    storages: Sequence[Storage],
    memory: Memory,
    on_progress: Callable[[int, int, str], None],
) -> None:
    """Compile every kernel, or load it from the cache, and `link` those of the storages.

    Args:
        path: The path that steps will take.
        storages: Those of the panels.
        memory: What steps will read and write; but for the entries only types count.
        on_progress: Called with (done, total, label) before each kernel and once at the end.
    """
    given = samples(memory)
    work: dict[str, Callable[[], object]] = {
        f"products with {storage.name}": partial(_link, number, Products(path, storage), memory)
        for number, storage in enumerate(storages)
    }
    for label, dispatcher in kernels():
        work[label] = partial(dispatcher.compile, signature(dispatcher, given))
    for number, (label, compile) in enumerate(work.items()):
        on_progress(number, len(work), f"preparing {label}")
        compile()
    on_progress(len(work), len(work), "kernels are ready")


def link(path: DotPath, storages: Sequence[Storage], memory: Memory) -> None:
    """Write the addresses of the code for each storage into the panels; compile it if need be."""
    for number, storage in enumerate(storages):
        _link(number, Products(path, storage), memory)


def _link(number: int, products: Products, memory: Memory) -> None:
    given = samples(memory) | {Products: products}
    for entry, dispatcher in enumerate(_ENTRIES):
        address = address_of(dispatcher, signature(dispatcher, given))
        memory.panels.entries[number, entry] = address


def kernels() -> Iterator[tuple[str, Any]]:
    """Yield the label and the dispatcher of every kernel, the loop that calls them last."""
    for operation in OPERATIONS:
        for label, name in operation.kernels.items():
            yield label, resolve(_KERNELS, name)
    yield "program loop", run_step


def compiled_loop(memory: Memory) -> Callable[..., None]:
    """Return `run_step` compiled for arguments of these types.

    numba's own call looks at the type of every argument first, 8 µs a step; this one does not.
    """
    loop: Callable[..., None] = run_step.compile(signature(run_step, samples(memory)))
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


def samples(memory: Memory) -> dict[Any, Any]:
    """Return a value for every annotation of a kernel's parameter."""
    return {
        int: 0,
        operands.Float: memory.norms[0],
        operands.Floats: memory.values,
        operands.Tokens: np.zeros(1, np.int32),
        operands.Block: operands.Block(0, 1),
        operands.RowSpan: operands.RowSpan(0, 1),
        operands.SumOrder: operands.SumOrder(1, 1),
        operands.Pieces: operands.Pieces(0, 1),
        operands.Heads: operands.Heads(1, 1, 2, np.float32(1.0), 1, 1, 1),
        operands.Panels: memory.panels,
        operands.Quantised: memory.inputs,
        operands.KvCache: memory.cache,
        operands.Angles: memory.angles,
        operands.Rotation: operands.Rotation(0, 2),
        Memory: memory,
    }
