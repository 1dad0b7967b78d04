"""What a suggestion does not open with, on a line where nothing is typed yet.

Not with its end, where a threshold decides what is shown anyway; and not with a remark: a comment
or a docstring that nobody began is read, judged and thrown away.  Only of Python is it known what
a remark looks like, and that docstrings stand below a colon or at the top.
"""

import numpy as np
from numpy.typing import NDArray

from engine.completion.brackets import TRIPLE_QUOTES, inside_text
from engine.completion.place import Place
from engine.completion.syntax import is_python
from engine.tokenizer import Tokenizer

__all__ = ["Barred", "Opening"]

_COMMENT = (b"#",)
_DOCSTRING = tuple(quote.encode() for quote in TRIPLE_QUOTES)
_LINE_ENDS = (b"\n", b"\r")


class Opening:
    """Knows the tokens of one vocabulary that a suggestion does not open with.

    Args:
        tokenizer: The model's.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        contents = [tokenizer.token_bytes(i) for i in range(tokenizer.vocabulary)]
        self._contents = contents
        self._ends = _ids([not content for content in contents])
        self._line_ends = _ids([_opens(content, _LINE_ENDS) for content in contents])
        self._comments = _ids([_opens(content, _COMMENT) for content in contents])
        self._docstrings = _ids([_opens(content, _DOCSTRING) for content in contents])

    def barred(
        self, path: str, prefix: str, place: Place, *, one_line: bool, silence: bool
    ) -> "Barred | None":
        """Return what is barred at a cursor; None: nothing.

        Args:
            path: The file.
            prefix: The text before the cursor.
            place: The lines around it.
            one_line: Whether the suggestion ends with the cursor's line.
            silence: Whether it may be empty.
        """
        if place.before.strip() or place.rest.strip():
            return None
        ids: list[NDArray[np.int64]] = []
        signs: tuple[bytes, ...] = ()
        if not silence:
            ids.append(self._ends)
            if one_line:
                ids.append(self._line_ends)
                signs += _LINE_ENDS
        if is_python(path) and not inside_text(prefix):
            ids.append(self._comments)
            signs += _COMMENT
            if not place.above or place.above.endswith(":"):
                ids.append(self._docstrings)
                signs += _DOCSTRING
        return Barred(self._contents, np.concatenate(ids), signs) if ids else None


class Barred:
    """The tokens that are barred at one cursor.

    Args:
        contents: The bytes of every token.
        ids: The barred ones, where bytes before the cursor need not be said again.
        signs: What a text does not begin with, after spaces.
    """

    def __init__(
        self, contents: list[bytes], ids: NDArray[np.int64], signs: tuple[bytes, ...]
    ) -> None:
        self._contents = contents
        self._ids = ids
        self._signs = signs

    def mask(self, logits: NDArray[np.float32], healing: bytes) -> NDArray[np.float32]:
        """Return ``logits`` with the barred tokens impossible, if others are possible.

        Args:
            logits: Shape (V,).
            healing: Bytes that are said before the text begins.
        """
        masked = logits.copy()
        if healing:
            possible = np.flatnonzero(np.isfinite(logits))
            opens = (_opens(self._contents[i][len(healing) :], self._signs) for i in possible)
            masked[possible[np.fromiter(opens, bool, len(possible))]] = -np.inf
        else:
            masked[self._ids] = -np.inf
        return masked if np.isfinite(masked).any() else logits


def _ids(chosen: list[bool]) -> NDArray[np.int64]:
    return np.flatnonzero(np.array(chosen)).astype(np.int64)


def _opens(content: bytes, signs: tuple[bytes, ...]) -> bool:
    """Return whether text begins with one of ``signs``, after spaces."""
    return content.lstrip(b" \t").startswith(signs)
