"""Keeps what is learnt of a person's answers to suggestions: a few numbers a model, in one file.

Holds no text and no name of a file.  Several windows may learn at once: each answer is added to
what the file says then.
"""

from contextlib import suppress
from pathlib import Path

from engine.notes import read_note, write_note
from tui.assist.acceptance import Acceptance, learn

__all__ = ["AcceptanceStore"]

_MOST_MODELS = 32


class AcceptanceStore:
    """What is known of one person, by the model's name.

    Args:
        file: Where; it need not exist, and may be lost.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, model: str) -> Acceptance:
        """Return what is known with a model: the prior, if nothing is."""
        return self._read().get(model, Acceptance())

    def learn(
        self, model: str, mean_logprob: float, threshold: float | None, *, taken: bool
    ) -> Acceptance:
        """Add an answer, and return what is known then."""
        known = self._read()
        learnt = learn(known.pop(model, Acceptance()), mean_logprob, threshold, taken=taken)
        kept = list(known.items())[-(_MOST_MODELS - 1) :]
        write_note(self._file, dict([*kept, (model, learnt)]))
        return learnt

    def forget(self) -> None:
        """Begin anew with every model."""
        with suppress(OSError):  # then nothing was ever kept there
            self._file.unlink()

    def _read(self) -> dict[str, Acceptance]:
        empty: dict[str, Acceptance] = {}
        known = read_note(self._file, dict[str, Acceptance], empty)
        return {model: each for model, each in known.items() if each.sound}
