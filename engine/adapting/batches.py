"""Files become batches: parts of rows to learn from, and windows to measure the loss on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.plan import AdaptPlan
from engine.adapting.repository_texts import LearnableFile
from engine.adapting.told_elsewhere import ToldElsewhere
from engine.packing.examples import (
    MIDDLE,
    NO_LOSS,
    RECIPES,
    PackingRecipe,
    TokenExample,
    examples,
)
from engine.packing.neighbours import FileNeighbours
from engine.packing.rows import RowPacker
from engine.quality.round_robin import round_robin
from engine.training.backpropagation import TokenBatch

__all__ = ["WINDOW", "LossWindow", "asked_recipe", "epoch_parts", "loss_windows"]

MIDDLE_WEIGHT = 3.0
"""How much a token of a middle counts: middles are few, and learning to stop is most of the use."""
WINDOW = 512
_STEPS = 80
"""Of a weight of 1: rows keep weights of up to `MIDDLE_WEIGHT` in a byte."""


def asked_recipe(lengths: Iterable[int]) -> PackingRecipe:
    """Return how files are cut: as the app asks the bundled models, mostly from inside a line.

    A file's path stands in front, what is below the cursor comes before what is above it, and the
    text fills half of a row at least.  The shares are assumed.

    Args:
        lengths: Of rows, in tokens.
    """
    return PackingRecipe(
        shortest={length: length // 2 for length in lengths},
        headers={"file": 1.0},
        snippets={},
        definitions=False,
        fim_share=0.85,
        kinds={"rest": 0.7, "lines": 0.2, "block": 0.05, "span": 0.05},
        orders={"spm": 1.0},
        nothing_below=0.0,
    )


def epoch_parts(
    files: Sequence[LearnableFile],
    encode: ModelEncoder,
    epoch: int,
    plan: AdaptPlan,
    told: ToldElsewhere | None = None,
) -> list[TokenBatch]:
    """Return one reading of all files in random order, cut in another way every epoch.

    Deterministic for the files and the epoch.  A part has at most ``plan.part_tokens`` tokens.

    Args:
        files: What is learnt.
        encode: The vocabulary.
        epoch: How often the files were read before.
        plan: The numbers.
        told: What each file's neighbours tell of it, which counts less; None: all counts.
    """
    neighbours, random = FileNeighbours(files), Random(epoch)
    recipe = encode.recipe(asked_recipe(plan.lengths) if plan.as_asked else RECIPES["second"])
    packers = {each: RowPacker(each, encode.pad, np.uint32) for each in plan.lengths}
    for file in files:
        (length,) = random.choices(list(plan.lengths), list(plan.lengths.values()))
        for example in examples(file, neighbours, encode, length, recipe, epoch=epoch):
            packers[length].add(_weighed(example, file.path, told))
    parts = [
        part
        for length, packer in packers.items()
        for part in _parts(packer, plan.part_tokens // length, encode.start)
    ]
    random.shuffle(parts)
    return parts


def _weighed(example: TokenExample, path: str, told: ToldElsewhere | None) -> TokenExample:
    """Return an example whose flags say how much each token counts, in parts of `_STEPS`."""
    flags = np.array(example.flags)
    counts = (flags != NO_LOSS) + (MIDDLE_WEIGHT - 1) * (flags == MIDDLE)
    worth = 1.0 if told is None else told.worth(path, example.tokens)
    return TokenExample(example.tokens, np.ceil(_STEPS * counts * worth).astype(int).tolist())


def _parts(packer: RowPacker, count: int, start: tuple[int, ...]) -> list[TokenBatch]:
    packer.finish()
    return [
        _batch(
            np.stack(packer.tokens[at : at + count]), np.stack(packer.flags[at : at + count]), start
        )
        for at in range(0, len(packer.tokens), count)
    ]


def _batch(
    tokens: NDArray[np.unsignedinteger[Any]], flags: NDArray[np.uint8], start: tuple[int, ...]
) -> TokenBatch:
    front = np.broadcast_to(np.array(start, np.int64), (len(tokens), len(start)))
    ids = np.concatenate([front, tokens.astype(np.int64)], axis=1)
    flags = np.concatenate([np.full(front.shape, NO_LOSS, np.uint8), flags], axis=1)
    counts = flags.astype(np.float32) / np.float32(_STEPS)
    return TokenBatch(ids[:, :-1], ids[:, 1:], counts[:, 1:])


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

    Each begins as the model's texts do, or with the end marker, so its first token is predicted.
    """
    return list(islice(round_robin(_windows(file, encode) for file in files), most))


def _windows(file: LearnableFile, encode: ModelEncoder) -> Iterator[LossWindow]:
    ids = encode(file.text)
    for at in range(0, len(ids), WINDOW):
        yield _window(ids[at : at + WINDOW], encode)


def _window(ids: list[int], encode: ModelEncoder) -> LossWindow:
    front = encode.start or (encode.ids.end,)
    row = np.array([*front, *ids], np.int64)[None]
    counts = np.ones((1, row.shape[1] - 1), np.float32)
    counts[0, : len(front) - 1] = 0.0
    batch = TokenBatch(row[:, :-1], row[:, 1:], counts)
    return LossWindow(batch, len(ids), encode.size_bytes(ids))
