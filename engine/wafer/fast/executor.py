"""The fast tier: runs a Program for real numbers.

Knows the Program, its packed weights and the kernels; nothing of text, files, cycles or how the
Program was made.  One thread at a time may call it.
"""

import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

from engine import scalars
from engine.errors import EngineError
from engine.model.tensors.tensor import Tensor
from engine.wafer.fast.kernels import attend
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import GROUP
from engine.wafer.fast.kernels.dot.path_table import PATHS, best_path, is_usable
from engine.wafer.fast.kernels.operands import Angles, KvCache, Quantised
from engine.wafer.fast.packing import Packed, pack
from engine.wafer.fast.step import Memory
from engine.wafer.fast.warm_up import compiled_loop, link, link_attention, warm_up
from engine.wafer.program.program import MAX_ROWS, Norm, Program

__all__ = ["Executor", "processor_path"]

_Number = TypeVar("_Number", np.uint16, np.float32)


def processor_path() -> str:
    """Return the name of the path that the kernels take on this processor."""
    return best_path().name


def _path(name: str | None) -> DotPath:
    """Return the named path, or the best one for None.

    Raises:
        EngineError: The processor does not have it.
    """
    if name is None:
        return best_path()
    usable = {path.name: path for path in PATHS if is_usable(path)}
    if name not in usable:
        raise EngineError(f"no kernel path {name!r} on this processor; it has {', '.join(usable)}")
    return usable[name]


