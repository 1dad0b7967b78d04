"""How many threads the next step takes, from how the last ones went.

Knows numbers only: no clock, no thread.  Steps of a similar number of rows are compared with each
other, in seconds a row.

A neighbour on the machine shows in two ways: the caller computed for less than the time that
passed, or the helpers did less than their share.  Then fewer threads may be faster, and are tried.
More are tried now and then; so are fewer, seldom, because a product may be too small to share.
"""

from dataclasses import dataclass, field

__all__ = ["ThreadChoice"]

_TRIAL = 2
"""Steps of a trial; as many of the usual choice just before are compared with it."""

_SOON, _SELDOM, _LATE = 16, 128, 1024
"""Steps from one trial to the next: of more threads, of fewer, and at most after many that brought
nothing.  Two steps by half of the threads in 128 cost a percent or two; more threads cost little.
"""

_TROUBLED = 16
"""Steps from one trial to the next, at most, while a neighbour shows."""

_MEMORY = 0.25
"""Weight of the last step in what is remembered."""

_BUSY = 0.9
"""Share of the passing time that a caller computes on a processor of its own, at least."""

_FAIR = 0.6
"""Part of an even share that helpers compute on processors of their own, at least."""


@dataclass(slots=True)
class _Level:
    """What is known of one number of threads."""

    threads: int
    seconds: float = 0.0
    """Of a row, lately; 0 if never seen."""
    wait: int = _SELDOM
    """Steps until it is tried again."""
    pause: int = _SELDOM
    """What ``wait`` was when it began."""


@dataclass(slots=True)
class _Kind:
    """Steps of a similar number of rows."""

    levels: list[_Level]
    """From the most threads to one."""
    at: int = 0
    """The usual choice."""
    trial: int | None = None
    left: int = 0
    """Steps of the trial that remain."""
    seen: list[float] = field(default_factory=list)
    trouble: float = 0.0

    def chosen(self) -> _Level:
        return self.levels[self.at if self.trial is None else self.trial]


class ThreadChoice:
    """The number of threads of each step.

    Args:
        most: Threads, at most.
    """

    def __init__(self, most: int) -> None:
        self._counts = [most]
        while self._counts[-1] > 1:
            self._counts.append(self._counts[-1] // 2)
        self._kinds: dict[int, _Kind] = {}

    def threads(self, rows: int) -> int:
        """Return the threads that a step of so many rows should take."""
        return self._kind(rows).chosen().threads

    def note(self, rows: int, seconds: float, busy: float, helped: float) -> None:
        """Learn from a step that took the threads that were chosen.

        Args:
            rows: Of the step.
            seconds: That passed.
            busy: Share of them in which the caller computed.
            helped: Share of the pieces that were offered which helpers computed; 1 if none were.
        """
        kind = self._kind(rows)
        used = kind.chosen()
        even = 1 - 1 / used.threads
        shows = used.threads > 1 and (busy < _BUSY or helped < _FAIR * even)
        kind.trouble += _MEMORY * (shows - kind.trouble)
        if kind.trial is None:
            _remember(used, seconds / rows)
            self._perhaps_try(kind)
        else:
            kind.seen.append(seconds / rows)
            kind.left -= 1
            if kind.left == 0:
                self._judge(kind)

    def _kind(self, rows: int) -> _Kind:
        number = rows.bit_length()
        if number not in self._kinds:
            self._kinds[number] = _Kind([_Level(count) for count in self._counts])
        return self._kinds[number]

    def _perhaps_try(self, kind: _Kind) -> None:
        """Begin a trial of a neighbouring number of threads whose time has come."""
        for number in (kind.at + 1, kind.at - 1):
            if not 0 <= number < len(kind.levels):
                continue
            level = kind.levels[number]
            level.wait -= 1
            if kind.trouble > _MEMORY and number > kind.at:
                level.wait = min(level.wait, _TROUBLED)
            if level.wait <= 0:
                kind.trial, kind.left, kind.seen = number, _TRIAL, []
                return

    def _judge(self, kind: _Kind) -> None:
        """End a trial: the faster of both is the usual choice from now on."""
        assert kind.trial is not None
        tried, usual = kind.levels[kind.trial], kind.levels[kind.at]
        tried.seconds = sum(kind.seen) / len(kind.seen)
        if tried.seconds < usual.seconds:
            usual.wait = usual.pause = _SOON if kind.trial > kind.at else _SELDOM
            kind.at = kind.trial
        else:
            tried.pause = min(2 * tried.pause, _LATE)
            tried.wait = tried.pause
        kind.trial = None


def _remember(level: _Level, seconds: float) -> None:
    weight = _MEMORY if level.seconds else 1.0
    level.seconds += weight * (seconds - level.seconds)
