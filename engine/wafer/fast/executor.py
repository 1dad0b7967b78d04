"""The fast tier: runs a Program for real numbers.

Knows the Program, its packed weights and the kernels; nothing of text, files, cycles or how the
Program was made.  One thread at a time may call it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from engine import scalars
from engine.errors import EngineError
from engine.wafer.fast.kernels import attend, dot, multiply, vectors
from engine.wafer.fast.packing import pack
from engine.wafer.fast.step import Memory, run_step
from engine.wafer.program.program import Program

__all__ = ["MAX_ROWS", "Executor", "processor_path"]

MAX_ROWS = 64
"""Rows of one step at most: a prefill chunk."""


def processor_path(portable: bool = False) -> str:
    """Return the name of the kernels' path on this processor."""
    return dot.path_name(_path(portable))


def _path(portable: bool) -> dot.Path:
    return dot.PORTABLE if portable else dot.best_path()


class Executor:
    """A Program with its weights and KV cache in host memory."""

    def __init__(
        self, program: Program, tensors: Mapping[str, Any], *, threads: int, portable: bool = False
    ) -> None:
        """Pack the weights and allocate the state.

        Args:
            program: What to run.
            tensors: The model's tensors by name.
            threads: Compute threads; results do not depend on it.
            portable: Use the portable kernels even where the processor has better.

        Raises:
            EngineError: More threads than numba was started with.
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
        self.path_name = processor_path(portable)
        self._path = _path(portable)
        self._memory = _allocate(program, tensors)
        names = [buffer.name for buffer in program.buffers]
        self._logits_at = int(self._memory.buffers[names.index("logits"), 0])
        self.position = 0
        self.context_length = program.context_length

    def warm_up(self, on_progress: Callable[[int, int, str], None]) -> None:
        """Compile or load every kernel, one after the other.

        Args:
            on_progress: Called with (done, total, label) before each and once at the end.

        Raises:
            EngineError: numba's compiler is switched off.
        """
        config: Any = numba.config  # its fields are made at run time
        if config.DISABLE_JIT:
            raise EngineError("the kernels need numba's compiler: unset NUMBA_DISABLE_JIT")
        work = _kernels(self._path, self._memory)
        for number, (label, dispatcher, arguments) in enumerate(work):
            on_progress(number, len(work), f"preparing {label}")
            typeof: Any = numba.typeof
            dispatcher.compile(tuple(typeof(argument) for argument in arguments))
        on_progress(len(work), len(work), "kernels are ready")

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
        run_step(self._path, self.threads, self._memory, tokens, self.position)
        self.position += count
        start = self._logits_at + (count - 1) * self.program.vocabulary
        return np.array(self._memory.values[start : start + self.program.vocabulary])

    def step_by_instruction(self, tokens: NDArray[np.int32]) -> Iterator[int]:
        """Run the instructions of a step one at a time, for who wants to see every result.

        Args:
            tokens: The step's rows (M,), as for `step`.

        Yields:
            The number of the instruction that has just run; `value` gives its result.
        """
        table = self._memory.table
        for number in range(len(table)):
            memory = self._memory._replace(table=table[number : number + 1])
            run_step(self._path, 1, memory, tokens, self.position)
            yield number
        self.position += int(tokens.size)

    def rewind(self, position: int) -> None:
        """Keep the first ``position`` rows of the KV cache.

        Raises:
            EngineError: There are not so many.
        """
        if not 0 <= position <= self.position:
            raise EngineError(f"rewind to {position}: the KV cache has {self.position} rows")
        self.position = position

    def value(self, name: str, rows: int) -> NDArray[np.float32]:
        """Return a copy of a buffer's first ``rows`` rows after a step, float32 (rows, width)."""
        names = [buffer.name for buffer in self.program.buffers]
        at, width = (int(n) for n in self._memory.buffers[names.index(name)])
        return np.array(self._memory.values[at : at + rows * width].reshape(rows, width))


