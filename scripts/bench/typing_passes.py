"""How many passes of the model went into a suggestion, and what they were spent on.  Pure.

A *pass* is one call of the runner: a piece of the prompt, one token, or one token and guesses
behind it.  Counts are exact whatever else the computer does.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.bench.spread import percentiles

__all__ = ["SPENT", "Passes", "Spent", "has_line", "passes_summary"]

SPENT = ("first token", "in doubt", "not sure yet", "another line")
"""What a pass before the first text was spent on: the prompt and its first token; a line that may
be taken back (`engine.completion.writing.lines_in_doubt`); a text that is not likely enough so far;
a line in place of one that was taken back."""

_SLOWEST = 0.1
"""Share of the answers that are told one by one."""


def has_line(text: str, final: str) -> bool:
    """Return whether a text holds the whole first line of the final one and goes on."""
    line, end, _ = text.lstrip("\n").partition("\n")
    return bool(end) and line == final.lstrip("\n").partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Spent:
    """The passes of one answer that was shown."""

    first: int
    """Up to the first text that was not withdrawn."""
    line: int
    """Up to the whole first line."""
    tokens: int
    """Tokens chosen up to there, those taken back included."""
    rows: int
    """Rows computed up to there, the prompt's and wrong guesses' included."""
    on: dict[str, int]
    """The passes up to the first text by `SPENT`."""


@dataclass(frozen=True, slots=True)
class Passes:
    """All that was noted of one request; texts come with the passes before them."""

    rows: Sequence[int] = ()
    """Of each pass."""
    written: Sequence[tuple[int, str]] = ()
    """The text after each token."""
    told: Sequence[tuple[int, str]] = ()
    """Texts that were sent before the answer was complete."""
    undoubted: Sequence[tuple[int, str]] = ()
    """What of each text no rule may take back."""

    def spent(self, final: str) -> Spent:
        """Return what went into an answer of which ``final`` is shown in the end."""
        stays = (at for at, text in self.told if final.startswith(text.rstrip()))
        first = next(stays, len(self.rows))
        lines = (at for at, text in self.told if has_line(text, final))
        line = max(first, next(lines, len(self.rows)))
        tokens = sum(at <= line for at, _ in self.written)
        return Spent(first, line, tokens, sum(self.rows[:line]), self._spent_on(first))

    def _spent_on(self, first: int) -> dict[str, int]:
        """Return how many of the first passes were spent on what."""
        begun = next((at for at, text in self.written if text.strip()), first)
        again = min(self._taken_back(), first)
        fit = min(next((at for at, text in self.undoubted if text.strip()), first), again)
        begun = min(begun, fit)
        return dict(zip(SPENT, (begun, fit - begun, again - fit, first - again), strict=True))

    def _taken_back(self) -> int:
        """Return the passes before a line was taken back; all of them if none was."""
        for (before, text), (_, after) in zip(self.written, self.written[1:], strict=False):
            if not after.startswith(text):
                return before
        return len(self.rows)


def passes_summary(answers: Iterable[tuple[str, str, Passes]]) -> dict[str, Any]:
    """Return the figures of the answers that were shown.

    Args:
        answers: Of each the end of the text before it, what was shown in the end, its passes.
    """
    found = [(before, final, passes.spent(final)) for before, final, passes in answers]
    found.sort(key=lambda answer: -answer[2].first)
    slowest = found[: math.ceil(_SLOWEST * len(found))]
    spent = [answer[2] for answer in found]
    lines = sum(each.line for each in spent)
    return {
        "n": len(found),
        "first_text": percentiles([each.first for each in spent]),
        "whole_line": percentiles([each.line for each in spent]),
        "tokens_per_pass": sum(each.tokens for each in spent) / max(lines, 1),
        "rows_per_pass": sum(each.rows for each in spent) / max(lines, 1),
        "slowest": [
            {"before": before, "final": final, "first": each.first, "line": each.line,
             "tokens": each.tokens, "rows": each.rows, "on": each.on}
            for before, final, each in slowest
        ],
    }  # fmt: skip
