"""The expert that forecasts the next token from lines found at similar places.

Each found line (`engine.knowledge.line_search`) is a proposal: the bytes that would follow the
prompt if the cursor's line became that line and the lines below it in its own text came next.
A proposal that disagrees with the generated text drops out.  The others vote for the next token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.forecast import Forecast
from engine.knowledge.line_search import SHARPNESS, find_lines
from engine.knowledge.text_index import IndexView
from engine.tokenizer import Tokenizer

__all__ = ["LineForecast", "Proposal", "Proposals", "find_proposals"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line that might belong at the cursor."""

    score: float
    stream: bytes
    """The bytes that would be generated, those of token healing included."""


class Proposals:
    """The proposals of one completion.

    Args:
        tokenizer: The model's.
        proposals: Best first.
        typed: Characters typed on the cursor's line, without its indentation.
    """

    def __init__(self, tokenizer: Tokenizer, proposals: Sequence[Proposal], typed: int) -> None:
        self._tokenizer = tokenizer
        self._proposals = proposals
        self._typed = typed
        self._tokens: dict[bytes, int] = {}
        scores = np.array([proposal.score for proposal in proposals])
        weights = np.exp(SHARPNESS * (scores - scores.max(initial=-np.inf)))
        self._weights = weights / max(weights.sum(), 1e-300)

    def forecast(self, said: bytes, steps: int) -> "LineForecast | None":
        """Return the votes for the token after ``said``; None if no proposal is left.

        Args:
            said: The bytes generated so far, those of token healing included.
            steps: Tokens generated so far.
        """
        votes: dict[int, float] = {}
        best, left = -np.inf, 0.0
        for proposal, weight in zip(self._proposals, self._weights, strict=True):
            rest = proposal.stream[len(said) :]
            if not rest or not proposal.stream.startswith(said):
                continue
            token = self._first_token(rest)
            votes[token] = votes.get(token, 0.0) + float(weight)
            left += float(weight)
            best = max(best, proposal.score)
        if not left:
            return None
        tokens = np.array(sorted(votes), np.int64)
        shares = np.array([votes[token] for token in tokens.tolist()]) / left
        return LineForecast(
            votes=Forecast(tokens, shares),
            best=best,
            left=left,
            steps=steps,
            typed=self._typed,
            found=len(self._proposals),
        )

    def rest(self, said: bytes) -> tuple[bytes, float] | None:
        """Return the bytes that the best remaining proposal says next; None if none is left.

        Args:
            said: As for `forecast`.

        Returns:
            Them, and the proposal's weight as a share of all that remain.
        """
        best, heaviest, left = b"", 0.0, 0.0
        for proposal, weight in zip(self._proposals, self._weights.tolist(), strict=True):
            rest = proposal.stream[len(said) :]
            if rest and proposal.stream.startswith(said):
                left += weight
                if weight > heaviest:
                    best, heaviest = rest, weight
        return (best, heaviest / left) if heaviest else None

    def _first_token(self, content: bytes) -> int:
        """Return the first token of ``content``."""
        # The next word already decides the first token; a longer text would only take time.
        head = content[:48]
        if head not in self._tokens:
            self._tokens[head] = self._tokenizer.encode_part(head.decode("utf-8", "replace"))[0]
        return self._tokens[head]


@dataclass(frozen=True, slots=True)
class LineForecast:
    """The votes of the proposals, and facts that tell how far to trust them."""

    votes: Forecast
    best: float
    """Score of the best remaining proposal."""
    left: float
    """Weight of the remaining proposals as a share of all."""
    steps: int
    """Tokens generated so far."""
    typed: int
    """Characters typed on the cursor's line, without its indentation."""
    found: int
    """Proposals before any dropped out."""


def find_proposals(
    views: Sequence[IndexView], tokenizer: Tokenizer, cursor: CursorLines
) -> list[Proposal]:
    """Return the proposals from all indexed lines for the cursor, best first."""
    return [
        Proposal(found.score, cursor.healing + found.text + found.ending(cursor))
        for found in find_lines(views, tokenizer, cursor)
    ]
