"""Unsaved text in the app, and what is left of it after a crash."""

import errno
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from engine.protocol.messages import Complete
from tests.tui.app.fakes import FakeClient, until
from tests.tui.app.file_looks import GREETING, NO_PANES, SIZE, MakeApp, asked, open_text
from tui.files import replacing
from tui.files.recovery import RecoveryStore
from tui.settings import PrivacySettings, Settings
from tui.user_folders import recovery_dir


async def test_unsaved_text_survives_and_goes_with_the_save(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    store = RecoveryStore(recovery_dir())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.recovery.keep()
        found = store.find(repository / GREETING)
        assert found is not None
        assert found.text == open_text(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: store.find(repository / GREETING) is None)


async def test_a_closed_terminal_loses_nothing(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        signal.raise_signal(signal.SIGHUP)
        await until(pilot, lambda: not app.is_running)
    found = RecoveryStore(recovery_dir()).find(repository / GREETING)
    assert found is not None
    assert found.text.startswith("x")


async def test_typing_without_a_rest_is_kept_safe_too(
    make_app: MakeApp, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.flows.files.recovery_flow._PAUSE_SECONDS", 0.1)
    app = make_app(GREETING, settings=NO_PANES)
    store = RecoveryStore(recovery_dir())
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        for _ in range(100):
            await pilot.press("x")
            if store.find(repository / GREETING) is not None:
                break
        assert store.find(repository / GREETING) is not None


async def test_text_undone_back_to_the_saved_one_needs_no_recovery(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.recovery.keep()
        await pilot.press("ctrl+z")
        await app.recovery.keep()
        assert RecoveryStore(recovery_dir()).find(repository / GREETING) is None


@pytest.mark.parametrize("name", [".env", "package/greeting.py"])
async def test_secret_files_are_never_copied(
    make_app: MakeApp, repository: Path, name: str
) -> None:
    privacy = PrivacySettings(extra_patterns=("greeting.py",))
    app = make_app(name, settings=Settings(privacy=privacy))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.recovery.keep()
    assert not recovery_dir().exists()


async def test_a_link_to_a_secret_file_is_as_secret(
    make_app: MakeApp, repository: Path, client: FakeClient
) -> None:
    (repository / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    (repository / "link.py").symlink_to("key.pem")
    app = make_app("link.py", settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor and client.connected)
        client.ready()
        await pilot.press("x", "ctrl+l")
        await until(pilot, lambda: app.status.view.report)
        assert app.status.view.report is not None
        assert app.status.view.report.reason == "secret file (*.pem)"
        await app.recovery.keep()
    assert not any(isinstance(message, Complete) for message in client.sent)
    assert not recovery_dir().exists()


async def test_text_for_later_outlives_editing_and_is_offered_again(
    make_app: MakeApp, repository: Path
) -> None:
    RecoveryStore(recovery_dir()).write(repository / GREETING, "Unsaved work\n")
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: asked(app))
        await pilot.press("l")
        await until(pilot, lambda: not asked(app))
        await pilot.press("x")
        await app.recovery.keep()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
    again = make_app(GREETING, settings=NO_PANES)
    async with again.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: asked(again))
        await pilot.press("r")
        await until(pilot, lambda: open_text(again) == "Unsaved work\n")


@pytest.mark.parametrize(
    ("key", "first", "kept"), [("r", "U", True), ("d", '"', False), ("escape", '"', True)]
)
async def test_text_left_behind_is_offered(
    make_app: MakeApp, repository: Path, key: str, first: str, kept: bool
) -> None:
    RecoveryStore(recovery_dir()).write(repository / GREETING, "Unsaved work\n")
    store = RecoveryStore(recovery_dir())
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: asked(app))
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(first))
        await until(pilot, lambda: (store.find(repository / GREETING) is not None) == kept)
        assert app.status.view.unsaved == (key == "r")


async def test_a_file_is_written_in_place_only_after_its_text_is_safe(
    make_app: MakeApp, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*arguments: object, kept: bool) -> None:
        assert kept
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(replacing, "_replace", busy)
    app = make_app(GREETING, settings=NO_PANES)
    store = RecoveryStore(recovery_dir())
    seen: list[str] = []
    overwrite = replacing._overwrite

    def watched(*arguments: Any) -> os.stat_result:
        found = store.find(repository / GREETING)
        seen.append("" if found is None else found.text)
        return overwrite(*arguments)

    monkeypatch.setattr(replacing, "_overwrite", watched)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x", "ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
        assert (repository / GREETING).read_text() == open_text(app) == seen[0]
        await until(pilot, lambda: store.find(repository / GREETING) is None)


async def test_what_a_killed_save_left_goes_before_its_text_is_offered(
    make_app: MakeApp, repository: Path
) -> None:
    """Beside the open file, and beside one that is not."""
    left = RecoveryStore(recovery_dir())
    half_saved = []
    for name in (GREETING, "other/file.py"):
        file = repository / name
        file.parent.mkdir(exist_ok=True)
        left.write(file, "text of a window that was killed")
        half_saved.append(file.with_name(".spark-saving-0123456789ab.tmp"))
        half_saved[-1].write_text("text of a win")
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: asked(app))
        assert not half_saved[0].exists()
        await pilot.press("r")
        await until(pilot, lambda: open_text(app) == "text of a window that was killed")
        await until(pilot, lambda: not half_saved[1].exists())


async def test_a_text_is_kept_before_each_save(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    store = RecoveryStore(recovery_dir())
    seen: list[str] = []
    new_file = replacing.new_file

    def watched(folder: Path, mode: int, *, kept: bool) -> tuple[int, Path]:
        found = store.find(repository / GREETING)
        seen.append("" if found is None or not kept else found.text)
        return new_file(folder, mode, kept=kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replacing, "new_file", watched)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.editor)
            await pilot.press("x", "ctrl+s")
            await until(pilot, lambda: not app.status.view.unsaved)
            assert seen == [open_text(app)]


async def test_quitting_without_saving_leaves_nothing_behind(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        await app.recovery.keep()
        await pilot.press("ctrl+q")
        await until(pilot, lambda: asked(app))
        await pilot.press("d")
        await until(pilot, lambda: not app.is_running)
    assert RecoveryStore(recovery_dir()).find(repository / GREETING) is None
