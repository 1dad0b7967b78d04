"""Several texts for one place, ranked: which is shown, and which comes next.  Pure.

What a person has seen keeps its rank, so that a number never leads to another text than before;
those not seen yet are ranked by likelihood.
"""

from dataclasses import dataclass, replace

from tui.assist.scored_text import ScoredText

__all__ = ["Alternatives"]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The texts for one place."""

    texts: tuple[ScoredText, ...]
    """By rank, the first of which was shown by itself."""
    wanted: int = 0
    """Index of the one that the person wants to see, which may be still to come."""
    seen: int = 1
    """How many of the first ones were shown."""
    complete: bool = False
    """Whether no more will come."""

    @property
    def at(self) -> int:
        """Index of the one that is shown."""
        return min(self.wanted, len(self.texts) - 1)

    @property
    def shown(self) -> ScoredText:
        """The one that is shown."""
        return self.texts[self.at]

    def step(self, by: int) -> "Alternatives":
        """Return the same with the next one (1) or the one before (-1) wanted.

        Goes round once all are there; before that, it stops at the first and behind the last.
        """
        count = len(self.texts)
        if self.complete:
            return self._looking_at((self.at + by) % count)
        return self._looking_at(min(max(0, self.at + by), count))

    def with_other(self, other: ScoredText) -> "Alternatives":
        """Return the same with one more text, unless its first line is there already."""
        if not other.text.strip() or _line(other) in {_line(each) for each in self.texts}:
            return self
        fresh = sorted((*self.texts[self.seen :], other), key=_rank)
        return replace(self, texts=(*self.texts[: self.seen], *fresh))._looking_at(self.wanted)

    def all_there(self) -> "Alternatives":
        """Return the same with no more to come."""
        return replace(self, complete=True, wanted=self.at)

    def _looking_at(self, wanted: int) -> "Alternatives":
        seen = max(self.seen, min(wanted, len(self.texts) - 1) + 1)
        return replace(self, wanted=wanted, seen=seen)


def _line(text: ScoredText) -> str:
    return text.text.strip().partition("\n")[0].rstrip()


def _rank(text: ScoredText) -> float:
    return 0.0 if text.mean_logprob is None else -text.mean_logprob
