"""The fast tier: runs a Program for real numbers.

Knows the Program, its packed weights and the kernels; nothing of text, files, cycles or how the
Program was made.  One thread at a time may call it.
"""

import mmap
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import scalars
from engine.errors import EngineError, StepInterruptedError
from engine.model.tensors.tensor import Tensor
from engine.probabilities import LANES, Logits, Shares
from engine.wafer.fast.kept_panels import KeptPanels
from engine.wafer.fast.kernels import attend, token_shares
from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import GROUP
from engine.wafer.fast.kernels.dot.path_table import PATHS, best_path, is_usable
from engine.wafer.fast.kernels.operands import Angles, KvCache, Quantised
from engine.wafer.fast.kv_contexts import KvContexts
from engine.wafer.fast.memory import Memory, Own
from engine.wafer.fast.packing import Packed, begin_packing
from engine.wafer.fast.pieces import WORTH_SHARING, help_steps, own_size
from engine.wafer.fast.step import run_step
from engine.wafer.fast.threads.choice import ThreadChoice
from engine.wafer.fast.threads.pool import Pool
from engine.wafer.fast.warm_up import compiled_loop, link, link_attention, warm_up
from engine.wafer.program.isa import Field
from engine.wafer.program.program import MAX_ROWS, Norm, Program

__all__ = ["KERNELS_VARIABLE", "MAX_THREADS", "Executor", "processor_path"]

KERNELS_VARIABLE = "SPARK_KERNELS"
"""The environment variable that names the path to take where nobody else does."""

MAX_THREADS = 64
"""Compute threads of an executor, at most: beyond that a decoded token is all hand-overs."""

_Number = TypeVar("_Number", np.uint16, np.float32)


def processor_path() -> str:
    """Return the name of the path that the kernels take on this processor.

    Raises:
        EngineError: ``SPARK_KERNELS`` names one that the processor does not have.
    """
    return _path(None).name


def _path(name: str | None) -> DotPath:
    """Return the named path; for None that of ``SPARK_KERNELS``, or the best one.

    Raises:
        EngineError: The processor does not have it.
    """
    masked = os.environ.get(KERNELS_VARIABLE) if name is None else None
    wanted = name or masked
    if not wanted:
        return best_path()
    usable = {path.name: path for path in PATHS if is_usable(path)}
    if wanted not in usable:
        asked = f"{KERNELS_VARIABLE}={masked}: " if masked else ""
        known = ", ".join(usable)
        raise EngineError(f"{asked}no kernel path {wanted!r} on this processor; it has {known}")
    return usable[wanted]


