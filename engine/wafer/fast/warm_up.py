"""Compiles every kernel before the first step, kernel by kernel, so that progress shows.

A kernel is compiled for the types its annotations name.  Without this, the loop would compile them
all at once, in silence.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numba
import numpy as np

from engine.errors import EngineError
from engine.model.tensors import FORMATS
from engine.wafer.fast.kernels import attend, lookup, multiply, operands, token_shares, wide
from engine.wafer.fast.kernels.attention_terms import AttentionCode
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.entries import address_of
from engine.wafer.fast.kernels.dot.products import Products
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.memory import Memory
from engine.wafer.fast.packing import tile_sizes
from engine.wafer.fast.panel_places import storage_of
from engine.wafer.fast.pieces import help_steps
from engine.wafer.fast.step import run_step
from engine.wafer.jit import kernel_cache
from engine.wafer.jit.compile_jobs import CompileJob, run_jobs
from engine.wafer.program.operations import OPERATIONS, resolve
from engine.wafer.program.program import Matrix

__all__ = [
    "ENTRIES",
    "compile_jobs",
    "compile_packers",
    "compiled_loop",
    "kernels",
    "link",
    "link_attention",
    "samples",
    "signature",
    "warm_up",
    "works",
]

_KERNELS = "engine.wafer.fast.kernels"


_LOOPS = (help_steps, run_step)
"""What steps run; both have the code of the operations' kernels in them."""

ENTRIES = (multiply.product, lookup.row, wide.wide_product)
"""The kernels of each storage, as `operands.Panels.entries` has them in its first columns."""


def works(matrices: Sequence[Matrix]) -> tuple[int, int]:
    """Return how many kernels pack a Program's weights, and how many run it."""
    storages = _storages(matrices)
    return len(_packers(storages)), len(storages) + 2 + len(dict(kernels()))


def compile_packers(
    matrices: Sequence[Matrix], on_progress: Callable[[int, int, str], None]
) -> None:
    """Compile what packs the weight formats of a Program, or load it from the cache.

    Args:
        matrices: The Program's table of weights.
        on_progress: Called with (done, total, label) before each packer and once at the end.

    Raises:
        EngineError: numba's compiler is switched off.
    """
    _require_compiler()
    packers = _packers(_storages(matrices))
    given = {operands.Bytes: np.zeros(1, np.uint8), operands.Places: np.zeros(1, np.int64)}
    for number, (packer, storage) in enumerate(packers.items()):
        on_progress(number, len(packers), f"preparing the packing of {storage.name}")
        sizes = {operands.TileSizes: tile_sizes(storage, 0)}
        packer.compile(signature(packer, given | sizes))
    on_progress(len(packers), len(packers), "packing the weights")


def _require_compiler() -> None:
    config: Any = numba.config  # its fields are made at run time
    if config.DISABLE_JIT:
        raise EngineError("the kernels need numba's compiler: unset NUMBA_DISABLE_JIT")


def _storages(matrices: Sequence[Matrix]) -> list[Storage]:
    """Return the storages of a Program, each once."""
    names = dict.fromkeys(name for matrix in matrices for name in matrix.formats)
    found = [storage_of(name) for name in names if FORMATS[name].is_quantised]
    return [storage for number, storage in enumerate(found) if storage not in found[:number]]


