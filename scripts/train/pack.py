"""Turn documents into rows of tokens for training.  Knows nothing of the model.

A document is cut into chunks of random length at line starts; a chunk becomes a
fill-in-the-middle example or stays as it is, with or without a header of its repository: pieces
of other files of its package, side by side with it.  Whole examples are then laid into rows.
Writes, for each row length L, ``rows_L.npy`` (uint16, shape (R, L + 1)) and ``flags_L.npy``
(uint8, same shape): 0 has no loss, 1 is text, 2 is a middle.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import multiprocessing
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from engine.packing import fim
from engine.packing.examples import MIDDLE, NO_LOSS, RECIPES, PackingRecipe, examples
from engine.packing.neighbours import FileNeighbours
from engine.packing.rows import RowPacker
from scripts.train import parts, settings
from scripts.train.sources import Document, read_jsonl
from scripts.train.tokenizer import load

log = logging.getLogger(__name__)

LENGTHS = {512: 0.86, 2048: 0.14}
"""Row lengths and the share of the documents cut for them."""


def _byte_of() -> dict[str, int]:
    """Return the byte each letter of the byte-level alphabet stands for, as GPT-2 chose them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    letters = {chr(byte): byte for byte in shown}
    return letters | {chr(256 + i): byte for i, byte in enumerate(hidden)}


BYTE_OF = _byte_of()


class Encoder:
    """Ids of text and of the markers."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        marker = {token: index for index, token in enumerate(settings.SPECIAL_TOKENS)}
        if any(tokenizer.token_to_id(token) != index for token, index in marker.items()):
            raise ValueError(f"the tokenizer's first ids are not {settings.SPECIAL_TOKENS}")
        self.repo, self.file = marker[settings.REPO_NAME], marker[settings.FILE_SEP]
        self.pad = marker[settings.FIM_PAD]
        self.ids = fim.MarkerIds(
            marker[settings.END],
            marker[settings.FIM_PREFIX],
            marker[settings.FIM_MIDDLE],
            marker[settings.FIM_SUFFIX],
        )

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text; markers inside it are ordinary characters."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids if text else []

    def decode_bytes(self, tokens: list[int]) -> bytes:
        """Return the bytes of tokens, also where they end inside a character."""
        pieces = (self._tokenizer.id_to_token(token) or "" for token in tokens)
        return bytes(BYTE_OF[character] for piece in pieces for character in piece)


def cap_packages(documents: Iterable[Document], cap_bytes: int) -> list[Document]:
    """Shuffle the documents and keep at most ``cap_bytes`` characters of each package."""
    shuffled = sorted(
        documents, key=lambda d: hashlib.sha256(f"{d.package}/{d.path}".encode()).digest()
    )
    used: Counter[str] = Counter()
    kept = []
    for document in shuffled:
        if used[document.package] < cap_bytes:
            used[document.package] += len(document.text)
            kept.append(document)
    return kept


@dataclass(frozen=True, slots=True)
class Job:
    """A share of the packing: every n-th document."""

    corpus: Path
    tokenizer: Path
    share: int
    shares: int
    cap_bytes: int
    recipe: PackingRecipe


Packed = dict[int, tuple[np.ndarray, np.ndarray]]
"""By row length: tokens and flags."""


def pack_share(job: Job) -> Packed:
    """Pack one share; runs in a process of its own."""
    encode = Encoder(load(job.tokenizer))
    documents = cap_packages(read_jsonl(job.corpus), job.cap_bytes)
    neighbours = FileNeighbours(documents)
    rows = {length: RowPacker(length, encode.pad) for length in LENGTHS}
    generator = random.Random(job.share)
    for document in documents[job.share :: job.shares]:
        (length,) = generator.choices(list(LENGTHS), list(LENGTHS.values()))
        for example in examples(document, neighbours, encode, length, job.recipe):
            rows[length].add(example)
    for packed in rows.values():
        packed.finish()
    return {n: (_stacked(p.tokens, n), _stacked(p.flags, n)) for n, p in rows.items()}


def _stacked(rows: list[np.ndarray], length: int) -> np.ndarray:
    return np.stack(rows) if rows else np.empty((0, length + 1))


def write_rows(target: Path, results: list[Packed]) -> dict[str, object]:
    """Write the rows of all shares in one random order; return what they contain."""
    summary: dict[str, object] = {}
    for length in LENGTHS:
        tokens = np.concatenate([r[length][0] for r in results]).astype(np.uint16)
        flags = np.concatenate([r[length][1] for r in results]).astype(np.uint8)
        order = np.random.default_rng(length).permutation(len(tokens))
        np.save(target / f"rows_{length}.npy", tokens[order])
        np.save(target / f"flags_{length}.npy", flags[order])
        summary[str(length)] = {
            "rows": len(tokens),
            "tokens": int(flags.size),
            "middle_share": float((flags == MIDDLE).sum() / max(1, flags.size)),
            "no_loss_share": float((flags == NO_LOSS).sum() / max(1, flags.size)),
        }
    return summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``pack``."""
    parser.add_argument("--set", choices=settings.SETS, default=settings.DEFAULT_SET)
    parser.add_argument("--recipe", choices=RECIPES, help="default: the set's own")
    parser.add_argument("--processes", type=int, default=2, help="another number, other rows")
    parser.add_argument("--cap-bytes", type=int, default=3_000_000, help="most of one package")
    parser.add_argument(
        "--parts-mib", type=float, help="also cut the rows into compressed files of this size"
    )
    parser.add_argument("--force", action="store_true", help="pack again")


def run(arguments: argparse.Namespace) -> None:
    """Pack a set, unless it is packed; cut it into parts if asked."""
    work: Path = arguments.work
    target = work / arguments.set
    if (target / "pack.json").exists() and not arguments.force:
        check_options(target / "pack.json", _options(arguments))
        log.info("%s exists; --force packs again", target / "pack.json")
    else:
        _pack(work, target, arguments)
    if arguments.parts_mib is not None:
        files = [target / "pack.json", *sorted(target.glob("*.npy"))]
        parts.cut(files, target / "parts", int(arguments.parts_mib * 2**20))


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the rows depend on beside corpus and tokenizer."""
    return {
        "recipe": arguments.recipe or settings.SETS[arguments.set].recipe,
        "processes": arguments.processes,
        "cap_bytes": arguments.cap_bytes,
    }


def check_options(path: Path, options: Mapping[str, Any]) -> None:
    """See to it that rows that are there were packed as asked for.

    Raises:
        ValueError: They were packed with other options.
    """
    known = json.loads(path.read_text(encoding="utf-8")).get("options")
    if known is not None and known != options:
        raise ValueError(f"{path} was packed with {known}, asked for is {options}; add --force")


def _pack(work: Path, target: Path, arguments: argparse.Namespace) -> None:
    options = _options(arguments)
    shares = arguments.processes
    jobs = [
        Job(
            corpus=target / "corpus.jsonl",
            tokenizer=work / "tokenizer.json",
            share=share,
            shares=shares,
            cap_bytes=arguments.cap_bytes,
            recipe=RECIPES[options["recipe"]],
        )
        for share in range(shares)
    ]
    with multiprocessing.get_context("spawn").Pool(shares) as pool:
        results = pool.map(pack_share, jobs)
    summary = write_rows(target, results)
    (target / "pack.json").write_text(json.dumps(summary | {"options": options}, indent=1) + "\n")
    log.info("packed: %s", summary)