class Executor:
    """A Program with its weights and KV caches in host memory."""

    def __init__(
        self,
        program: Program,
        tensors: Mapping[str, Tensor],
        *,
        threads: int,
        path: str | None = None,
        kept: KeptPanels | None = None,
    ) -> None:
        """Begin to pack the weights and allocate the state; the first step waits for the weights.

        Args:
            program: What to run.
            tensors: The model's tensors by name.
            threads: Compute threads; results do not depend on it.
            path: Name of the path that the kernels take; None is the processor's best.  Results
                do not depend on it.
            kept: Where packed weights are kept between starts; None: nowhere.

        Raises:
            EngineError: More threads than are possible, or a path that the processor does not have.
        """
        if not 1 <= threads <= MAX_THREADS:
            raise EngineError(
                f"{threads} compute threads asked for; 1 to {MAX_THREADS} are possible"
            )
        self.program = program
        self.threads = threads
        self._path = _path(path)
        self.path_name = self._path.name
        self._packed = begin_packing(program.matrices, tensors, threads, kept)
        kind, code = program.attentions[0], np.zeros(1, np.int64)  # one address for all caches
        self.contexts = KvContexts(
            program.layers * kind.kv_heads,
            program.context_length,
            lambda positions: _cache(program, positions, code),
        )
        """The KV caches; steps use the selected one."""
        self._pool, self._choice = Pool(threads, WORTH_SHARING), ThreadChoice(threads)
        self._memory = _allocate(program, self._packed, self._pool, self.contexts.selected)
        names = [buffer.name for buffer in program.buffers]
        self._logits_at = int(self._memory.buffers[names.index("logits"), 0])
        self._tables = {1: self._memory.table}  # by how many rows have logits
        self.context_length = program.context_length

    @property
    def position(self) -> int:
        """Rows in the selected KV cache; the next step begins there."""
        return self.contexts.position

    @position.setter
    def position(self, rows: int) -> None:
        self.contexts.position = rows

    @cached_property
    def _loop(self) -> Callable[..., bool]:
        self.finish_packing()
        link(self._path, self._packed.storages, self._memory.panels)
        link_attention(self._path, self._memory.cache)
        return compiled_loop(run_step, self._memory)

    @cached_property
    def _help(self) -> Callable[[int], None]:
        """What a helper runs; it holds the memory, and not the executor."""
        return partial(compiled_loop(help_steps, self._memory), self._memory)

    def finish_packing(self) -> None:
        """Wait until all weights are packed.

        Raises:
            WeightsError: A tensor has a value that its format does not allow.
        """
        self._packed.filling.wait()

    def warm_up(self, on_progress: Callable[[int, int, str], None]) -> None:
        """Compile or load every kernel, one after the other, and start the threads that help.

        Args:
            on_progress: Called with (done, total, label) before each and once at the end.

        Raises:
            EngineError: numba's compiler is switched off.
        """
        warm_up(self._path, self._packed.storages, self._memory, on_progress)
        if self.threads > 1:
            self._pool.start(self._help)

    def step(self, tokens: NDArray[np.int32], last: int = 1) -> NDArray[np.float32]:
        """Append ``tokens`` (M,), M ≤ `MAX_ROWS`, and return logits, (last, V).

        Args:
            tokens: Token ids.
            last: How many rows at the end of the step have logits, 1 … M.

        Raises:
            EngineError: No token, too many at once, an unknown id, or no room in the KV cache.
            StepInterruptedError: `interrupt` was called.  The KV cache has the rows it had.
        """
        count = int(tokens.size)
        if not 1 <= count <= MAX_ROWS:
            raise EngineError(f"a step of {count} rows; 1 to {MAX_ROWS} are possible")
        if self.position + count > self.context_length:
            raise EngineError(
                f"{count} rows at position {self.position}: the KV cache holds "
                f"{self.context_length}; shorten the prompt or rewind"
            )
        ids = tokens.tolist()  # of one token much faster than its array's least and largest
        if min(ids) < 0 or max(ids) >= self.program.vocabulary:
            raise EngineError(
                f"token ids from {min(ids)} to {max(ids)}; the vocabulary has "
                f"{self.program.vocabulary}"
            )
        self.contexts.make_room(self.position + count)
        if not self._run(self._with_logits(last), tokens):
            self._memory.stop[0] = 0
            raise StepInterruptedError("the step was interrupted; ask for it again")
        self.position += count
        width = self.program.vocabulary
        start = self._logits_at + (count - last) * width
        return np.array(self._memory.values[start : start + last * width].reshape(last, width))

    def _with_logits(self, last: int) -> Memory:
        """Return the memory whose table computes logits for so many of the last rows."""
        if last not in self._tables:
            table = self._memory.table.copy()
            table[:, Field.LAST_ROW] *= last
            self._tables[last] = table
        return self._memory._replace(table=self._tables[last], cache=self.contexts.selected)

    def probabilities(self, logits: Logits) -> Shares:
        """Return the probabilities that logits (V,) stand for; at least one is above −inf."""
        shares = np.empty(len(logits))
        token_shares.probabilities(
            np.ascontiguousarray(logits), logits.max(), np.empty(LANES), shares
        )
        return shares

    def interrupt(self) -> None:
        """Let the step that runs, or else the next one, end before its next instruction.

        Any thread.
        """
        self._memory.stop[0] = 1

    def _run(self, memory: Memory, tokens: NDArray[np.int32]) -> bool:
        """Run the loop with as many threads as the last steps advise; False if it was stopped."""
        if self.threads == 1:
            return self._loop(1, memory, tokens, self.position)
        self._pool.start(self._help)
        rows = int(tokens.size)
        threads = self._choice.threads(rows)
        start, worked = time.perf_counter(), time.thread_time()
        done = self._loop(threads, memory, tokens, self.position)
        seconds, worked = time.perf_counter() - start, time.thread_time() - worked
        helped, offered = self._pool.shared()
        if done:  # the time of a part of a step says nothing of its rows
            share = helped / offered if offered else 1.0
            self._choice.note(rows, seconds, worked / seconds, share)
        self._pool.keep(memory.cache)
        return done

    def close(self) -> None:
        """End the threads that help; another step would start others."""
        self._pool.close()

    def step_by_instruction(self, tokens: NDArray[np.int32]) -> Iterator[int]:
        """Run a step one instruction at a time, so that a caller can look at every result.

        Args:
            tokens: The step's rows (M,), as for `step`.

        Yields:
            The number of the instruction that has just run; `value` gives its result.
        """
        table = self._memory.table
        self.contexts.make_room(self.position + int(tokens.size))
        for number in range(len(table)):
            memory = self._memory._replace(
                table=table[number : number + 1], cache=self.contexts.selected
            )
            self._loop(1, memory, tokens, self.position)
            yield number
        self.position += int(tokens.size)

    def value(self, name: str, rows: int) -> NDArray[np.float32]:
        """Return a copy of a buffer's first ``rows`` rows after a step, float32 (rows, width)."""
        names = [buffer.name for buffer in self.program.buffers]
        at, width = (int(n) for n in self._memory.buffers[names.index(name)])
        return np.array(self._memory.values[at : at + rows * width].reshape(rows, width))


