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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from scripts.train import fim, parts, settings
from scripts.train.neighbours import Neighbours, related_snippet
from scripts.train.sources import Document, read_jsonl
from scripts.train.tokenizer import load

log = logging.getLogger(__name__)

NO_LOSS, TEXT, MIDDLE = 0, 1, 2

CHARACTERS_A_TOKEN = 3.5
LENGTHS = {512: 0.86, 2048: 0.14}
"""Row lengths and the share of the documents cut for them."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How documents become examples."""

    shortest: dict[int, int]
    """By row length: tokens of the shortest chunk; lengths are log-uniform above it."""
    headers: dict[str, float]
    """How often an example opens with its repository, with its path only, with neither."""
    snippets: dict[int, tuple[float, float]]
    """By row length: least and most share of the room for pieces of other files."""
    definitions: bool
    """True: pieces that define a name the chunk uses come first, as imports point to them."""
    fim_share: float = 0.72
    """Of the chunks; some have no hole, so about 70 % end up filled in the middle."""
    snippet_tokens: int = 500


RECIPES = {
    "first": Recipe(
        shortest={512: 40, 2048: 300},
        headers={"repo": 1 / 3, "file": 1 / 3, "none": 1 / 3},
        snippets={512: (0.15, 0.5), 2048: (0.15, 0.5)},
        definitions=False,
    ),
    # Longer chunks and more of other files: nearer to what an editor asks with.
    "second": Recipe(
        shortest={512: 80, 2048: 400},
        headers={"repo": 0.35, "file": 0.4, "none": 0.25},
        snippets={512: (0.15, 0.4), 2048: (0.25, 0.7)},
        definitions=True,
    ),
}
"""``first`` is not changed any more: former weights were trained with it."""


