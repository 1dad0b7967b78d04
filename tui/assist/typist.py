"""The typist of ``spark-tui bench quality``: types a stretch of a file by rules, key by key.

Used by the benchmark alone, never by the app.  `suggestions` and `policy` decide what is
suggested, as they do in the app.  The rest is simulated here: a clock that only keys and timers
move, an engine that answers after fixed times, and the editor's ghost text.  Opens no screen and
starts no process.

The typist types what the file says.  Before each key they look at the ghost text and accept the
largest part that is right with that one key: all of it, its next line or its next word.  The
editor writes indentation by itself.  To correct it takes time but counts neither as a key nor as
a character, so that plain typing saves exactly nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import PurePath
from typing import TYPE_CHECKING

from engine import Question, Typed, judge_ending
from engine.protocol.completion import (
    PREFIX_CHARACTERS,
    SUFFIX_CHARACTERS,
    Completion,
    CompletionRequest,
    HostStats,
    WaferStats,
)
from engine.protocol.messages import (
    Cancel,
    ClientMessage,
    Complete,
    Completed,
    EngineReady,
    MachineInfo,
    ModelInfo,
    PartialText,
)
from tui.assist.acceptance import Acceptance, least_logprob
from tui.assist.cursor_place import CursorPlace
from tui.assist.ghost import first_line, first_word, rest_after, written_characters
from tui.assist.latency import ASSUMED, Latency
from tui.assist.suggestion_events import SuggestionEvent, SuggestionReady
from tui.assist.suggestions import Suggestions
from tui.code.indentation import after_enter, expected_width, indent_unit, leading
from tui.code.languages import language_of
from tui.settings import SuggestionSettings

if TYPE_CHECKING:
    from engine import Answerer, CursorAnswer, Stretch

__all__ = ["KEY_MS", "type_stretch", "unasked_threshold"]

KEY_MS = 200
"""From one key to the next."""

_TAB_WIDTH = 4
_NO_HOST = HostStats(0.0, 0.0, 0.0, None)
_NO_WAFER = WaferStats("none", 1.0, "none", 0, 0, 0.0, 0.0, 0.0, 0)
_READY = EngineReady(
    ModelInfo("replay", "", 0, 0, 0, 0, 0, "any", 0, True),
    MachineInfo("none", 1.0, 0, 0, 0, "none", 0, []),
    1,
    "none",
    0.0,
)


def unasked_threshold(threshold: float | None, settings: SuggestionSettings) -> float | None:
    """Return the mean log-probability from which a text comes by itself in a new person's app.

    Args:
        threshold: The model's own; None: it has none, and all comes.
        settings: With the chance from which a suggestion comes.
    """
    if threshold is None:
        return None
    return least_logprob(Acceptance(), settings.threshold / 100, threshold)


def type_stretch(
    stretch: Stretch,
    answerer: Answerer,
    latency: Latency = ASSUMED,
    settings: SuggestionSettings | None = None,
) -> Typed:
    """Type a stretch with suggestions by ``answerer``.  Deterministic for given answers.

    Args:
        stretch: What to type.
        answerer: Whose suggestions.
        latency: When they come.
        settings: Which are asked for; None: those that the app begins with.
    """
    return _Typist(stretch, answerer, latency, settings or SuggestionSettings()).type()


# ── time and the engine ─────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Timer:
    callback: Callable[[], None]
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True


class _Clock:
    """A clock that moves only in `wait`."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, _Timer]] = []
        self._numbers = count()

    def set_timer(self, seconds: float, callback: Callable[[], None]) -> _Timer:
        """Call back after a number of seconds; of timers due at once, the oldest comes first."""
        timer = _Timer(callback)
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), timer))
        return timer

    def wait(self, seconds: float) -> None:
        """Let time pass and timers fire."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            due, _, timer = heapq.heappop(self._queue)
            self.now = due
            if not timer.stopped:
                timer.callback()
        self.now = end


class _Engine:
    """An engine client whose answers come after fixed times."""

    connected = True

    def __init__(
        self,
        clock: _Clock,
        answer: Callable[[CompletionRequest], CursorAnswer],
        latency: Latency,
    ) -> None:
        self._clock = clock
        self._answer = answer
        self._latency = latency
        self._current = 0
        self.deliver: Callable[[PartialText | Completed], None] = lambda message: None

    def send(self, message: ClientMessage) -> bool:
        """Take a request, or forget one."""
        if isinstance(message, Complete):
            self._current = message.request_id
            first = self._latency.first_text_ms / 1e3
            self._clock.set_timer(first, lambda: self._begin(message))
        elif isinstance(message, Cancel) and message.request_id == self._current:
            self._current = 0
        return True

    def _begin(self, message: Complete) -> None:
        """Make the answer, unless it was taken back before its first text."""
        if message.request_id != self._current:
            return
        answer = self._answer(message.request)
        latency = self._latency
        rest = (latency.answer_ms(answer.tokens) - latency.first_text_ms) / 1e3
        for index, draft in enumerate(answer.drafts):
            partial = PartialText(message.request_id, draft)
            self._later(rest * index / len(answer.drafts), partial)
        self._later(rest, Completed(message.request_id, _completion(answer)))

    def _later(self, seconds: float, message: PartialText | Completed) -> None:
        def deliver() -> None:
            if message.request_id == self._current:
                self.deliver(message)

        self._clock.set_timer(seconds, deliver)


def _completion(answer: CursorAnswer) -> Completion:
    return Completion(
        text=answer.text,
        finish_reason="stop" if answer.whole else "unsure",
        model="replay",
        prompt_tokens=0,
        cached_tokens=0,
        completion_tokens=answer.tokens,
        host=_NO_HOST,
        wafer=_NO_WAFER,
        shown=answer.shown,
    )


# ── the typist ──────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Ghost:
    """A suggestion on the screen."""

    text: str
    """What is left of it."""
    complete: bool
    seen: bool = False
    judged: bool = False
    kept: bool = False
    """Whether a character of it became text."""
    accepted: bool = False


@dataclass(slots=True)
class _Page:
    """The file as it grows, and the text that is to be typed."""

    before: str
    """The text before the cursor."""
    below: str
    target: str
    at: int = 0
    """How much of the target stands in ``before``."""

    @property
    def remaining(self) -> str:
        return self.target[self.at :]

    @property
    def left(self) -> str:
        """The cursor's line up to the cursor."""
        return self.before.rpartition("\n")[2]

    @property
    def row(self) -> int:
        """Which line of the target the cursor is on."""
        return self.target.count("\n", 0, self.at)


