"""Which places of files a person sees, changes and saves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.assist.recent_chunks import JUMP_LINES, REST_SECONDS, STEP_SECONDS, RecentChunks
from tui.flows.suggestions.recent_places import RecentPlaces

ROOT = Path("/demo")
ROWS = 200


@dataclass(eq=False)
class PaperFile:
    """As much of an editor as counts here."""

    name: str
    row: int = 0
    modified: bool = False
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.lines or [f"{self.name} {row}" for row in range(ROWS)]

    @property
    def document(self) -> Any:
        return SimpleNamespace(lines=self.lines)

    @property
    def cursor_location(self) -> tuple[int, int]:
        return self.row, 0


@dataclass
class Pause:
    """A timer that a test lets fire."""

    seconds: float
    callback: Callable[[], None]
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True


class Person:
    """Moves through files; what they saw is in ``chunks`` after a pause."""

    def __init__(self) -> None:
        self.chunks = RecentChunks()
        self.timers: list[Pause] = []
        self.places = RecentPlaces(self.chunks, ROOT, self._set_timer)

    def _set_timer(self, seconds: float, callback: Callable[[], None]) -> Pause:
        self.timers.append(Pause(seconds, callback))
        return self.timers[-1]

    def look(self, file: PaperFile | None, folder: Path = ROOT, secret: str | None = None) -> None:
        self.places.look_at(file, folder / (file.name if file else ""), secret)  # type: ignore[arg-type]

    def edit(self, file: PaperFile, row: int, line: str) -> None:
        file.row, file.lines[row], file.modified = row, line, True
        self.places.edited(file)  # type: ignore[arg-type]

    def move(self, file: PaperFile, row: int) -> None:
        file.row = row
        self.places.moved(file)  # type: ignore[arg-type]

    def pause(self) -> list[float]:
        """Rest until nothing more happens; return how long each timer ran."""
        rested = []
        while waiting := [timer for timer in self.timers if not timer.stopped]:
            (timer,) = waiting  # never two at once
            self.timers.clear()
            rested.append(timer.seconds)
            timer.callback()
        return rested

    def brought(self, path: str = "") -> str:
        return "\n".join(chunk.text for chunk in self.chunks.beside(path))


@pytest.fixture
def person() -> Person:
    return Person()


def test_a_file_that_was_left_is_brought_along_to_the_next(person: Person) -> None:
    first, second = PaperFile("a.py"), PaperFile("b.py")
    person.look(first)
    person.move(first, 100)
    person.look(second)
    assert person.brought("b.py") == ""  # nobody paused
    person.pause()
    assert "a.py 100" in person.brought("b.py")
    assert "b.py 0" in person.brought("a.py")


def test_a_pause_takes_one_place_at_a_time(person: Person) -> None:
    for name in ("a.py", "b.py", "c.py"):
        person.look(PaperFile(name))
    assert person.pause() == [REST_SECONDS, STEP_SECONDS, STEP_SECONDS]


def test_a_key_puts_the_pause_off(person: Person) -> None:
    file = PaperFile("a.py")
    person.look(file)
    for _ in range(3):
        person.edit(file, 3, "x")
    assert [timer.stopped for timer in person.timers] == [True, True, True, False]


def test_a_place_that_is_changed_counts_when_the_file_is_saved(person: Person) -> None:
    file = PaperFile("a.py")
    person.look(file)
    person.edit(file, 120, "changed = True")
    person.pause()
    assert "changed" not in person.brought()
    person.look(file)  # something else about the files changed
    person.pause()
    assert "changed" not in person.brought()
    file.modified = False
    person.look(file)
    person.pause()
    assert "changed = True" in person.brought()


def test_a_place_that_is_changed_counts_when_the_cursor_leaves_it(person: Person) -> None:
    file = PaperFile("a.py")
    person.look(file)
    person.edit(file, 120, "changed = True")
    person.move(file, 120 + JUMP_LINES)
    person.pause()
    assert "changed" not in person.brought()
    person.move(file, 121 + JUMP_LINES)
    person.pause()
    assert "changed = True" in person.brought()


def test_private_files_and_files_outside_never_count(person: Person) -> None:
    person.look(PaperFile(".env"), secret=".env")
    person.look(PaperFile("c.py"), folder=Path("/elsewhere"))
    secret = PaperFile("own.py")
    person.look(secret, secret="own.py")
    person.edit(secret, 9, "x")
    person.move(secret, 190)
    person.look(None)
    person.pause()
    assert person.brought() == ""
