"""Turn the files of a package or repository into training examples of tokens.

A file is cut into chunks of random length at line starts; a chunk becomes a fill-in-the-middle
example or stays as it is, with or without a header: pieces of other files that belong beside it.
Knows no file on disk and no model; the caller brings texts and an encoder.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.packing import fim
from engine.packing.neighbours import FileNeighbours, TextFile, related_snippet

__all__ = [
    "MIDDLE",
    "NO_LOSS",
    "RECIPES",
    "TEXT",
    "MarkedEncoder",
    "PackingRecipe",
    "TokenExample",
    "chunks",
    "examples",
]

NO_LOSS, TEXT, MIDDLE = 0, 1, 2

CHARACTERS_A_TOKEN = 3.5

_ORDERS = {"spm": 0.5, "typed": 0.3, "psm": 0.2}


@dataclass(frozen=True, slots=True)
class PackingRecipe:
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
    kinds: Mapping[str, float] = field(default_factory=lambda: fim.KINDS)
    """How often each kind of hole is tried."""
    orders: Mapping[str, float] = field(default_factory=lambda: _ORDERS)
    """How often the parts of a text with a hole come in each order of `engine.packing.fim`."""
    nothing_below: float = 0.2
    """How often nothing stands below the hole: code is often written at the end of a file."""


RECIPES = {
    "first": PackingRecipe(
        shortest={512: 40, 2048: 300},
        headers={"repo": 1 / 3, "file": 1 / 3, "none": 1 / 3},
        snippets={512: (0.15, 0.5), 2048: (0.15, 0.5)},
        definitions=False,
    ),
    # Longer chunks and more of other files: nearer to what an editor asks with.
    "second": PackingRecipe(
        shortest={512: 80, 2048: 400},
        headers={"repo": 0.35, "file": 0.4, "none": 0.25},
        snippets={512: (0.15, 0.4), 2048: (0.25, 0.7)},
        definitions=True,
    ),
}
"""``first`` is not changed any more: former weights were trained with it."""


class MarkedEncoder(Protocol):
    """Ids of text and of the markers."""

    @property
    def ids(self) -> fim.MarkerIds:
        """The markers of fill-in-the-middle."""
        ...

    @property
    def repo(self) -> int:
        """The marker before the name of a repository."""
        ...

    @property
    def file(self) -> int:
        """The marker before the path of a file."""
        ...

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text; markers inside it are ordinary characters."""
        ...


@dataclass(frozen=True, slots=True)
class TokenExample:
    """One packed unit: token ids and a flag for each."""

    tokens: list[int]
    flags: list[int]


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
    document: TextFile,
    text: str,
    neighbours: FileNeighbours,
    length: int,
    recipe: PackingRecipe,
    encode: MarkedEncoder,
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
    document: TextFile,
    neighbours: FileNeighbours,
    encode: MarkedEncoder,
    length: int,
    recipe: PackingRecipe = RECIPES["first"],
    *,
    epoch: int = 0,
) -> Iterator[TokenExample]:
    """Yield the examples of one file, cut in another way in every epoch.

    Deterministic for the file's package, path, text and the epoch.
    """
    again = f"#{epoch}" if epoch else ""
    name = f"{document.package}/{document.path}{again}"
    generator = random.Random(hashlib.sha256(name.encode()).digest())
    for start, end in chunks(document.text, recipe.shortest[length], length - 24, generator):
        text = document.text[start:end]
        front = header(document, text, neighbours, length, recipe, encode, generator)
        room = length + 1 - len(front)
        arranged = None
        if generator.random() < recipe.fim_share:
            arranged = _filled(text, room, recipe, encode, generator)
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
        yield TokenExample(front + tokens, flags)


def _filled(
    text: str,
    room: int,
    recipe: PackingRecipe,
    encode: MarkedEncoder,
    generator: random.Random,
) -> tuple[list[int], int] | None:
    hole = fim.choose_hole(text, generator, recipe.kinds)
    if hole is None:
        return None
    parts = fim.cut(text, hole)
    if generator.random() < recipe.nothing_below:
        parts = fim.CutText(parts.prefix, parts.typed, parts.middle, "")
    (order,) = generator.choices(list(recipe.orders), list(recipe.orders.values()))
    return fim.arrange(parts, order, encode.ids, encode, room)
