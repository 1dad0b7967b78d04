"""Packing a model's tensors into the panels the kernels read, once at load.

Room for all of them is made at once (`engine.wafer.fast.panel_places`); each tensor is then read
and packed some panels at a time, so that no second copy of the model is ever in memory.  Threads
do it, beside whatever else an opening needs.  What they packed may be kept and only be mapped the
next time (`engine.wafer.fast.kept_panels`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsError
from engine.model.tensors import FORMATS
from engine.model.tensors.block_tensor import BlockTensor
from engine.model.tensors.q8 import Q8Tensor
from engine.model.tensors.tensor import QuantisedTensor, Tensor, float_vector, quantised_matrix
from engine.wafer.fast.kept_panels import KeptPanels
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL, QUADS, STRIP
from engine.wafer.fast.kernels.dot.storage import Storage
from engine.wafer.fast.kernels.operands import Panels, TileSizes
from engine.wafer.fast.panel_places import PanelPlaces, storage_of
from engine.wafer.program.program import Matrix

__all__ = ["KEEPING", "Filling", "Packed", "begin_packing", "pack", "tile_sizes"]

Bytes = NDArray[np.uint8]

_LINE_BYTES = 64
"""Panels begin at a line of the processor's cache: a vector of 64 bytes then lies in one."""

KEEPING = "keeping weights"
"""Name of the thread that writes packed weights to the cache."""

_PAGE_BYTES = 4096

_WEIGHTS_AT_ONCE = 1 << 22
"""Of a job.  Between two a thread needs the interpreter, which others hold for milliseconds."""


class Filling:
    """Threads that fill panels; they end by themselves.

    Args:
        work: What fills them.
        threads: How many do it.
        then: Done in a thread once all are filled, and only then; nobody waits for it.
    """

    def __init__(
        self,
        work: Sequence[Callable[[], object]],
        threads: int,
        then: Callable[[], None] | None = None,
    ) -> None:
        pool = ThreadPoolExecutor(threads, thread_name_prefix="packing")
        self._jobs = [pool.submit(each) for each in work]
        pool.shutdown(wait=False)
        if then is not None:
            Thread(target=self._follow, args=(then,), name=KEEPING, daemon=True).start()

    def _follow(self, then: Callable[[], None]) -> None:
        if not any([job.exception() for job in self._jobs]):
            then()

    def wait(self) -> None:
        """Return when all is filled.

        Raises:
            WeightsError: A tensor has a value that its format does not allow.
        """
        for job in self._jobs:
            job.result()


@dataclass(frozen=True, slots=True)
class Packed:
    """All matrices of a Program, end to end."""

    table: NDArray[np.int64]
    """Per matrix: first piece (of a vector, its offset in `vectors`), inputs, outputs, pieces."""
    panels: Panels
    """`Panels.entries` holds no address yet."""
    storages: tuple[Storage, ...]
    """The storage of each row of `Panels.entries`."""
    vectors: NDArray[np.float32]
    filling: Filling
    """What still fills the panels; nothing else is missing."""


def pack(matrices: tuple[Matrix, ...], tensors: Mapping[str, Tensor], threads: int = 1) -> Packed:
    """Pack every matrix of a Program; one used twice is stored once.

    Args:
        matrices: The Program's table of weights.
        tensors: The model's tensors by name.
        threads: How many read and pack; the result does not depend on it.

    Raises:
        WeightsError: A tensor has another format than the Program was compiled for, or a value
            that its format does not allow.
    """
    packed = begin_packing(matrices, tensors, threads)
    packed.filling.wait()
    return packed


def begin_packing(
    matrices: tuple[Matrix, ...],
    tensors: Mapping[str, Tensor],
    threads: int = 1,
    kept: KeptPanels | None = None,
) -> Packed:
    """Begin what `pack` does, and leave it to threads: `Packed.filling` waits for them.

    The kernels that pack must be compiled: two threads that compile at once wait for each other.

    Args:
        matrices: The Program's table of weights.
        tensors: The model's tensors by name.
        threads: How many read and pack.
        kept: Where the panels may be already, and are kept otherwise; None: nowhere.

    Raises:
        WeightsError: A tensor has another format than the Program was compiled for.
    """
    first: dict[tuple[str, ...], int] = {}
    places, vectors, elements = PanelPlaces(), [np.zeros(0, np.float32)], 0
    for matrix in matrices:
        if matrix.tensors in first:
            continue
        _check_formats(matrix, tensors)
        if FORMATS[matrix.formats[0]].is_quantised:
            first[matrix.tensors] = len(places.pieces)
            places.add(matrix)
        else:
            first[matrix.tensors] = elements
            vectors += [float_vector(tensors, name) for name in matrix.tensors]
            elements += matrix.inputs
    rows = [(first[m.tensors], m.inputs, m.outputs, _pieces(m)) for m in matrices]
    weights, filling = _begun(places, tensors, threads, kept)
    return Packed(
        np.array(rows, np.int64),
        Panels(
            weights,
            np.array(places.pieces, np.int64).reshape(-1, 5),
            np.zeros((len(places.storages), 4), np.int64),
        ),
        tuple(places.storages),
        np.concatenate(vectors),
        filling,
    )


def _begun(
    places: PanelPlaces, tensors: Mapping[str, Tensor], threads: int, kept: KeptPanels | None
) -> tuple[Bytes, Filling]:
    """Return the bytes of all panels, and what fills or at least fetches them."""
    found = None if kept is None else kept.mapped(places.size_bytes)
    if found is not None:  # a byte of every page brings all into memory, without the interpreter
        return found, Filling([found[::_PAGE_BYTES].max], 1)
    weights = _room(places)
    work = [partial(job.run, weights) for job in _all_jobs(places, tensors)]
    return weights, Filling(work, threads, None if kept is None else partial(kept.keep, weights))


