"""The stretches of text that a person wrote in a recorded session, to be typed again.  Pure.

A run is what comes to stand at one place, key by key or by accepting suggestions, until the person
goes on elsewhere: the text as it was left, with all that was taken back left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tui.assist.recording.events import FileSeen, RecordedEvent, TextChanged
from tui.assist.recording.text_change import offset_of

__all__ = ["TypedRun", "typed_runs"]

_LEAST_CHARACTERS = 20
"""A shorter run says little: it was a correction."""


@dataclass(frozen=True, slots=True)
class TypedRun:
    """What was written at one place."""

    path: str
    text: str
    """The file when the person went on."""
    start: int
    """Offset of the first written character that is no white space."""
    end: int


@dataclass(slots=True)
class _Writing:
    """The visible file and the run under way."""

    path: str
    text: str
    start: int = 0
    end: int = -1
    """Before ``start``: there is no run."""

    def apply(self, event: TextChanged) -> Iterator[TypedRun]:
        """Change the text; yield the run that this ends."""
        lines = self.text.split("\n")
        start, end = offset_of(lines, event.start), offset_of(lines, event.end)
        inside = self.start <= start <= end <= self.end
        if not inside or _is_pasted(event):
            yield from self.finish()
        self.text = self.text[:start] + event.text + self.text[end:]
        if inside and self.end >= self.start:
            self.end += len(event.text) - (end - start)
        elif event.text and event.cause in ("typed", "accepted") and not _is_pasted(event):
            self.start, self.end = start, start + len(event.text)

    def finish(self) -> Iterator[TypedRun]:
        """End the run, and yield it if it is long enough."""
        written = self.text[self.start : self.end] if self.end > self.start else ""
        start = self.start + len(written) - len(written.lstrip())
        self.end = self.start - 1
        if len(written.strip()) >= _LEAST_CHARACTERS:
            yield TypedRun(self.path, self.text, start, start + len(written.strip()))


def typed_runs(events: Iterable[RecordedEvent]) -> list[TypedRun]:
    """Return the runs of a session, in the order in which they ended."""
    runs: list[TypedRun] = []
    texts: dict[str, str] = {}
    now: _Writing | None = None
    for event in events:
        if isinstance(event, FileSeen):
            if now is not None:
                runs += now.finish()
                texts[now.path] = now.text
            now = _opened(event, texts)
        elif isinstance(event, TextChanged) and now is not None:
            runs += now.apply(event)
    return runs + (list(now.finish()) if now is not None else [])


def _opened(event: FileSeen, texts: dict[str, str]) -> _Writing | None:
    """Return the file that is visible now; None if nobody may know it."""
    if event.path is None:
        return None
    text = texts.get(event.path) if event.text is None else event.text
    return None if text is None else _Writing(event.path, text)


def _is_pasted(event: TextChanged) -> bool:
    """Return whether an edit brought more than a key does, which is two brackets at most."""
    return event.cause == "typed" and len(event.text.strip()) > 2
