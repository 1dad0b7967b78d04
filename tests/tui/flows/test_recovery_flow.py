"""When unsaved text is kept safe, by a clock that a test moves, and what is offered in which order.

`tests/tui/app/test_app_recovery.py` has the same in the app.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.files.recovery import RecoveryStore
from tui.flows import recovery_flow
from tui.flows.recovery_flow import RecoveryFlow

PATH = Path("/demo/a.py")


class PaperEditor:
    """As much of an editor as recovery sees."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.modified = True


class PaperFile(SimpleNamespace):
    """An open file with unsaved text."""

    def __init__(self, text: str = "mine", *, saved: str = "saved", secret: str | None = None):
        super().__init__(
            editor=PaperEditor(text), path=PATH, real=PATH, secret=secret, recovery_text=None,
            document=SimpleNamespace(text=saved),
        )  # fmt: skip

    def replace_text(self, text: str) -> None:
        self.editor.text = text


class Timer:
    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due, self.callback, self.stopped = due, callback, False

    def stop(self) -> None:
        self.stopped = True


class World:
    """Recovery with a deck of made-up files, answers that are known before, and its own clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.files: list[PaperFile] = []
        self.answers: list[str] = []
        self.offered: list[str] = []
        self.timers: list[Timer] = []
        self.kept: list[float] = []
        self.store = RecoveryStore(folder)
        monkeypatch.setattr(recovery_flow.time, "monotonic", lambda: self.now)
        self.flow = RecoveryFlow(
            self.files,  # type: ignore[arg-type]
            self.store,
            self,  # type: ignore[arg-type]
            set_timer=self.set_timer,
            run=lambda keep: self.kept.append(self.now),
        )

    def set_timer(self, seconds: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + seconds, callback))
        return self.timers[-1]

    def wait(self, seconds: float) -> None:
        """Let time pass, and timers go off."""
        self.now += seconds
        for timer in [timer for timer in self.timers if not timer.stopped]:
            if timer.due <= self.now:
                self.timers.remove(timer)
                timer.callback()

    # ── the dialogs ─────────────────────────────────────────────────────────────────────────

    async def about_left_text(self, path: Path) -> str:
        found = self.store.find(path)
        assert found is not None
        self.offered.append(found.text)
        return self.answers.pop(0)

    def shown_path(self, path: Path) -> str:
        return path.name


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "recovery", monkeypatch)


def test_text_is_kept_after_a_rest_of_the_keys(world: World) -> None:
    for _ in range(3):
        world.flow.keep_soon()
        world.wait(1.5)
    assert world.kept == []

    world.wait(0.5)

    assert world.kept == [105.0]


def test_typing_without_a_rest_is_kept_after_a_while(world: World) -> None:
    """A crash costs ten seconds of typing at most."""
    for _ in range(24):
        world.flow.keep_soon()
        world.wait(0.5)

    assert len(world.kept) == 1
    assert world.kept[0] - 100.0 <= 10.0


async def test_only_what_changed_since_is_written(world: World) -> None:
    file = PaperFile("one")
    world.files.append(file)
    await world.flow.keep()
    record = world.store.record_of(PATH)
    before = record.stat().st_mtime_ns, record.stat().st_ino
    await world.flow.keep()
    assert (record.stat().st_mtime_ns, record.stat().st_ino) == before

    file.editor.text = "two"
    await world.flow.keep()
    found = world.store.find(PATH)
    assert found is not None
    assert found.text == "two"


async def test_saved_text_is_not_kept_any_longer(world: World) -> None:
    file = PaperFile()
    world.files.append(file)
    await world.flow.keep()
    file.editor.modified = False
    await world.flow.keep()

    assert world.store.find(PATH) is None
    assert file.recovery_text is None


@pytest.mark.parametrize("now", [False, True], ids=["in a rest", "as the app ends"])
async def test_private_text_is_never_written(world: World, now: bool) -> None:
    world.files.append(PaperFile("password", secret="*.env"))
    if now:
        world.flow.keep_now()
    else:
        await world.flow.keep()

    assert world.store.find(PATH) is None


async def test_a_full_disk_costs_a_line_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    file = PaperFile()
    world.files.append(file)
    monkeypatch.setattr(world.store, "write", full)
    with caplog.at_level(logging.WARNING):
        world.flow.keep_now()

    assert "no recovery file for a.py" in caplog.text
    assert file.recovery_text is None  # it is tried again


# ── offers ──────────────────────────────────────────────────────────────────────────────────


async def leave(world: World, *texts: str) -> None:
    """Leave texts behind, the last one newest."""
    for text in texts:
        world.store.write(PATH, text)
        found = world.store.find(PATH)
        assert found is not None
        if text != texts[-1]:
            world.store.set_aside(found)


async def offer(world: World, file: Any, *answers: str) -> None:
    world.answers = list(answers)
    await world.flow.offer(file)


async def test_the_newest_is_offered_first_and_an_older_one_if_it_is_discarded(
    world: World,
) -> None:
    await leave(world, "older", "newer")
    file = PaperFile("saved")
    await offer(world, file, "discard", "restore")

    assert world.offered == ["newer", "older"]
    assert file.editor.text == "older"
    found = world.store.find(PATH)  # still unsaved: another crash would not lose it
    assert found is not None
    assert found.text == file.recovery_text == "older"


async def test_restored_text_survives_a_second_crash(world: World) -> None:
    """It is unsaved still; the record that held it is this process's own by now."""
    await leave(world, "left")
    file = PaperFile("saved")
    await offer(world, file, "restore")

    found = world.store.find(PATH)
    assert found is not None
    assert found.text == file.editor.text == "left"


async def test_discarding_all_leaves_nothing_and_changes_nothing(world: World) -> None:
    await leave(world, "older", "newer")
    file = PaperFile("saved")
    await offer(world, file, "discard", "discard")

    assert world.store.find(PATH) is None
    assert file.editor.text == "saved"


async def test_text_that_was_saved_after_all_is_not_offered(world: World) -> None:
    await leave(world, "saved")
    await offer(world, PaperFile("saved"))

    assert world.offered == []
    assert world.store.find(PATH) is None


async def test_later_keeps_the_text_out_of_the_way_of_the_next(world: World) -> None:
    await leave(world, "left")
    file = PaperFile("saved")
    await offer(world, file, "later")
    file.editor.text = "new"
    world.files.append(file)
    await world.flow.keep()
    await world.flow.drop(file, PATH)

    found = world.store.find(PATH)
    assert found is not None
    assert found.text == "left"


async def test_private_text_that_was_left_is_restored_and_not_written_again(world: World) -> None:
    """It became private after it was written."""
    await leave(world, "left")
    file = PaperFile("saved", secret="*.env")
    await offer(world, file, "restore")

    assert file.editor.text == "left"
    assert world.store.find(PATH) is None
