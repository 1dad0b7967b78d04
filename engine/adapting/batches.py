"""Files become batches: parts of rows to learn from, and windows to measure the loss on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np
from numpy.typing import NDArray

from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.repository_texts import LearnableFile
from engine.packing.examples import MIDDLE, NO_LOSS, RECIPES, examples
from engine.packing.neighbours import FileNeighbours
from engine.packing.rows import RowPacker
from engine.quality.round_robin import round_robin
from engine.training.backpropagation import TokenBatch

__all__ = ["LENGTHS", "PART_TOKENS", "LossWindow", "epoch_parts", "loss_windows"]

PART_TOKENS = 2048
"""Of one walk forward and back."""
LENGTHS = {512: 0.86, 2048: 0.14}
"""Row lengths and the share of the files cut for them, as the bundled models were trained."""
MIDDLE_WEIGHT = 3.0
"""How much a token of a middle counts: middles are few, and learning to stop is most of the use."""
WINDOW = 512


def epoch_parts(
    files: Sequence[LearnableFile], encode: ModelEncoder, epoch: int
) -> list[TokenBatch]:
    """Return one reading of all files in random order, cut in another way every epoch.

    Deterministic for the files and the epoch.  A part has at most `PART_TOKENS` tokens.
    """
    neighbours, random = FileNeighbours(files), Random(epoch)
    packers = {length: RowPacker(length, encode.pad) for length in LENGTHS}
    for file in files:
        (length,) = random.choices(list(LENGTHS), list(LENGTHS.values()))
        for example in examples(file, neighbours, encode, length, RECIPES["second"], epoch=epoch):
            packers[length].add(example)
    parts = [part for length, packer in packers.items() for part in _parts(packer, length)]
    random.shuffle(parts)
    return parts


def _parts(packer: RowPacker, length: int) -> list[TokenBatch]:
    packer.finish()
    count = PART_TOKENS // length
    return [
        _batch(np.stack(packer.tokens[at : at + count]), np.stack(packer.flags[at : at + count]))
        for at in range(0, len(packer.tokens), count)
    ]


def _batch(tokens: NDArray[np.uint16], flags: NDArray[np.uint8]) -> TokenBatch:
    counts = (flags != NO_LOSS) + (MIDDLE_WEIGHT - 1) * (flags == MIDDLE)
    ids = tokens.astype(np.int64)
    return TokenBatch(ids[:, :-1], ids[:, 1:], counts[:, 1:].astype(np.float32))


@dataclass(frozen=True, slots=True)
class LossWindow:
    """A piece of a held-out file, read from left to right; one row."""

    batch: TokenBatch
    tokens: int
    """That count."""
    size_bytes: int
    """Of their text."""


def loss_windows(
    files: Sequence[LearnableFile], encode: ModelEncoder, most: int
) -> list[LossWindow]:
    """Return windows of `WINDOW` tokens, of each file in turn from its beginning.

    Each begins with the end marker, so its first token is predicted too.
    """
    return list(islice(round_robin(_windows(file, encode) for file in files), most))


def _windows(file: LearnableFile, encode: ModelEncoder) -> Iterator[LossWindow]:
    ids = encode(file.text)
    for at in range(0, len(ids), WINDOW):
        yield _window(ids[at : at + WINDOW], encode)


def _window(ids: list[int], encode: ModelEncoder) -> LossWindow:
    row = np.array([encode.ids.end, *ids], np.int64)[None]
    batch = TokenBatch(row[:, :-1], row[:, 1:], np.ones((1, len(ids)), np.float32))
    return LossWindow(batch, len(ids), encode.size_bytes(ids))
