"""Writer: writes one completion with a generator and a draft until the draft stands.

Writes the first line and checks it.  If Python could not parse the file with it, or what it says is
wrong at its place, goes back to the token where another line was likeliest.  Then writes the rest.
"""

from collections.abc import Callable, Sequence
from time import perf_counter

from engine.completion.rules.trim import trim
from engine.completion.writing.draft import ChosenToken, Draft
from engine.generation.generator import Generation, Generator
from engine.generation.speculation import GuessSource

__all__ = ["Writer"]

MAX_RETURNS = 2
"""How often one completion goes back.  A third time cost as much again and found little."""

DOUBTFUL, FLAWED, UNREADABLE = 1, 2, 3
"""Faults of a line: something it needs may yet be written; what it says is wrong here; Python
cannot parse the file with it."""


class Writer:
    """Writes one completion.

    Args:
        generator: Of the model.
        draft: A new one.
        prompt: Ids in front of the text.
        max_tokens: Most tokens of the text; those taken back do not count.
        guess: Guesses what the draft goes on with, to be faster; None: nothing is guessed.
    """

    def __init__(
        self,
        generator: Generator,
        draft: Draft,
        prompt: Sequence[int],
        max_tokens: int,
        guess: GuessSource | None = None,
    ) -> None:
        self.generation = Generation()
        """The steps so far."""
        self.first_text_at: float | None = None
        """When the first text was there, by `time.perf_counter`; None before that."""
        self._generator = generator
        self._draft = draft
        self._prompt = prompt
        self._max_tokens = max_tokens
        self._guess = guess
        self._reported = ""
        self._returns = 0
        self._best: tuple[int, Sequence[ChosenToken]] | None = None

    def write(self, on_text: Callable[[str], None], cancelled: Callable[[], bool]) -> None:
        """Write the text to its end.

        Args:
            on_text: Called with the text to show whenever it has changed and more is to come.
            cancelled: Asked between steps; True ends the text where it is.
        """
        draft = self._draft
        complete = draft.first_line_ended or self._go_on(
            lambda: draft.first_line_ended, on_text, cancelled
        )
        while complete and self._go_back():
            complete = draft.first_line_ended or self._go_on(
                lambda: draft.first_line_ended, on_text, cancelled
            )
        if complete and draft.ended is None:
            self._go_on(lambda: draft.ended is not None, on_text, cancelled)
        elif not complete and not self.generation.cancelled:
            self._restore_best(DOUBTFUL)  # a whole line is better than one that the limit cuts

    def _go_on(
        self,
        done: Callable[[], bool],
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> bool:
        """Write until ``done``; return False if cancelled or out of tokens before that."""
        draft = self._draft
        for _ in self._generator.run(
            self._prompt,
            draft.pick,
            self._max_tokens,
            self.generation,
            cancelled,
            draft.tokens,
            self._guess,
        ):
            draft.push()
            if draft.text and self.first_text_at is None:
                self.first_text_at = perf_counter()
            if done():
                return True
            if draft.shown != self._reported:
                self._reported = draft.shown
                on_text(draft.shown)
        return False

    # ── the first line ──────────────────────────────────────────────────────────────────────

    def _go_back(self) -> bool:
        """Replace a faulty first line by the beginning of the likeliest other one.

        Returns:
            False if the first line stands as it is: it has no fault, or no other line is left to
            try.  In the latter case it is the first of those with the least faults.
        """
        faults = self._faults()
        if self._best is None or faults < self._best[0]:
            self._best = faults, self._draft.choices
        if not faults:
            return False
        others = self._draft.other_lines() if self._returns < MAX_RETURNS else []
        if not others:
            self._restore_best()
            return False
        self._returns += 1
        self._draft.take(max(others))
        return True

    def _restore_best(self, most_faults: int = UNREADABLE) -> None:
        """Return to the line with the least faults so far, if it has few enough."""
        if self._best is not None and self._best[0] <= most_faults:
            self._draft.restore(self._best[1])

    def _faults(self) -> int:
        """Return what is wrong with the first line, 0 for nothing.

        A line of which the rules leave nothing counts as unreadable.  An empty text is no fault as
        the first answer, but it is no way out for a faulty line.
        """
        syntax, text = self._draft.limits.syntax, self._draft.text
        if syntax is None:
            return 0
        if not text.strip():
            return UNREADABLE if self._best else 0
        line = trim(text, self._draft.rules.around, multi_line=False)
        if not line.strip() or not syntax.reads(line):
            return UNREADABLE
        flaws = syntax.flaws(line)
        return max((DOUBTFUL if flaw.doubtful else FLAWED for flaw in flaws), default=0)
