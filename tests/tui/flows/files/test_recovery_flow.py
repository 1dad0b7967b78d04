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
from tui.flows.files import recovery_flow
from tui.flows.files.recovery_flow import RecoveryFlow

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
            document=SimpleNamespace(text=saved), missing=False, discarded=False,
        )  # fmt: skip

    @property
    def unsaved(self) -> bool:
        return self.editor.modified or self.missing

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
        self.folder = folder
        self.files: list[PaperFile] = []
        self.answers: list[str] = []
        self.offered: list[str] = []
        self.timers: list[Timer] = []
        self.kept: list[float] = []
        self.store = RecoveryStore(folder)
        self.next = RecoveryStore(folder)  # what a window opened later finds
        self.said: list[str] = []
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
        found = self.store.find(path)  # what a former window left
        assert found is not None
        self.offered.append(found.text)
        return self.answers.pop(0)

    def shown_path(self, path: Path) -> str:
        return path.name

    def complain(self, message: str) -> None:
        self.said.append(message)

    def tell(self, message: str) -> None:
        self.said.append(message)

    def left(self) -> str | None:
        """The text that a window opened now would offer, were this one gone."""
        found = self.next.find(PATH)
        return None if found is None else found.text


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "recovery", monkeypatch)


@pytest.mark.parametrize("rest", [0.01, 0.1, 0.4, 0.7, 30.0], ids="{} s".format)
def test_text_is_kept_within_a_second_however_the_keys_come(world: World, rest: float) -> None:
    """A crash costs at most the last second of typing."""
    unsafe_since: float | None = None
    worst = 0.0
    for _ in range(max(3, round(4 / rest))):
        unsafe_since = world.now if unsafe_since is None else unsafe_since
        world.flow.keep_soon()
        kept = len(world.kept)
        for _ in range(round(rest / 0.01)):
            world.wait(0.01)
            if len(world.kept) > kept:
                kept, worst = len(world.kept), max(worst, world.now - unsafe_since)
                unsafe_since = None
            if unsafe_since is not None:
                worst = max(worst, world.now - unsafe_since)
    assert world.kept
    assert worst < 1.0


async def test_a_disk_that_is_slow_is_asked_half_of_the_time(world: World) -> None:
    def slowly(path: Path, text: str) -> None:
        world.now += 3.0

    world.store.write = slowly  # type: ignore[method-assign]
    world.files.append(PaperFile("long"))
    await world.flow.keep()
    world.flow.keep_soon()
    assert world.timers[-1].due - world.now == 3.0


async def test_only_what_changed_since_is_written(world: World) -> None:
    file = PaperFile("one")
    world.files.append(file)
    await world.flow.keep()
    (record,) = world.folder.iterdir()
    before = record.stat().st_mtime_ns, record.stat().st_ino
    await world.flow.keep()
    assert (record.stat().st_mtime_ns, record.stat().st_ino) == before

    file.editor.text = "two"
    await world.flow.keep()
    assert world.left() == "two"


async def test_saved_text_is_not_kept_any_longer(world: World) -> None:
    file = PaperFile()
    world.files.append(file)
    await world.flow.keep()
    file.editor.modified = False
    await world.flow.keep()

    assert world.left() is None
    assert file.recovery_text is None


@pytest.mark.parametrize("now", [False, True], ids=["in a rest", "as the app ends"])
async def test_private_text_is_never_written(world: World, now: bool) -> None:
    world.files.append(PaperFile("password", secret="*.env"))
    if now:
        world.flow.keep_now()
    else:
        await world.flow.keep()
    world.flow.make_safe(world.files[0], "password")  # type: ignore[arg-type]

    assert not world.folder.exists()


def full(path: Path, text: str) -> None:
    raise OSError(28, "No space left on device")


async def test_at_the_end_a_full_disk_costs_a_line_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = PaperFile()
    world.files.append(file)
    monkeypatch.setattr(world.store, "write", full)
    with caplog.at_level(logging.WARNING):
        world.flow.keep_now()

    assert "no recovery file for a.py" in caplog.text
    assert file.recovery_text is None  # it is tried again