def _allocate(program: Program, packed: Packed, pool: Pool, cache: KvCache) -> Memory:
    blocks, end = [], 0
    for buffer in program.buffers:
        blocks.append((end, buffer.width))
        end += buffer.width * MAX_ROWS
    attentions = program.attentions
    rotations, angles = _rotations(program)
    own = Own(end, own_size(program), max(order.parts for order in program.orders))
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
        values=_zeros_by_page(end + (pool.threads - 1) * own.size, np.float32),
        inputs=_inputs(program, pool.threads),
        partial=np.zeros(pool.threads * own.parts, np.float32),
        scratch=_scratch(program, pool.threads),
        cache=cache,
        stop=np.zeros(1, np.int64),
        own=own,
        shares=pool.shares,
    )


def _norm_shape(norm: Norm) -> tuple[int, int, int]:
    """Return what a kernel knows of a kind of norm besides its eps: see `Memory.norm_shapes`."""
    queries, keys = norm.heads or (0, 0)
    return int(norm.kind == "layer"), queries, keys


def _inputs(program: Program, threads: int) -> Quantised:
    """Return room for the widest input of a product, for each thread."""
    groups = threads * MAX_ROWS * max(matrix.inputs for matrix in program.matrices) // GROUP
    return Quantised(
        levels=np.zeros(groups * GROUP, np.int8),
        scales=np.zeros(groups, np.float32),
        sums=np.zeros(2 * groups, np.int32),
    )


def _cache(program: Program, positions: int, code: NDArray[np.int64]) -> KvCache:
    """Return an empty KV cache with room for some positions; see `KvCache.code`."""
    # Kinds of attention differ in their constants; a placement gives all layers the same heads.
    kind = program.attentions[0]
    heads = program.layers * kind.kv_heads
    return KvCache(
        keys=_zeros_by_page(heads * attend.key_numbers(positions, kind.head_dim), np.uint16),
        values=_zeros_by_page(heads * attend.value_numbers(positions, kind.head_dim), np.uint16),
        context=attend.padded(positions),
        code=code,
    )


def _scratch(program: Program, threads: int) -> NDArray[np.float32]:
    """Return what the pieces of an attention use while they are computed, (threads, numbers)."""
    dims = program.attentions[0].head_dim
    size = attend.scratch_numbers(program.context_length, dims)
    return _zeros_by_page(threads * size, np.float32).reshape(threads, size)


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
