"""Advice: lets the experts take part in one completion, token by token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.generation.copied_tokens import copy_guess
from engine.generation.speculation import Guess
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

__all__ = ["Advice", "Ends", "Opinion", "line_ends", "merge"]

_LEAST = 2
"""Tokens of a match from which what follows is a guess.  Behind one it was right in 25 of 100 cases
within the file, where the prompt mostly says the same, and in 5 of 100 in other files."""

_NONE: tuple[int, list[int]] = (0, [])


@dataclass(frozen=True, slots=True)
class Opinion:
    """The forecasts of all experts for one token, before they are mixed."""

    forecasts: tuple[Forecast | None, ...]
    """In the order of `engine.knowledge.tuning.EXPERTS`; None: the expert has none."""
    features: tuple[NDArray[np.float64] | None, ...]
    """Of each forecast, for `engine.knowledge.mixture.shares`."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The tokens that end a line or a text, in one vocabulary."""

    line: NDArray[np.int64]
    """`line_ends` of the tokenizer."""
    text: NDArray[np.int64]
    """Control tokens with which the model ends a text, the usual one first; may be empty."""


class Advice:
    """The experts' part in one completion.

    Args:
        tokenizer: The model's.
        ends: What ends a line or a text.
        own: The text around the cursor, indexed.
        repository: The other files, indexed.
        cursor: The lines around the cursor.
        context: Token ids before the generated ones.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        ends: Ends,
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
        """Share of the experts in the last mixture."""

    def opinion(self, certainty: Certainty) -> Opinion:
        """Return the forecasts for the next token, given how sure the model is of it."""
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
        self, model: NDArray[np.float64], coefficients: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Return the mixed probabilities, float64, shape (V,).

        In a completion of one line, every way to end the line counts as the usual end token.  In
        one of several lines, the model alone decides about the end, because copied code never ends.

        Args:
            model: The model's own probabilities, float64, shape (V,); not kept as they are.
            coefficients: From `engine.knowledge.tuning.Tuning.coefficients`.
        """
        opinion = self.opinion(Certainty.of(model))
        weights = shares(opinion.features, coefficients)
        self.weight = 1.0 - float(weights[0])
        mixed = mix(model, opinion.forecasts, weights)
        ends = self._ends
        if len(ends.text) and len(self._said) >= len(self._cursor.healing):
            if self._cursor.one_line:
                total = mixed[ends.line].sum()
                mixed[ends.line] = 0.0
            else:
                total = model[ends.text].sum()
                mixed[ends.text] = 0.0
                mixed *= (1.0 - total) / max(mixed.sum(), 1e-300)
            mixed[ends.text[0]] = total
        return mixed

    def guesses(self, most: int) -> list[Guess]:
        """Return what may come next: the rest of a found line, and copies of longer contexts.

        Costs far less than an `opinion`; weighs nothing.
        """
        found = [self._line_guess(most)]
        for name, views in (("buffer", [self._own]), ("repository", self._repository)):
            depth, tokens = max(
                (view.continued(self._context, most) for view in views), default=_NONE
            )
            found.append(copy_guess(name, depth, tokens) if depth >= _LEAST else None)
        return [guess for guess in found if guess is not None]

    def _line_guess(self, most: int) -> Guess | None:
        """Return the next tokens of the best found line that agrees with the text so far."""
        found = self._proposals.rest(self._said)
        if found is None:
            return None
        rest, share = found
        # A token or two more than are taken, so that the cut falls behind them.
        tokens = self._tokenizer.encode_part(rest[: 12 * most].decode("utf-8", "ignore"))
        kind = ("line", int(4 * share) + 5 * min(self._steps, 2))
        return Guess(tokens[:most], kind, 0.5) if tokens else None

    def push(self, token: int) -> None:
        """Add a chosen token."""
        self._context.append(token)
        self._said += self._tokenizer.token_bytes(token)
        self._steps += 1

    def keep(self, count: int) -> None:
        """Forget all chosen tokens but the first ``count``."""
        del self._context[self._before + count :]
        self._said = self._tokenizer.decode_bytes(self._context[self._before :])
        self._steps = count


def line_ends(tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Return the ids that end a line: control tokens, and tokens that begin with a line break."""
    return np.flatnonzero(np.isin(tokenizer.table.first, (-1, *b"\n\r")))


def merge(
    followers: Sequence[Sequence[tuple[int, NDArray[np.int32]]]],
) -> list[tuple[int, NDArray[np.int32]]]:
    """Return the followers in several indexes as if these were one.

    An index leaves out a length that has the same places as the next longer one, so the next
    longer one stands in for it here.
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
