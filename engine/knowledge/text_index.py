"""Some texts, indexed once by their contexts and by their lines.  An index never changes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.knowledge.context_index import SEPARATOR, ContextIndex
from engine.knowledge.line_index import LineIndex
from engine.tokenizer import Tokenizer

__all__ = ["IndexView", "TextIndex"]

MAX_FOLLOWERS = 2_000
"""Places of a context that are read; of more places, this many at even distances."""

_TRIED = 8
"""Places of a context that are tried for one in a text that is not left out."""


class TextIndex:
    """Named texts and the two indexes over them.

    Args:
        tokenizer: The model's; used only while the index is built.
        texts: (name, content) pairs; no name occurs twice.
    """

    def __init__(self, tokenizer: Tokenizer, texts: Sequence[tuple[str, str]]) -> None:
        self.names = {name: i for i, (name, _) in enumerate(texts)}
        contents = (text for _, text in texts)
        encoded = [np.array(ids, np.int32) for ids in tokenizer.encode_many(contents)]
        self.tokens = sum(map(len, encoded))
        """Tokens of all texts."""
        lengths = tokenizer.table.lengths.astype(np.int64)
        starts = [np.concatenate(([0], np.cumsum(lengths[ids])[:-1])) for ids in encoded]
        gap = np.array([SEPARATOR], np.int32)
        self.contexts = ContextIndex(
            np.concatenate([gap, *(part for ids in encoded for part in (ids, gap))])
        )
        self.lines = LineIndex(
            [text.encode("utf-8", "replace") for _, text in texts],
            [(ids, s[: len(ids)]) for ids, s in zip(encoded, starts, strict=True)],
        )
        self._first = np.concatenate(([1], 1 + np.cumsum([len(ids) + 1 for ids in encoded])))
        self._next = self.contexts.tokens[self.contexts.order]

    def copies(self, name: str) -> set[str]:
        """Return the names of all texts equal to the one called ``name``, itself included."""
        if name not in self.names:
            return set()
        texts = self.lines.texts
        own = texts[self.names[name]]
        return {other for other, i in self.names.items() if texts[i] == own}

    def followers(
        self, context: Sequence[int], without: Collection[str] = (), enough: int = 0
    ) -> list[tuple[int, NDArray[np.int32]]]:
        """Return (d, the tokens that follow the last d tokens of ``context``), the longest d first.

        A length is left out if it has the same places as the next longer one.  The list ends at
        the first length with more than `MAX_FOLLOWERS` places.

        Args:
            context: Token ids, the nearest last.
            without: Names of texts to leave out.
            enough: Places at which no longer context is looked for; its length is then that of the
                shortest with these places.
        """
        hidden = self._ranges(without)
        found: list[tuple[int, NDArray[np.int32]]] = []
        before = (0, 0)
        for depth, (low, high) in reversed(
            list(enumerate(self.contexts.match(context, enough), 1))
        ):
            if (low, high) == before:
                continue
            before = (low, high)
            tokens = self._followers(low, high, hidden)
            # Two ranges may differ only by places in hidden texts.
            if len(tokens) > (len(found[-1][1]) if found else 0):
                found.append((depth, tokens))
            if high - low > MAX_FOLLOWERS:
                break
        return found

    def continued(
        self, context: Sequence[int], most: int, without: Collection[str] = ()
    ) -> tuple[int, list[int]]:
        """Return (d, what follows one place of the longest match, of d tokens, of ``context``).

        Args:
            context: Token ids, the nearest last.
            most: Tokens to return at most; fewer where a text ends.
            without: Names of texts to leave out.
        """
        hidden = self._ranges(without)
        for depth, (low, high) in reversed(list(enumerate(self.contexts.match(context), 1))):
            for place in self.contexts.order[low : min(high, low + _TRIED)].tolist():
                if any(start <= place < end for start, end in hidden):
                    continue
                tokens = self.contexts.tokens[place : place + most].tolist()
                if SEPARATOR in tokens:
                    tokens = tokens[: tokens.index(SEPARATOR)]
                if tokens:
                    return depth, tokens
        return 0, []

    def _followers(
        self, low: int, high: int, hidden: Sequence[tuple[int, int]]
    ) -> NDArray[np.int32]:
        at: NDArray[np.int64] | slice = slice(low, high)
        if high - low > MAX_FOLLOWERS:
            at = np.linspace(low, high - 1, MAX_FOLLOWERS).astype(np.int64)
        tokens = self._next[at]
        kept = tokens != SEPARATOR
        if hidden:
            places = self.contexts.order[at]
            for start, end in hidden:
                kept &= (places < start) | (places >= end)
        followers: NDArray[np.int32] = tokens[kept]
        return followers

    def _ranges(self, names: Collection[str]) -> list[tuple[int, int]]:
        """Return the (start, end) positions of the named texts."""
        known = [self.names[name] for name in names if name in self.names]
        return [(int(self._first[i]), int(self._first[i + 1])) for i in known]


@dataclass(frozen=True, slots=True)
class IndexView:
    """A text index as one completion sees it."""

    index: TextIndex
    own: bool = False
    """Whether it holds the text around the cursor."""
    hidden: frozenset[str] = frozenset()
    """Names of texts to leave out."""

    def followers(self, context: Sequence[int]) -> list[tuple[int, NDArray[np.int32]]]:
        """Return `TextIndex.followers` of ``context`` without the hidden texts."""
        return self.index.followers(context, self.hidden)

    def continued(self, context: Sequence[int], most: int) -> tuple[int, list[int]]:
        """Return `TextIndex.continued` of ``context`` without the hidden texts."""
        return self.index.continued(context, most, self.hidden)
