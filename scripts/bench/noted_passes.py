"""Notes what a session computes for each request, in passes: exact on a loaded computer, too.

A *pass* is one call of the runner.  Runs in the engine process of a benchmark.  Guesses are chosen
by `PassClock` there, and what would be done in idle time is done behind each request, so that runs
differ only by how much of the repository was read in time.  No text depends on it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.completion.writing.draft import Draft
from engine.completion.writing.sure_text import TextSoFar
from engine.generation.speculation import Speculation

__all__ = ["NotedPasses", "PassClock", "note_passes"]

Json = dict[str, Any]

_THIN_ROW, _WIDE, _WIDE_ROW, _WIDE_ROWS = 0.13, 2.2, 0.055, 8
"""What a row more costs; a pass of 8 rows, from which other kernels compute; and what one more
costs then.  In passes of one row: processor time of the 0.5 B model on one thread of a Xeon with
VNNI and AMX, 400 tokens before."""


class PassClock:
    """A clock on which a pass takes as long as its rows say, and everything else nothing."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in passes of one row."""
        return self.now

    def add(self, rows: int) -> None:
        """Let a pass of so many rows go by."""
        wide = rows >= _WIDE_ROWS
        self.now += _WIDE + _WIDE_ROW * (rows - _WIDE_ROWS) if wide else 1 + _THIN_ROW * (rows - 1)


class NotedPasses:
    """The passes and the texts of the request that is served.

    Args:
        clock: Told of each pass.
    """

    def __init__(self, clock: PassClock) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Forget the request before."""
        self._rows: list[int] = []
        self._written: list[tuple[int, str]] = []
        self._told: list[tuple[int, str]] = []
        self._undoubted: list[tuple[int, str]] = []
        self._serving = True

    def end(self) -> None:
        """Note nothing more until the next request."""
        self._serving = False

    def as_json(self) -> Json:
        """Return what `scripts.bench.typing_passes.Passes` takes."""
        return {
            "rows": self._rows,
            "written": self._written,
            "told": self._told,
            "undoubted": self._undoubted,
        }

    def computed(self, rows: int) -> None:
        """Note a pass of so many rows."""
        self._clock.add(rows)
        if self._serving:
            self._rows.append(rows)

    def wrote(self, text: str) -> None:
        """Note the text after a token, whoever may see it."""
        self._written.append((len(self._rows), text))

    def told(self, text: str) -> None:
        """Note a text that was sent."""
        self._told.append((len(self._rows), text))

    def undoubted(self, text: TextSoFar) -> None:
        """Note the part of a text that no rule may take back; it need not be likely."""
        self._undoubted.append((len(self._rows), text.lasting))


class _NotedRunner:
    """A runner whose passes are noted."""

    def __init__(self, runner: Any, notes: NotedPasses) -> None:
        self._runner, self._notes = runner, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        return self._noted(len(tokens), self._runner.prefill, tokens)

    def decode(self, token: int) -> NDArray[np.float32]:
        return self._noted(1, self._runner.decode, token)

    def verify(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        return self._noted(len(tokens), self._runner.verify, tokens, last)

    def _noted(
        self, rows: int, compute: Callable[..., NDArray[np.float32]], *arguments: Any
    ) -> NDArray[np.float32]:
        logits = compute(*arguments)
        self._notes.computed(rows)
        return logits


def note_passes(session: Any) -> NotedPasses:
    """Have the passes of the one session of this process noted."""
    clock = PassClock()
    notes = NotedPasses(clock)
    generator = session._generator
    generator._runner = _NotedRunner(generator._runner, notes)
    if generator.speculates:
        generator._speculation = Speculation(clock)
    session.complete = _grown(session.complete, session, notes)
    _note_written(notes)
    return notes


def _grown(complete: Callable[..., Any], session: Any, notes: NotedPasses) -> Callable[..., Any]:
    """Return `Session.complete`, which then does at once what idle time is for."""

    def completing(request: Any, *, on_text: Any = None, **further: Any) -> Any:
        def on_any_text(text: str) -> None:
            notes.told(text)
            if on_text is not None:
                on_text(text)

        notes.begin()
        try:
            further["on_draft"] = notes.undoubted
            return complete(request, on_text=on_any_text, **further)
        finally:
            notes.end()
            session.grow(lambda: False)

    return completing


def _note_written(notes: NotedPasses) -> None:
    """Have drafts note their text: also of what nobody sees in the end."""
    kind: Any = Draft
    push = kind.push

    def noting(draft: Draft) -> None:
        push(draft)
        notes.wrote(draft.text)

    kind.push = noting
