"""Lines that stand at similar places, as an expert for the next token.

Each found line is a proposal: the bytes that would follow the prompt if the cursor's line became
that line, and the lines below it in its own text came after.  Proposals that disagree with what
is typed or generated drop out; those that remain vote for the next token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.knowledge.forecast import Forecast
from engine.knowledge.lines import UNKNOWN_STEP, LineIndex, Neighbours
from engine.knowledge.shelf import Source
from engine.knowledge.site import Site, indent_of
from engine.tokenizer import Tokenizer

__all__ = ["LineForecast", "Proposal", "Proposals", "find_proposals"]

MAX_PROPOSALS = 60
MAX_LOOKED_AT = 4_000
"""Best-fitting lines of a shelf that are compared with what is typed."""

MAX_LINES = 8
"""Lines of one proposal."""

OWN_BONUS = 0.2
"""Added to the score of lines of the buffer itself."""

SHARPNESS = 4.0
"""Weights are exp(`SHARPNESS` · score); those of equal lines add up."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line that might be meant."""

    score: float
    stream: bytes
    """What would be generated, the bytes of token healing included."""


class Proposals:
    """The proposals of one completion.

    Args:
        tokenizer: The model's.
        proposals: Best first.
        typed: Bytes of the cursor's line that are typed, its indentation left out.
    """

    def __init__(self, tokenizer: Tokenizer, proposals: Sequence[Proposal], typed: int) -> None:
        self._tokenizer = tokenizer
        self._proposals = proposals
        self._typed = typed
        self._tokens: dict[bytes, int] = {}
        scores = np.array([proposal.score for proposal in proposals])
        weights = np.exp(SHARPNESS * (scores - scores.max(initial=-np.inf)))
        self._weights = weights / max(weights.sum(), 1e-300)

    def __len__(self) -> int:
        return len(self._proposals)

    def forecast(self, said: bytes, steps: int) -> "LineForecast | None":
        """Return the votes for the token after ``said``; None where nobody is left.

        Args:
            said: All bytes generated so far, those of token healing included.
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

    def _first_token(self, content: bytes) -> int:
        """Return the token with which the text ``content`` begins."""
        # One word after the next token decides it; more would only take time.
        head = content[:48]
        if head not in self._tokens:
            self._tokens[head] = self._tokenizer.encode_part(head.decode("utf-8", "replace"))[0]
        return self._tokens[head]


@dataclass(frozen=True, slots=True)
class LineForecast:
    """The votes of the proposals, and how much there is to them."""

    votes: Forecast
    best: float
    """Score of the best proposal that is left."""
    left: float
    """Share of the first weight that is left."""
    steps: int
    typed: int
    found: int
    """Proposals at the beginning."""


def find_proposals(shelves: Sequence[Source], tokenizer: Tokenizer, site: Site) -> list[Proposal]:
    """Return what the lines of the shelves propose for the cursor, best first."""
    neighbours = _neighbours(tokenizer, site)
    found: dict[bytes, _Found] = {}
    for source in shelves:
        index = source.shelf.lines
        score = index.score(neighbours) + (OWN_BONUS if source.own else 0.0)
        for name in source.hidden & source.shelf.names.keys():
            score[index.text == source.shelf.names[name]] = -1.0
        for line in _best(score):
            text = _rest_of_line(index, line, site)
            if text is not None:
                found.setdefault(text, _Found(index, line)).add(float(score[line]))
    ranked = sorted(found.items(), key=lambda item: (-item[1].score, item[0]))[:MAX_PROPOSALS]
    return [
        Proposal(each.score, site.healing + text + _ending(each.index, each.line, text, site))
        for text, each in ranked
    ]


@dataclass(slots=True)
class _Found:
    """A line that was found, once or oftener; the first time was the best of its shelf."""

    index: LineIndex
    line: int
    weight: float = 0.0

    def add(self, score: float) -> None:
        """Count it once more."""
        self.weight += float(np.exp(SHARPNESS * score))

    @property
    def score(self) -> float:
        """The score of one line that has the weight of all."""
        return float(np.log(self.weight)) / SHARPNESS


def _neighbours(tokenizer: Tokenizer, site: Site) -> Neighbours:
    """Return what `LineIndex.score` asks for."""
    around = {-i: line for i, line in enumerate(reversed(site.above), 1)}
    around |= dict(enumerate(site.below, 1))
    step = UNKNOWN_STEP
    if site.above and site.before:
        step = int(np.sign(indent_of(site.before + "x") - indent_of(site.above[-1])))
    lines = {distance: tokenizer.encode_part(line.strip()) for distance, line in around.items()}
    return Neighbours(lines, step)


def _best(score: NDArray[np.float64]) -> list[int]:
    """Return the lines with the highest scores above 0, best first, among equals the first."""
    bound = 1e-9
    if len(score) > MAX_LOOKED_AT:
        nth = len(score) - MAX_LOOKED_AT
        bound = max(bound, float(np.partition(score, nth)[nth]))
    lines = np.flatnonzero(score >= bound)
    ordered: list[int] = lines[np.argsort(-score[lines], kind="stable")].tolist()
    return ordered[:MAX_LOOKED_AT]


def _rest_of_line(index: LineIndex, line: int, site: Site) -> bytes | None:
    """Return what follows the cursor if its line becomes that line; None: it cannot."""
    content = index.content(line)
    start = site.before.lstrip().encode("utf-8", "replace")
    if not content.startswith(start):
        return None
    text = content[len(start) :]
    if site.before or not site.above:
        return text
    # At the line's very start the indentation moves as it does there.
    moved = (
        int(index.indent[line] - index.indent[line - 1]) if index.step[line] != UNKNOWN_STEP else 0
    )
    return b" " * max(0, indent_of(site.above[-1]) + moved) + text


def _ending(index: LineIndex, line: int, text: bytes, site: Site) -> bytes:
    """Return the line's end, and where several lines are wanted those that follow it there.

    They are indented as the first one is, and end where its block ends.
    """
    if site.one_line:
        return b"\n"
    own = indent_of(site.before + text.decode("utf-8", "replace") + "x")
    shift = own - int(index.indent[line])
    content = index.texts[index.text[line]]
    stop = int(index.end[line])
    written = b""
    for below in range(line + 1, min(line + MAX_LINES, len(index))):
        inside = index.text[below] == index.text[line] and index.start[below] < index.end[below]
        if not inside or index.indent[below] < index.indent[line]:
            break
        start, end = int(index.start[below]), int(index.end[below])
        gap = content[stop : start - int(index.indent[below])]
        indent = b" " * max(0, int(index.indent[below]) + shift)
        written += b"\n" * gap.count(b"\n") + indent + content[start:end]
        stop = end
    return written + b"\n"