def _packers(storages: Sequence[Storage]) -> dict[Any, Storage]:
    """Return the kernels that pack, each with a storage that it packs."""
    return {storage.repack: storage for storage in storages if storage.repack is not None}


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
        memory: What steps will read and write; but for the panels only types count.
        on_progress: Called with (done, total, label) before each kernel and once at the end.

    Raises:
        EngineError: numba's compiler is switched off.
    """
    _require_compiler()
    jobs = compile_jobs(path, storages, memory)
    run_jobs(jobs, kernel_cache.used(), on_progress)
    link(path, storages, memory.panels)
    link_attention(path, memory.cache)
    on_progress(len(jobs), len(jobs), "kernels are ready")


def compile_jobs(path: DotPath, storages: Sequence[Storage], memory: Memory) -> list[CompileJob]:
    """Return what there is to compile, kernels before those that call them."""
    given = samples(memory)
    jobs = [
        CompileJob(f"products with {storage.name}", _entries(Products(path, storage), given), True)
        for storage in storages
    ]
    blocks = ((attend.piece, _signature_of_piece(path, memory.cache)),)
    shares = ((token_shares.probabilities, signature(token_shares.probabilities, given)),)
    return [
        *jobs,
        CompileJob("blocks of attention", blocks, True),
        CompileJob("probabilities of tokens", shares),
        *(
            CompileJob(
                label, ((dispatcher, signature(dispatcher, given)),), part=dispatcher not in _LOOPS
            )
            for label, dispatcher in kernels()
        ),
    ]


def _signature_of_piece(path: DotPath, cache: operands.KvCache) -> tuple[Any, ...]:
    """Return the numba types of `attend.piece` for a path."""
    code = AttentionCode(path.few_rows or path)
    return signature(attend.piece, {**_samples_of_attention(cache), AttentionCode: code})


def _entries(products: Products, given: Mapping[Any, Any]) -> tuple[tuple[Any, Any], ...]:
    """Return the kernels of a storage with their argument types.

    A path that has code for many rows only leaves the rest to another.
    """
    path, storage = products.path, products.storage
    few = Products(path.few_rows or path, storage)
    kinds = ((each, products if each is wide.wide_product else few) for each in ENTRIES)
    return tuple((each, signature(each, {**given, Products: kind})) for each, kind in kinds)


def link(path: DotPath, storages: Sequence[Storage], panels: operands.Panels) -> None:
    """Write what `operands.Panels.entries` says into panels; compile the code if need be."""
    given = _samples_of_entries(panels)
    for number, storage in enumerate(storages):
        _link(number, Products(path, storage), given)
    panels.entries[:, len(ENTRIES)] = path.wide_rows


def link_attention(path: DotPath, cache: operands.KvCache) -> None:
    """Write the address of an attention by a path into a cache; compile it if need be."""
    cache.code[0] = address_of(attend.piece, _signature_of_piece(path, cache))


def _link(number: int, products: Products, given: Mapping[Any, Any]) -> None:
    for entry, (dispatcher, types) in enumerate(_entries(products, given)):
        given[operands.Panels].entries[number, entry] = address_of(dispatcher, types)


def kernels() -> Iterator[tuple[str, Any]]:
    """Yield the label and the dispatcher of every kernel, the loop that calls them last."""
    for operation in OPERATIONS:
        for label, name in operation.kernels.items():
            yield label, resolve(_KERNELS, name)
    yield "loop of a helper", help_steps
    yield "program loop", run_step


def compiled_loop(loop: Any, memory: Memory) -> Callable[..., Any]:
    """Return `run_step` or `help_steps` compiled for arguments of these types.

    numba's own call looks at the type of every argument first, 8 µs a step; this one does not.
    """
    compiled: Callable[..., Any] = loop.compile(signature(loop, samples(memory)))
    return compiled


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
        **_samples_of_entries(memory.panels),
        operands.Float: memory.norms[0],
        operands.Doubles: np.zeros(1),
        operands.Tokens: np.zeros(1, np.int32),
        operands.Pieces: operands.Pieces(0, 1),
        **_samples_of_attention(memory.cache),
        operands.Angles: memory.angles,
        operands.Rotation: operands.Rotation(0, 2),
        Memory: memory,
    }


def _samples_of_attention(cache: operands.KvCache) -> dict[Any, Any]:
    """Return a value for every annotation of `attend.piece` but its code."""
    return {
        int: 0,
        operands.Floats: np.zeros(1, np.float32),
        operands.Block: operands.Block(0, 1),
        operands.RowSpan: operands.RowSpan(0, 1),
        operands.Heads: operands.Heads(1, 1, 2, np.float32(1.0), 1, 1, 1, 0, np.float32(0.0)),
        operands.KvCache: cache,
    }


def _samples_of_entries(panels: operands.Panels) -> dict[Any, Any]:
    """Return a value for every annotation of a kernel in `ENTRIES` but its products."""
    floats = np.zeros(1, np.float32)
    return {
        int: 0,
        operands.Floats: floats,
        operands.Block: operands.Block(0, 1),
        operands.RowSpan: operands.RowSpan(0, 1),
        operands.SumOrder: operands.SumOrder(1, 1),
        operands.Panels: panels,
        operands.Quantised: operands.Quantised(np.zeros(1, np.int8), floats, np.zeros(1, np.int32)),
    }
