"""Tokens that hold the end of a line, for completions that end with their line.

Many vocabularies have one token for a bracket and the line break behind it.  The files of a
repository are cut into such tokens, but a text written at a cursor ends before the line break:
there the same bracket is a shorter token, and then comes the end.  Here the one is told as the
other.  Without it no file ever says that a line ends behind its bracket.

Letter: V tokens of the vocabulary.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.knowledge.forecast import Followers, merge
from engine.tokenizer import Tokenizer

__all__ = ["LineTokens"]

_BREAKS = b"\n\r"


class LineTokens:
    """What the tokens of one vocabulary say of a line's end.

    Args:
        tokenizer: The model's.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        first = tokenizer.table.first
        self.ends: NDArray[np.int64] = np.flatnonzero(np.isin(first, (-1, *_BREAKS)))
        """Ids that end a line: control tokens, and tokens that begin with a line break."""
        ends = np.flatnonzero(np.isin(first, list(_BREAKS)))
        self._end = int(ends[0]) if len(ends) else None
        self.heads: NDArray[np.int64] = np.arange(len(first))
        """Of a token with text and then a line break, the first token of the text; of any other
        token, itself.  int64, shape (V,)."""
        for token in np.flatnonzero(first >= 0).tolist() if ends.size else ():
            text = tokenizer.token_bytes(token)
            line = _first_line(text)
            if line and len(line) < len(text):
                self.heads[token] = self._head(tokenizer, line)
        self.cut: NDArray[np.int64] = np.flatnonzero(self.heads != np.arange(len(first)))
        """Ids of the tokens with text and then a line break."""
        self._is_head = np.zeros(len(first), bool)
        self._is_head[self.heads[self.cut]] = True

    def _head(self, tokenizer: Tokenizer, line: bytes) -> int:
        """Return the first token of a line; its end where there are only blanks."""
        assert self._end is not None  # only asked where a token begins with a line break
        if not line.strip():
            return self._end
        return int(tokenizer.encode_part(line.decode("utf-8", "replace"))[0])

    def of_shares(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities, shape (V,), with those of cut tokens given to their heads."""
        if not len(self.cut):
            return shares
        told = shares.copy()
        told[self.cut] = 0.0
        np.add.at(told, self.heads[self.cut], shares[self.cut])
        return told

    def of_text(self, tokens: Sequence[int]) -> list[int]:
        """Return tokens up to the first one with a line break, of that one its head."""
        told: list[int] = []
        for token in tokens:
            told.append(int(self.heads[token]))
            if told[-1] != token:
                break
        return told

    def of_followers(self, followers: Followers, before: Followers, last: int) -> Followers:
        """Return what follows a context, where cut tokens count as their heads and then an end.

        Args:
            followers: Of the context.
            before: Of the context without its last token.
            last: The last token.
        """
        if not len(self.cut):
            return followers
        told = [(depth, self.heads[tokens].astype(np.int32)) for depth, tokens in followers]
        ended = []
        for depth, tokens in before:
            count = int(((self.heads[tokens] == last) & (tokens != last)).sum())
            if count:
                ended.append((depth + 1, np.full(count, self._end, np.int32)))
        return merge([told, ended]) if ended else told

    def at(self, healing: bytes, *, one_line: bool) -> "LineTokens | None":
        """Return itself for a completion of one line; None: tokens count as they are.

        So they do where a line break is healed, for that one is yet to be written.
        """
        return self if one_line and b"\n" not in healing else None

    def may_end(self, token: int) -> bool:
        """Return whether a longer token has this one's text and then a line break."""
        return bool(self._is_head[token])


def _first_line(text: bytes) -> bytes:
    """Return a text up to its first line break."""
    return text.split(b"\n", 1)[0].split(b"\r", 1)[0]
