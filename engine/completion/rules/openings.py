"""Bars tokens that must not open a suggestion on a line where nothing is typed yet.

Two kinds are barred.  The end of the text, where a threshold already decides what is shown.  And a
comment or docstring that the person has not begun: people read it, judge it and throw it away.
Docstrings are Python's: long strings outside brackets.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.completion.code.languages import language_of
from engine.completion.code.surroundings import Surroundings
from engine.tokenizer import Tokenizer

__all__ = ["BarredTokens", "OpeningRules"]

_Values = TypeVar("_Values", NDArray[np.float32], NDArray[np.float64])

_LINE_ENDS = (b"\n", b"\r")
_BLANKS = b" \t"


class OpeningRules:
    """Knows which tokens of one vocabulary must not open a suggestion.

    Args:
        tokenizer: The model's.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        table = tokenizer.table
        self._tokenizer = tokenizer
        self._ends = np.flatnonzero(table.lengths == 0)
        self._line_ends = table.opening_with(_LINE_ENDS)
        self._remarks: dict[tuple[bytes, ...], NDArray[np.int64]] = {}

    def barred(
        self, path: str, prefix: str, around: Surroundings, *, one_line: bool, silence: bool
    ) -> "BarredTokens | None":
        """Return the tokens barred at a cursor; None: there are none.

        Args:
            path: The file.
            prefix: The text before the cursor.
            around: The lines around the cursor.
            one_line: Whether the suggestion ends with the cursor's line.
            silence: Whether the suggestion may be empty.
        """
        if around.before.strip() or around.rest.strip():
            return None
        ids: list[NDArray[np.int64]] = []
        signs: tuple[bytes, ...] = ()
        if not silence:
            ids.append(self._ends)
            if one_line:
                ids.append(self._line_ends)
                signs += _LINE_ENDS
        remarks = tuple(sign.encode() for sign in language_of(path).remarks(prefix))
        if remarks:
            ids.append(self._opening_with(remarks))
            signs += remarks
        return BarredTokens(self._tokenizer, np.concatenate(ids), signs) if ids else None

    def _opening_with(self, remarks: tuple[bytes, ...]) -> NDArray[np.int64]:
        """Return the tokens that begin with one of a language's signs."""
        if remarks not in self._remarks:
            self._remarks[remarks] = self._tokenizer.table.opening_with(remarks)
        return self._remarks[remarks]


class BarredTokens:
    """The tokens barred at one cursor.

    Args:
        tokenizer: The model's.
        ids: The barred tokens where no healing is due.
        signs: What a text must not begin with, spaces aside.
    """

    def __init__(
        self, tokenizer: Tokenizer, ids: NDArray[np.int64], signs: tuple[bytes, ...]
    ) -> None:
        self._tokenizer = tokenizer
        self._ids = ids
        self._signs = signs

    def mask(self, values: _Values, healing: bytes, impossible: float = -np.inf) -> _Values:
        """Return ``values`` with the barred tokens marked, unless nothing else is possible.

        Args:
            values: Logits, float32, or probabilities, float64, shape (V,).
            healing: Bytes that the tokens must repeat before the text begins.
            impossible: What marks a token that cannot be chosen: −inf in logits, 0 in
                probabilities.
        """
        masked = values.copy()
        if healing.strip(_BLANKS):
            possible = np.flatnonzero(values > impossible)
            masked[possible[self._open(possible, len(healing))]] = impossible
        else:  # blanks in front of a sign change nothing
            masked[self._ids[self._ids < len(values)]] = impossible
        return masked if masked.max() > impossible else values

    def _open(self, ids: NDArray[np.int64], healed: int) -> NDArray[np.bool_]:
        """Return which tokens begin with a barred sign after their first ``healed`` bytes."""
        contents = map(self._tokenizer.token_bytes, ids.tolist())
        opens = (_opens(content[healed:], self._signs) for content in contents)
        return np.fromiter(opens, bool, len(ids))


def _opens(content: bytes, signs: tuple[bytes, ...]) -> bool:
    """Return whether ``content`` begins with one of ``signs``, spaces aside."""
    return content.lstrip(_BLANKS).startswith(signs)
