"""A file is run, stopped, and read: its output below, its traceback leading to the place."""

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import NO_PANES, MakeApp, notices
from tui.app import SparkApp
from tui.widgets.run_pane import RunPane

FAILS = "def f():\n    raise ValueError('wrong')\n\n\nprint('hello')\nf()\n"


class Runner:
    """An app with a file open, and a person who runs it."""

    def __init__(self, app: SparkApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        return self.app.runner.output.lines

    def title(self) -> str:
        return str(self.app.query_one(RunPane).border_title)

    async def said(self, words: str) -> None:
        await until(self.pilot, lambda: bool(self.app.query(RunPane)) and words in self.title())


Opened = Callable[..., AbstractAsyncContextManager[Runner]]


@pytest.fixture
def running(make_app: MakeApp, repository: Path) -> Opened:
    @asynccontextmanager
    async def opened(text: str, name: str = "tool.py") -> AsyncIterator[Runner]:
        (repository / name).write_text(text)
        app = make_app(name, settings=NO_PANES)
        async with app.run_test(size=(90, 24)) as pilot:
            await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
            yield Runner(app, pilot)

    return opened


async def test_the_output_is_below_and_the_traceback_leads_to_its_place(running: Opened) -> None:
    async with running(FAILS) as person:
        await person.pilot.press("f5")
        await person.said("ended with status 1")
        assert person.lines[0] == "hello"
        assert person.lines[-1] == "ValueError: wrong"
        assert person.title().endswith("F5 again  F6 goes there")  # the other keys would be typed
        await person.pilot.press("f6")
        await person.said("Enter opens  F mends it  Esc closes")
        await person.pilot.press("enter")
        assert person.app.editor is not None
        await until(person.pilot, lambda: person.app.editor.cursor_location == (1, 0))
        assert person.app.editor.has_focus
        await person.pilot.press("f6", "home", "enter")
        await until(person.pilot, lambda: "names no place" in notices(person.app))
        await person.pilot.press("escape")
        await until(person.pilot, lambda: person.app.editor.has_focus)
        assert not person.app.query_one(RunPane).display


async def test_the_error_is_handed_to_an_edit_at_its_place(
    running: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(FAILS) as person:
        handed: list[str] = []
        monkeypatch.setattr(person.app.edits, "fix", handed.append)
        await person.pilot.press("f5")
        await person.said("ended with status 1")
        await person.pilot.press("f6", "f")
        await until(person.pilot, lambda: handed)
        assert handed[0].endswith("ValueError: wrong")
        assert person.app.editor is not None
        assert person.app.editor.cursor_location == (1, 0)


def runs(pid: str) -> bool:
    """Whether a process is there and has not ended."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


async def test_a_program_is_stopped_with_all_it_started(running: Opened) -> None:
    async with running("sleep 60 &\necho $!\nsleep 60\n", "tool.sh") as person:
        await person.pilot.press("f5")
        await until(person.pilot, lambda: person.lines)
        assert runs(person.lines[0])
        await person.pilot.press("f5")
        await person.said("stopped")
        await until(person.pilot, lambda: not runs(person.lines[0]))


async def test_the_file_is_saved_first(running: Opened, repository: Path) -> None:
    async with running("print(1)\n") as person:
        await person.pilot.press("#", "f5")
        await person.said("done")
        assert (repository / "tool.py").read_text() == "#print(1)\n"
        assert person.lines == []


async def test_what_cannot_be_run_is_said(running: Opened) -> None:
    async with running("x\n", "notes.txt") as person:
        await person.pilot.press("f5")
        await until(person.pilot, lambda: "cannot be run" in notices(person.app))
        assert not person.app.query(RunPane)