def _byte_of() -> dict[str, int]:
    """Return the byte each letter of the byte-level alphabet stands for, as GPT-2 chose them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    letters = {chr(byte): byte for byte in shown}
    return letters | {chr(256 + i): byte for i, byte in enumerate(hidden)}


BYTE_OF = _byte_of()


@dataclass(frozen=True, slots=True)
class Example:
    """One packed unit: token ids and a flag for each."""

    tokens: list[int]
    flags: list[int]


class Encoder:
    """Ids of text and of the markers."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        marker = {token: index for index, token in enumerate(settings.SPECIAL_TOKENS)}
        if any(tokenizer.token_to_id(token) != index for token, index in marker.items()):
            raise ValueError(f"the tokenizer's first ids are not {settings.SPECIAL_TOKENS}")
        self.repo, self.file = marker[settings.REPO_NAME], marker[settings.FILE_SEP]
        self.pad = marker[settings.FIM_PAD]
        self.ids = fim.Ids(
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


def chunks(
    text: str, shortest: int, longest: int, generator: random.Random
) -> Iterator[tuple[int, int]]:
    """Cut a text at line starts into pieces of random length; yield their bounds.

    Lengths are log-uniform, so most tokens see a full window and many prompts are short.
    """
    start = 0
    while start < len(text):
        tokens = shortest * (longest / shortest) ** generator.random()
        end = start + int(tokens * CHARACTERS_A_TOKEN)
        end = text.rfind("\n", start, end) + 1 if end < len(text) else len(text)
        if end <= start:
            # One line longer than the piece: take it whole.
            end = text.find("\n", start) + 1 or len(text)
        yield start, end
        start = end


def header(
    document: Document,
    text: str,
    neighbours: Neighbours,
    length: int,
    recipe: Recipe,
    encode: Encoder,
    generator: random.Random,
) -> list[int]:
    """Return the tokens in front of an example: nothing, its path, or its repository."""
    (kind,) = generator.choices(list(recipe.headers), list(recipe.headers.values()))
    if kind == "none":
        return []
    own = [encode.file, *encode(document.path + "\n")]
    if kind == "file":
        return own
    tokens = [encode.repo, *encode(document.package + "\n")]
    budget = int(length * generator.uniform(*recipe.snippets[length]))
    seen: set[tuple[str, str]] = set()
    while len(tokens) < budget:
        characters = int(CHARACTERS_A_TOKEN * min(budget - len(tokens), recipe.snippet_tokens))
        snippet = None
        if recipe.definitions:
            snippet = neighbours.definition(document, text, characters, generator)
            snippet = None if snippet in seen else snippet
        if snippet is None:
            siblings = neighbours.siblings(document)
            snippet = related_snippet(text, siblings, characters, generator)
        if snippet is None:
            break
        seen.add(snippet)
        tokens += [encode.file, *encode(snippet[0] + "\n"), *encode(snippet[1])]
    return tokens[:budget] + own


def examples(
    document: Document,
    neighbours: Neighbours,
    encode: Encoder,
    length: int,
    recipe: Recipe = RECIPES["first"],
) -> Iterator[Example]:
    """Yield the examples of one document.  Deterministic for a document."""
    digest = hashlib.sha256(f"{document.package}/{document.path}".encode()).digest()
    generator = random.Random(digest)
    for start, end in chunks(document.text, recipe.shortest[length], length - 24, generator):
        text = document.text[start:end]
        front = header(document, text, neighbours, length, recipe, encode, generator)
        room = length + 1 - len(front)
        arranged = None
        if generator.random() < recipe.fim_share:
            arranged = _filled(text, room, encode, generator)
        if arranged is not None:
            tokens, middle = arranged
            flags = [TEXT] * (len(tokens) - middle) + [MIDDLE] * middle
        else:
            tokens = encode(text)
            if end == len(document.text):
                tokens.append(encode.ids.end)
            tokens = tokens[:room]
            flags = [TEXT] * len(tokens)
        flags = [TEXT] * len(front) + flags
        # Nothing in front of an example tells how it begins.
        flags[0] = NO_LOSS
        yield Example(front + tokens, flags)


def _filled(
    text: str, room: int, encode: Encoder, generator: random.Random
) -> tuple[list[int], int] | None:
    hole = fim.choose_hole(text, generator)
    if hole is None:
        return None
    parts = fim.cut(text, hole)
    if generator.random() < 0.2:
        # Nothing below the cursor: code is often written at the end of a file.
        parts = fim.Parts(parts.prefix, parts.typed, parts.middle, "")
    order = generator.choices(("spm", "typed", "psm"), (0.5, 0.3, 0.2))[0]
    return fim.arrange(parts, order, encode.ids, encode, room)


class Rows:
    """Lays examples side by side into rows, each into the fullest row that has room."""

    OPEN = 128

    def __init__(self, length: int, pad: int) -> None:
        self.size = length + 1
        self.pad = pad
        self.tokens: list[np.ndarray] = []
        self.flags: list[np.ndarray] = []
        self._open: list[Example] = []

    def add(self, example: Example) -> None:
        """Place an example; it is never cut."""
        if len(example.tokens) > self.size:
            raise ValueError(f"{len(example.tokens)} tokens do not fit a row of {self.size}")
        fitting = [r for r in self._open if len(r.tokens) + len(example.tokens) <= self.size]
        if fitting:
            row = max(fitting, key=lambda r: len(r.tokens))
        else:
            if len(self._open) >= self.OPEN:
                self._close(max(self._open, key=lambda r: len(r.tokens)))
            row = Example([], [])
            self._open.append(row)
        row.tokens.extend(example.tokens)
        row.flags.extend(example.flags)
        if self.size - len(row.tokens) < 24:
            self._close(row)

    def finish(self) -> None:
        """Close the rows that are still open."""
        for row in list(self._open):
            self._close(row)

    def _close(self, row: Example) -> None:
        self._open = [other for other in self._open if other is not row]
        spare = self.size - len(row.tokens)
        self.tokens.append(np.array(row.tokens + [self.pad] * spare, np.uint16))
        self.flags.append(np.array(row.flags + [NO_LOSS] * spare, np.uint8))


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
    recipe: Recipe


Packed = dict[int, tuple[np.ndarray, np.ndarray]]
"""By row length: tokens and flags."""


def pack_share(job: Job) -> Packed:
    """Pack one share; runs in a process of its own."""
    encode = Encoder(load(job.tokenizer))
    documents = cap_packages(read_jsonl(job.corpus), job.cap_bytes)
    neighbours = Neighbours(documents)
    rows = {length: Rows(length, encode.pad) for length in LENGTHS}
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