async def test_text_that_cannot_be_kept_is_said_on_the_screen_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.files.append(PaperFile())
    monkeypatch.setattr(world.store, "write", full)
    await world.flow.keep()
    await world.flow.keep()
    (said,) = world.said
    assert said == (
        "a.py cannot be kept safe from a crash (no space left on device): save it often"
    )
    monkeypatch.undo()
    await world.flow.keep()
    assert world.left() == "mine"
    monkeypatch.setattr(world.store, "write", full)
    world.files[0].editor.text = "more"
    await world.flow.keep()
    assert len(world.said) == 2  # it worked in between


async def test_a_record_that_somebody_removed_is_written_again(world: World) -> None:
    world.files.append(PaperFile())
    await world.flow.keep()
    (record,) = world.folder.iterdir()
    record.unlink()
    await world.flow.keep()
    assert world.left() == "mine"


async def test_the_only_copy_of_a_deleted_file_is_kept(world: World) -> None:
    file = PaperFile("gone from the disk")
    file.editor.modified, file.missing = False, True
    world.files.append(file)
    await world.flow.keep()
    assert world.left() == "gone from the disk"


async def test_text_that_was_thrown_away_does_not_come_back(world: World) -> None:
    """The app lives on for a moment, and the timer may still go off."""
    file = PaperFile()
    world.files.append(file)
    await world.flow.keep()
    file.discarded = True
    await world.flow.keep()
    world.flow.keep_now()
    assert world.left() is None


async def test_the_text_at_the_end_is_not_replaced_by_an_older_one(world: World) -> None:
    file = PaperFile("old")
    world.files.append(file)
    file.editor.text = "new"
    world.flow.keep_now()
    world.flow._write(file, "old")  # type: ignore[arg-type]  # a thread that comes late
    assert world.left() == "new"


# ── offers ──────────────────────────────────────────────────────────────────────────────────


async def leave(world: World, *texts: str) -> None:
    """Leave texts behind, each by a window of its own, the last one newest."""
    for text in texts:
        RecoveryStore(world.folder).write(PATH, text)


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
    assert world.left() == file.recovery_text == "older"  # another crash would not lose it


async def test_restored_text_survives_a_second_crash(world: World) -> None:
    """It is unsaved still, so it is this window's to keep."""
    await leave(world, "left")
    file = PaperFile("saved")
    await offer(world, file, "restore")

    assert world.left() == file.editor.text == "left"


async def test_text_that_cannot_be_kept_anew_stays_where_it_was_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leave(world, "left")
    monkeypatch.setattr(world.store, "write", full)
    await offer(world, PaperFile("saved"), "restore")

    assert world.left() == "left"


async def test_discarding_all_leaves_nothing_and_changes_nothing(world: World) -> None:
    await leave(world, "older", "newer")
    file = PaperFile("saved")
    await offer(world, file, "discard", "discard")

    assert world.left() is None
    assert file.editor.text == "saved"


async def test_text_that_was_saved_after_all_is_not_offered(world: World) -> None:
    await leave(world, "saved")
    await offer(world, PaperFile("saved"))

    assert world.offered == []
    assert world.left() is None


async def test_later_keeps_the_text_out_of_the_way_of_the_next(world: World) -> None:
    await leave(world, "left")
    file = PaperFile("saved")
    await offer(world, file, "later")
    file.editor.text = "new"
    world.files.append(file)
    await world.flow.keep()
    await world.flow.drop(file, PATH)

    assert world.left() == "left"


async def test_private_text_that_was_left_is_restored_and_not_written_again(world: World) -> None:
    """It became private after it was written."""
    await leave(world, "left")
    file = PaperFile("saved", secret="*.env")
    await offer(world, file, "restore")

    assert file.editor.text == "left"
    assert world.left() is None


async def test_what_was_left_of_files_that_are_not_open_is_named(world: World) -> None:
    for name in "edcba":
        RecoveryStore(world.folder).write(Path(f"/demo/{name}.py"), "left")
    await world.flow.tell_what_was_left([PATH])
    assert world.said == [
        "unsaved text was left of b.py, c.py, d.py and 1 more; opening the file offers it"
    ]


async def test_nothing_is_said_where_nothing_was_left(world: World) -> None:
    await leave(world, "left")
    await world.flow.tell_what_was_left([PATH])
    assert world.said == []
