"""What the other files of a repository tell of a text, token by token, and so need not be learnt.

An answer is drawn from the model mixed with the repository's own experts (`engine.knowledge`).
Where these say the right token, a model that learns to say it too adds little, and makes both
together too sure of what was copied.  Knows n-grams of files, nothing of cursors or found lines.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.repository_texts import LearnableFile
from engine.knowledge.context_index import DEPTH
from engine.knowledge.forecast import DISCOUNT, MAX_LENGTHS
from engine.knowledge.text_index import TextIndex

__all__ = ["LEAST_WORTH", "ToldElsewhere"]

LEAST_WORTH = 0.02
"""Of a token that the other files tell for sure: assumed, small and not 0, so that no row is
without a token that counts."""


_REMEMBERED = 1 << 14
"""Lists of followers whose counts are remembered."""


class ToldElsewhere:
    """N-grams of some files, each asked about without its own.

    Args:
        files: All that is learnt.
        encode: The vocabulary.
    """

    def __init__(self, files: Sequence[LearnableFile], encode: ModelEncoder) -> None:
        self._index = TextIndex(encode.tokenizer, [(file.path, file.text) for file in files])

    def worth(self, path: str, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return for each token how much there is to learn of it: 1 − its forecast, shape (T,).

        The forecast is the probability that the n-grams of all other files give it behind the
        tokens before.

        Args:
            path: The file that the tokens are from.
            tokens: T ids in a row.
        """
        own = {path}
        told = [
            self._forecast(tokens[max(0, at - DEPTH) : at], token, own)
            for at, token in enumerate(tokens)
        ]
        return np.maximum(LEAST_WORTH, 1.0 - np.array(told)).astype(np.float32)

    def _forecast(self, before: Sequence[int], token: int, own: set[str]) -> float:
        """Return what `engine.knowledge.forecast.blend` gives one token, without the others'."""
        told: float | None = None
        for _, followers in reversed(self._index.followers(before, own, enough=1)[:MAX_LENGTHS]):
            counts, size = _counts(followers.tobytes()), len(followers)
            count = counts.get(token, 0)
            passed_on = DISCOUNT * len(counts) / size
            direct = (count - DISCOUNT) / size if count else 0.0
            told = direct / (1.0 - passed_on) if told is None else direct + passed_on * told
        return told or 0.0


@lru_cache(_REMEMBERED)
def _counts(tokens: bytes) -> dict[int, int]:
    """Return how often each token occurs among int32 ids.

    What follows a short context is asked for again and again, and there is much of it.
    """
    return Counter(np.frombuffer(tokens, np.int32).tolist())