class Executor:
    """A Program with its weights and KV cache in host memory."""

    def __init__(
        self,
        program: Program,
        tensors: Mapping[str, Tensor],
        *,
        threads: int,
        path: str | None = None,
    ) -> None:
        """Pack the weights and allocate the state.

        Args:
            program: What to run.
            tensors: The model's tensors by name.
            threads: Compute threads; results do not depend on it.
            path: Name of the path that the kernels take; None is the processor's best.  Results
                do not depend on it.

        Raises:
            EngineError: More threads than numba was started with, or a path that the processor
                does not have.
        """
        config: Any = numba.config  # its fields are made at run time
        limit = config.NUMBA_NUM_THREADS
        if not 1 <= threads <= limit:
            raise EngineError(
                f"{threads} compute threads asked for; 1 to {limit} are possible "
                "(NUMBA_NUM_THREADS raises the limit)"
            )
        self.program = program
        self.threads = threads
        self._path = _path(path)
        self.path_name = self._path.name
        self._packed = pack(program.matrices, tensors, threads)
        self._memory = _allocate(program, self._packed, threads)
        names = [buffer.name for buffer in program.buffers]
        self._logits_at = int(self._memory.buffers[names.index("logits"), 0])
        self.position = 0
        self.context_length = program.context_length

    @cached_property
    def _loop(self) -> Callable[..., None]:
        link(self._path, self._packed.storages, self._memory.panels)
        link_attention(self._path, self._memory.cache)
        return compiled_loop(self._memory)

    def warm_up(self, on_progress: Callable[[int, int, str], None]) -> None:
        """Compile or load every kernel, one after the other.

        Args:
            on_progress: Called with (done, total, label) before each and once at the end.

        Raises:
            EngineError: numba's compiler is switched off.
        """
        warm_up(self._path, self._packed.storages, self._memory, on_progress)

    def step(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        """Append ``tokens`` (M,), M ≤ `MAX_ROWS`, and return the last row's logits (V,).

        Raises:
            EngineError: No token, too many at once, an unknown id, or no room in the KV cache.
        """
        count = int(tokens.size)
        if not 1 <= count <= MAX_ROWS:
            raise EngineError(f"a step of {count} rows; 1 to {MAX_ROWS} are possible")
        if self.position + count > self.context_length:
            raise EngineError(
                f"{count} rows at position {self.position}: the KV cache holds "
                f"{self.context_length}; shorten the prompt or rewind"
            )
        if int(tokens.min()) < 0 or int(tokens.max()) >= self.program.vocabulary:
            raise EngineError(
                f"token ids from {tokens.min()} to {tokens.max()}; the vocabulary has "
                f"{self.program.vocabulary}"
            )
        if self.threads > 1:
            numba.set_num_threads(self.threads)
        self._loop(self.threads, self._memory, tokens, self.position)
        self.position += count
        start = self._logits_at + (count - 1) * self.program.vocabulary
        return np.array(self._memory.values[start : start + self.program.vocabulary])

    def step_by_instruction(self, tokens: NDArray[np.int32]) -> Iterator[int]:
        """Run a step one instruction at a time, so that a caller can look at every result.

        Args:
            tokens: The step's rows (M,), as for `step`.

        Yields:
            The number of the instruction that has just run; `value` gives its result.
        """
        table = self._memory.table
        for number in range(len(table)):
            memory = self._memory._replace(table=table[number : number + 1])
            self._loop(1, memory, tokens, self.position)
            yield number
        self.position += int(tokens.size)

    def value(self, name: str, rows: int) -> NDArray[np.float32]:
        """Return a copy of a buffer's first ``rows`` rows after a step, float32 (rows, width)."""
        names = [buffer.name for buffer in self.program.buffers]
        at, width = (int(n) for n in self._memory.buffers[names.index(name)])
        return np.array(self._memory.values[at : at + rows * width].reshape(rows, width))


def _allocate(program: Program, packed: Packed, threads: int) -> Memory:
    blocks, end = [], 0
    for buffer in program.buffers:
        blocks.append((end, buffer.width))
        end += buffer.width * MAX_ROWS
    attentions = program.attentions
    rotations, angles = _rotations(program)
    return Memory(
        table=np.ascontiguousarray(program.instructions),
        buffers=np.array(blocks, np.int64),
        matrices=packed.table,
        orders=np.array([(order.parts, order.group) for order in program.orders], np.int64),
        norms=np.array([norm.eps for norm in program.norms], np.float32),
        norm_shapes=np.array([_norm_shape(norm) for norm in program.norms], np.int64),
        activations=np.array([kind.number for kind in program.activations], np.int64),
        scalings=np.array(
            [(kind.scale, kind.softcap) for kind in program.scalings], np.float32
        ).reshape(-1, 2),
        rotations=rotations,
        attentions=np.array(
            [
                (kind.heads, kind.kv_heads, kind.head_dim, kind.dim_parts, kind.window)
                for kind in attentions
            ],
            np.int64,
        ),
        scores=np.array([(kind.scale, kind.softcap) for kind in attentions], np.float32),
        panels=packed.panels,
        vectors=packed.vectors,
        angles=angles,
        values=_zeros_by_page(end, np.float32),
        inputs=_inputs(program),
        partial=np.zeros(max(order.parts for order in program.orders), np.float32),
        cache=_cache(program),
        scratch=_scratch(program, threads),
    )


def _norm_shape(norm: Norm) -> tuple[int, int, int]:
    """Return what a kernel knows of a kind of norm besides its eps: see `Memory.norm_shapes`."""
    queries, keys = norm.heads or (0, 0)
    return int(norm.kind == "layer"), queries, keys


def _inputs(program: Program) -> Quantised:
    """Return room for the widest input of a product."""
    groups = MAX_ROWS * max(matrix.inputs for matrix in program.matrices) // GROUP
    return Quantised(
        levels=np.zeros(groups * GROUP, np.int8),
        scales=np.zeros(groups, np.float32),
        sums=np.zeros(2 * groups, np.int32),
    )


def _cache(program: Program) -> KvCache:
    # Kinds of attention differ in their constants; a placement gives all layers the same heads.
    kind, context = program.attentions[0], program.context_length
    heads = program.layers * kind.kv_heads
    return KvCache(
        keys=_zeros_by_page(heads * attend.key_numbers(context, kind.head_dim), np.uint16),
        values=_zeros_by_page(heads * attend.value_numbers(context, kind.head_dim), np.uint16),
        context=attend.padded(context),
        code=np.zeros(1, np.int64),
    )


def _scratch(program: Program, threads: int) -> NDArray[np.float32]:
    """Return what the pieces of an attention use while they are computed, for each thread."""
    dims = program.attentions[0].head_dim
    size = threads * attend.scratch_numbers(program.context_length, dims)
    return _zeros_by_page(size, np.float32)


def _zeros_by_page(size: int, kind: type[_Number]) -> NDArray[_Number]:
    """Return zeros (size,) of which a page takes memory once it is written to.

    NumPy asks for pages of 2 MB, on which the few positions that are used touch much of a cache:
    the heads lie a whole context apart from each other.
    """
    width = np.dtype(kind).itemsize
    room = mmap.mmap(-1, width * max(1, size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(AttributeError, OSError):  # a system that has no larger pages
        room.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(room, kind, size)


def _rotations(program: Program) -> tuple[NDArray[np.int64], Angles]:
    """Return a `Rotation` for each kind, (kinds, 2), and the angles of all kinds end to end."""
    rotations, cosines, sines, end = [], [], [], 0
    for kind in program.rotaries:
        cosine, sine = scalars.rotary_tables(
            kind.base, kind.head_dim, program.context_length, kind.factors
        )
        rotations.append((end, kind.head_dim))
        cosines.append(cosine.reshape(-1))
        sines.append(sine.reshape(-1))
        end += cosine.size
    return np.array(rotations, np.int64), Angles(np.concatenate(cosines), np.concatenate(sines))
