"""Advice: the experts at work on one completion, token by token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.generation.sampling import softmax
from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.forecast import Forecast, blend
from engine.knowledge.line_proposals import Proposals, find_proposals
from engine.knowledge.mixture import (
    Certainty,
    context_features,
    line_features,
    mix,
    shares,
)
from engine.knowledge.text_index import IndexView
from engine.tokenizer import Tokenizer

__all__ = ["Advice", "Opinion", "line_ends", "merge"]

_END = "<|endoftext|>"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What each expert says of one token, before anything is mixed."""

    forecasts: tuple[Forecast | None, ...]
    """In the order of `engine.knowledge.tuning.EXPERTS`."""
    features: tuple[NDArray[np.float64] | None, ...]


class Advice:
    """The experts' part in one completion.

    Args:
        tokenizer: The model's.
        ends: `line_ends` of the tokenizer.
        own: The text around the cursor.
        repository: The other files.
        cursor: The cursor.
        context: Token ids in front of what is generated.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        ends: NDArray[np.int64],
        own: IndexView,
        repository: Sequence[IndexView],
        cursor: CursorLines,
        context: Sequence[int],
    ) -> None:
        self._tokenizer = tokenizer
        self._ends = ends
        self._own = own
        self._repository = repository
        self._cursor = cursor
        self._context = list(context)
        self._before = len(self._context)
        found = find_proposals([own, *repository], tokenizer, cursor)
        self._proposals = Proposals(tokenizer, found, len(cursor.before.lstrip()))
        self._said = b""
        self._steps = 0
        self.weight = 0.0
        """Share of the experts in what was mixed last."""

    def opinion(self, certainty: Certainty) -> Opinion:
        """Return what the experts say of the next token."""
        buffer = blend(self._own.followers(self._context))
        repository = blend(merge([each.followers(self._context) for each in self._repository]))
        lines = self._proposals.forecast(self._said, self._steps)
        return Opinion(
            (buffer, repository, None if lines is None else lines.votes),
            (
                None if buffer is None else context_features(buffer, certainty),
                None if repository is None else context_features(repository, certainty),
                None if lines is None else line_features(lines, certainty),
            ),
        )

    def mix(
        self, logits: NDArray[np.float32], coefficients: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float32]:
        """Return the logarithms of the mixed probabilities, float32, shape (V,).

        Where the completion is one line, every way to end it counts as the end token.  Where it
        may be several, the end is the model's to choose: copied code goes on for ever.

        Args:
            logits: The model's, shape (V,).
            coefficients: Of the mixture, from a `engine.knowledge.tuning.Tuning`.
        """
        model = softmax(logits)
        model /= model.sum()
        opinion = self.opinion(Certainty.of(model))
        weights = shares(opinion.features, coefficients)
        self.weight = 1.0 - float(weights[0])
        mixed = mix(model, opinion.forecasts, weights)
        end = self._tokenizer.special(_END)
        if end is not None and len(self._said) >= len(self._cursor.healing):
            if self._cursor.one_line:
                total = mixed[self._ends].sum()
                mixed[self._ends] = 0.0
            else:
                total = model[end]
                mixed[end] = 0.0
                mixed *= (1.0 - total) / max(mixed.sum(), 1e-300)
            mixed[end] = total
        with np.errstate(divide="ignore"):  # of 0: a token that cannot be chosen
            logs: NDArray[np.float32] = np.log(mixed).astype(np.float32)
        return logs

    def push(self, token: int) -> None:
        """Follow the token that was chosen."""
        self._context.append(token)
        self._said += self._tokenizer.token_bytes(token)
        self._steps += 1

    def keep(self, count: int) -> None:
        """Forget all chosen tokens but the first ``count``."""
        del self._context[self._before + count :]
        self._said = self._tokenizer.decode_bytes(self._context[self._before :])
        self._steps = count


def line_ends(tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Return the ids that end a line: control tokens, and those that begin with a line end."""
    contents = ((i, tokenizer.token_bytes(i)) for i in range(tokenizer.vocabulary))
    ids = [i for i, content in contents if content[:1] in (b"", b"\n", b"\r")]
    return np.array(ids, np.int64)


def merge(
    followers: Sequence[Sequence[tuple[int, NDArray[np.int32]]]],
) -> list[tuple[int, NDArray[np.int32]]]:
    """Return the followers of several shelves as if they were one.

    A shelf names only lengths whose places differ: at another length it has the places of the
    next longer one that it names.
    """
    depths = sorted({depth for each in followers for depth, _ in each}, reverse=True)
    merged = []
    for depth in depths:
        parts = []
        for each in followers:
            longer = [tokens for d, tokens in each if d >= depth]
            if longer:
                parts.append(longer[-1])
        merged.append((depth, np.concatenate(parts)))
    return merged