def _allocate(program: Program, tensors: Mapping[str, Any]) -> Memory:
    packed = pack(program.matrices, tensors)
    offsets, end = [], 0
    for buffer in program.buffers:
        offsets.append((end, buffer.width))
        end += buffer.width * MAX_ROWS
    widest = max(matrix.inputs for matrix in program.matrices)
    attentions = program.attentions
    # Kinds of attention differ in their constants; a placement gives all layers the same heads.
    kept = program.layers * attentions[0].kv_heads * attentions[0].head_dim
    cache = kept * program.context_length
    turns = _rotary_tables(program)
    return Memory(
        table=np.ascontiguousarray(program.instructions),
        buffers=np.array(offsets, np.int64),
        matrices=packed.table,
        orders=np.array([(order.parts, order.group) for order in program.orders], np.int64),
        norms=np.array([norm.eps for norm in program.norms], np.float32),
        rotaries=turns.places,
        attentions=np.array(
            [(kind.heads, kind.kv_heads, kind.head_dim, kind.dim_parts) for kind in attentions],
            np.int64,
        ),
        score_scales=np.array([kind.scale for kind in attentions], np.float32),
        weights=packed.weights,
        scales=packed.scales,
        vectors=packed.vectors,
        values=np.zeros(end, np.float32),
        quantised=np.zeros((MAX_ROWS, widest), np.int8),
        input_scales=np.zeros(MAX_ROWS * widest // 32, np.float32),
        corrections=np.zeros(MAX_ROWS * widest // 32, np.int32),
        partial=np.zeros(max(order.parts for order in program.orders), np.float32),
        k_cache=np.zeros(cache, np.float32),
        v_cache=np.zeros(cache, np.float32),
        cosine=turns.cosine,
        sine=turns.sine,
        context=program.context_length,
    )


class _Rotaries(NamedTuple):
    """Rotary tables of all kinds, one after the other."""

    places: NDArray[np.int64]
    """Offset in the tables and width of a head, (rotaries, 2)."""
    cosine: NDArray[np.float32]
    sine: NDArray[np.float32]


def _rotary_tables(program: Program) -> _Rotaries:
    places, cosines, sines, end = [], [], [], 0
    for kind in program.rotaries:
        cosine, sine = scalars.rotary_tables(kind.base, kind.head_dim, program.context_length)
        places.append((end, kind.head_dim))
        cosines.append(cosine.reshape(-1))
        sines.append(sine.reshape(-1))
        end += cosine.size
    return _Rotaries(np.array(places, np.int64), np.concatenate(cosines), np.concatenate(sines))


def _kernels(path: Any, memory: Memory) -> Sequence[tuple[str, Any, tuple[Any, ...]]]:
    """Every kernel of the step with arguments of the types it is called with."""
    token, eps, scale = np.int32(0), memory.norms[0], memory.score_scales[0]
    flat = memory.quantised.reshape(-1)
    product = (
        path, memory.weights, memory.scales, 1, 1, 1, flat, 1, memory.input_scales,
        memory.corrections, 0, 1, memory.values, 1, 1,
    )  # fmt: skip
    attended = (
        memory.values, 0, 1, 1, 1, 1, 1, memory.k_cache, memory.v_cache, np.int64(0), 0, 1,
        scale, 1, 1, 1, memory.values, 0, 1,
    )  # fmt: skip
    appended = (memory.values, 0, 0, 1, 1, memory.k_cache, memory.v_cache, np.int64(0), 0, 1)
    rounded = (memory.values, 0, 1, flat, 0, memory.input_scales, memory.corrections, 0)
    normed = (memory.values, 0, 1, memory.vectors, eps, 1, 1, memory.partial, memory.values, 0)
    return (
        ("embed", vectors.embed, (memory.weights, memory.scales, 1, token, memory.values, 0)),
        ("norm", vectors.norm, normed),
        ("quantise", vectors.quantise, rounded),
        ("rotate", vectors.rotate, (memory.values, 0, 1, 1, memory.cosine, memory.sine)),
        ("gate", vectors.gate, (memory.values, 0, 1, memory.values, 0)),
        ("add", vectors.add, (memory.values, 0, 0, 1, 0)),
        ("append", attend.append, appended),
        ("attention", attend.attend, attended),
        ("attention, threaded", attend.attend_parallel, attended),
        ("matmul", multiply.matmul, product),
        ("matmul, threaded", multiply.matmul_parallel, product),
        ("program loop", run_step, (path, 1, memory, np.zeros(1, np.int32), 0)),
    )