def tile_sizes(storage: Storage, row_bytes: int) -> TileSizes:
    """Return what a packer must know of a storage.

    Args:
        storage: Where the tiles go.
        row_bytes: Bytes of a row that is packed.
    """
    levels, scales = storage.levels, storage.scales
    minima = scales.minima is not None
    sizes = scales.header_bytes, storage.tile_bytes, scales.tile_bytes, levels.strip_bytes
    return TileSizes(row_bytes, *sizes, levels.bits, minima)


def _check_formats(matrix: Matrix, tensors: Mapping[str, Tensor]) -> None:
    for name, wanted in zip(matrix.tensors, matrix.formats, strict=True):
        found = tensors[name].format.name
        if found != wanted:
            raise WeightsError(f"tensor {name} is {found}, the Program reads {wanted}")


def _pieces(matrix: Matrix) -> int:
    """Return the panels of a matrix; each tensor of a stack begins with a new one."""
    return sum(-(-width // PANEL) for width in matrix.widths)


def _room(places: PanelPlaces) -> Bytes:
    """Return room for the bytes of all panels."""
    room = np.empty(places.size_bytes + _LINE_BYTES, np.uint8)
    start = -room.ctypes.data % _LINE_BYTES
    return room[start : start + places.size_bytes]


def _all_jobs(places: PanelPlaces, tensors: Mapping[str, Tensor]) -> Iterator["_Job"]:
    for name, starts in places.tensors:
        yield from _jobs(name, quantised_matrix(tensors, name), np.array(starts, np.int64))


@dataclass(frozen=True, slots=True)
class _Job:
    """Some neighbouring panels of a tensor."""

    name: str
    tensor: QuantisedTensor
    first: int
    """Number of the first of them."""
    starts: NDArray[np.int64]
    """Where each of them goes."""

    def run(self, weights: Bytes) -> None:
        """Read the rows of these panels and pack them."""
        outputs, inputs = self.tensor.shape
        storage = storage_of(self.tensor.format.name)
        size = storage.panel_bytes(inputs // GROUP)
        end = (self.first + self.starts.size) * PANEL
        rows = slice(self.first * PANEL, min(outputs, end))
        if end > outputs:  # outputs beyond N are zero weights
            weights[self.starts[-1] : self.starts[-1] + size] = 0
        if storage.repack is None:
            self._pack_plain(rows, weights, size)
            return
        raw = np.require(_raw_rows(self.tensor, rows), requirements=["C", "W"])
        sizes = tile_sizes(storage, raw.shape[1])
        if not storage.repack(raw.reshape(-1), weights, self.starts, sizes):
            self.tensor.blocks(rows)  # says what is wrong, and where
            raise WeightsError(f"tensor {self.name}: a level or scale is out of range")

    def _pack_plain(self, rows: slice, weights: Bytes, size: int) -> None:
        for number, start in enumerate(self.starts.tolist()):
            first = rows.start + number * PANEL
            panel = _plain_panel(self.tensor, slice(first, min(first + PANEL, rows.stop)))
            weights[start : start + size] = panel


def _jobs(name: str, tensor: QuantisedTensor, starts: NDArray[np.int64]) -> Iterator[_Job]:
    step = max(1, _WEIGHTS_AT_ONCE // (PANEL * tensor.shape[1]))
    for first in range(0, len(starts), step):
        yield _Job(name, tensor, first, starts[first : first + step])


def _raw_rows(tensor: QuantisedTensor, rows: slice) -> Bytes:
    """Return rows in GGML's blocks, uint8 (R, bytes of a row)."""
    if isinstance(tensor, BlockTensor):
        return tensor.raw_rows(rows)
    if not isinstance(tensor, Q8Tensor):
        raise WeightsError(f"a tensor of format {tensor.format.name} has no blocks of its own")
    levels, scales = tensor.values[rows], tensor.scales[rows]
    raw = np.empty((*scales.shape, 2 + GROUP), np.uint8)
    raw[:, :, :2] = np.ascontiguousarray(scales)[:, :, None].view(np.uint8)
    raw[:, :, 2:] = levels.view(np.uint8).reshape(*scales.shape, GROUP)
    return raw.reshape(len(levels), -1)


def _plain_panel(tensor: QuantisedTensor, rows: slice) -> Bytes:
    """Return a panel in a plain storage: scales and minima in float32, then bytes for levels."""
    blocks = tensor.blocks(rows)
    count, inputs = blocks.levels.shape
    groups = inputs // GROUP
    levels = np.full((PANEL, inputs), 128, np.uint8)
    levels[:count] = blocks.levels.view(np.uint8) ^ np.uint8(128)
    strips = levels.reshape(PANEL // STRIP, STRIP, groups, QUADS, 4).transpose(2, 0, 3, 1, 4)
    parts = []
    for factors in (blocks.scales, blocks.minima):
        if factors is not None:
            padded = np.zeros((PANEL, groups, factors.shape[1] // groups), np.float32)
            padded[:count] = factors.reshape(count, groups, -1)
            numbers = np.ascontiguousarray(padded.transpose(1, 2, 0))
            parts.append(numbers.reshape(groups, -1).view(np.uint8))
    parts.append(np.ascontiguousarray(strips).reshape(groups, -1))
    return np.concatenate(parts, axis=1)[::-1].reshape(-1)