@dataclass(slots=True)
class _Lines:
    """The first suggestion on each line."""

    target: list[str]
    first: dict[int, tuple[str, str]] = field(default_factory=dict)

    def see(self, row: int, ghost: str, remaining: str) -> None:
        """Remember the first suggestion on a line.

        A suggestion that begins with a line break is one for a line further down.
        """
        text = ghost.lstrip("\n")
        down = len(ghost) - len(text)
        if not down:
            found = first_line(ghost).rstrip(), first_line(remaining).rstrip()
        elif row + down < len(self.target):
            found = first_line(text).strip(), self.target[row + down].strip()
        else:
            return
        self.first.setdefault(row + down, found)

    def cross(self, row: int, ghost: str, taken: str) -> None:
        """Remember the lines below that came with an accepted text."""
        lines = ghost.split("\n")
        for below in range(1, taken.count("\n") + 1):
            truth = self.target[row + below].strip()
            self.first.setdefault(row + below, (lines[below].strip(), truth))

    def outcome(self) -> list[tuple[str, str]]:
        """Return (suggested, written) for every line that is not blank."""
        return [
            self.first.get(row, ("", line.strip()))
            for row, line in enumerate(self.target)
            if line.strip()
        ]


class _Typist:
    """Types one stretch, looking at the suggestions."""

    def __init__(
        self,
        stretch: Stretch,
        answerer: Answerer,
        latency: Latency,
        settings: SuggestionSettings,
    ) -> None:
        self._stretch = stretch
        self._answerer = answerer
        self._page = _Page(stretch.above, stretch.below, stretch.target)
        self._lines = _Lines(stretch.target.split("\n"))
        self._typed = Typed(characters=written_characters(stretch.target))
        self._unit = indent_unit(stretch.file.text.split("\n"))
        self._ghost: _Ghost | None = None
        self._clock = _Clock()
        client = _Engine(self._clock, self._ask, latency)
        self._suggestions = Suggestions(
            client,
            settings,
            on_event=self._on_event,
            set_timer=self._clock.set_timer,
            clock=lambda: self._clock.now,
        )
        client.deliver = self._suggestions.on_engine
        self._suggestions.on_engine(_READY)

    def type(self) -> Typed:
        """Type the stretch to its end."""
        self._suggestions.edited(self._place())
        while self._page.remaining:
            self._clock.wait(KEY_MS / 1e3)
            self._look()
            self._press()
        self._drop()
        self._typed.lines = self._lines.outcome()
        return self._typed

    # ── suggestions ─────────────────────────────────────────────────────────────────────────

    def _ask(self, request: CompletionRequest) -> CursorAnswer:
        return self._answerer.answer(
            Question(
                self._stretch.file.root,
                self._stretch.file.path,
                request.prefix,
                request.suffix,
                multi_line=request.multi_line,
                max_tokens=request.max_tokens,
                asked=False,
            )
        )

    def _place(self) -> CursorPlace:
        return CursorPlace(
            path=self._stretch.file.path,
            language=language_of(PurePath(self._stretch.file.path)),
            prefix=self._page.before[-PREFIX_CHARACTERS:],
            suffix=self._page.below[:SUFFIX_CHARACTERS],
        )

    def _on_event(self, event: SuggestionEvent) -> None:
        """Show text as the app does."""
        if not isinstance(event, SuggestionReady) or event.place != self._place():
            return
        if self._ghost is not None and event.text.startswith(self._ghost.text):
            self._ghost.text, self._ghost.complete = event.text, event.complete
        else:
            self._drop()
            self._ghost = _Ghost(event.text, event.complete)

    def _drop(self) -> None:
        """Take the ghost text away; count it as wrong if it was seen and nothing of it kept."""
        ghost, self._ghost = self._ghost, None
        if ghost is not None and ghost.seen and not ghost.kept:
            self._typed.wrong += 1

    # ── keys ────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> None:
        """Look at the screen before a key."""
        ghost, page = self._ghost, self._page
        if ghost is None:
            return
        if not ghost.seen:
            ghost.seen = True
            self._typed.shown += 1
        self._lines.see(page.row, ghost.text, page.remaining)
        if ghost.complete and not ghost.judged:
            ghost.judged = True
            self._typed.endings.update(
                judge_ending(ghost.text, page.before, page.below, page.remaining)
            )

    def _press(self) -> None:
        """Press the key that helps most."""
        part = self._right_part()
        self._typed.keys += 1
        if part:
            self._accept(part)
        elif self._page.remaining[0] == "\n":
            self._enter()
        else:
            self._page.at += 1
            self._insert(self._page.target[self._page.at - 1])

    def _right_part(self) -> str:
        """Return the largest right part of the ghost text that one key accepts."""
        if self._ghost is None:
            return ""
        text = self._ghost.text
        parts = [first_word(text), first_line(text)]
        if not self._tab_indents(text):
            parts.append(text)
        right = [part for part in parts if self._page.remaining.startswith(part)]
        # A single character is typed with one key as well.
        return max((part for part in right if written_characters(part) > 1), key=len, default="")

    def _tab_indents(self, ghost: str) -> bool:
        """Return whether Tab indents here rather than accepts; the editor's rule."""
        left = self._page.left
        if left.strip():
            return False
        lines = self._page.before[-PREFIX_CHARACTERS:].split("\n")
        expected = expected_width(lines, len(lines) - 1, self._unit, _TAB_WIDTH)
        return ghost[0].isspace() or len(left.expandtabs(_TAB_WIDTH)) < expected

    def _accept(self, part: str) -> None:
        ghost, page = self._ghost, self._page
        if ghost is None:
            return
        if not ghost.accepted:
            ghost.accepted = True
            self._typed.accepted += 1
        self._lines.cross(page.row, ghost.text, part)
        page.at += len(part)
        self._insert(part, accepted=True)

    def _insert(self, text: str, *, accepted: bool = False) -> None:
        """Put text at the cursor; ghost text that agrees stays."""
        self._page.before += text
        rest = rest_after(self._ghost.text, text) if self._ghost is not None else None
        if self._ghost is not None and rest is not None:
            self._ghost.kept = True
            self._ghost.text = rest
        if not rest or not rest.strip():
            self._drop()
        self._suggestions.edited(self._place(), accepted=accepted)

    def _enter(self) -> None:
        """Start a line; correct the indentation that the editor gives it."""
        page = self._page
        left = page.left
        if left.isspace():
            page.before = page.before[: -len(left)]  # the editor leaves no line of spaces behind
        page.at += 1
        given = after_enter(left, self._unit)
        self._insert("\n" + given)
        line = page.remaining.partition("\n")[0]
        wanted = leading(line)
        page.at += len(wanted)
        if not line.strip() or wanted == given:
            return
        self._clock.wait(KEY_MS / 1e3)
        self._look()
        self._drop()
        page.before = page.before[: len(page.before) - len(given)] + wanted
        self._suggestions.edited(self._place())
