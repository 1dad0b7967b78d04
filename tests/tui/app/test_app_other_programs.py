"""Files in the app that other programs change."""

from pathlib import Path

import pytest

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import (
    GREETING,
    NO_PANES,
    SIZE,
    MakeApp,
    asked,
    notices,
    open_text,
    touch_later,
    write_elsewhere,
)
from tui.files.documents import Document


async def test_a_clean_file_changed_on_disk_is_loaded_again(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        write_elsewhere(repository / GREETING, "theirs\n")
        app.on_app_focus()
        await until(pilot, lambda: open_text(app) == "theirs\n")
        assert not app.status.view.unsaved
        assert "changed on disk" in notices(app)
        await pilot.press("ctrl+z")  # nothing is lost: the old text is one step back
        await until(pilot, lambda: open_text(app).startswith('"""Say'))
        assert app.status.view.unsaved


async def test_a_file_only_touched_is_no_change(make_app: MakeApp, repository: Path) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        touch_later(repository / GREETING)
        await app.flows.check_disk()
        await pilot.pause()
        assert not asked(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)


@pytest.mark.parametrize(("key", "text"), [("m", "x"), ("t", "t")])
async def test_keys_pressed_while_a_changed_file_is_read_are_not_lost(
    make_app: MakeApp, repository: Path, monkeypatch: pytest.MonkeyPatch, key: str, text: str
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        write_elsewhere(repository / GREETING, "theirs\n")
        read = Document.open

        def type_meanwhile(path: Path) -> Document:
            assert app.editor is not None
            monkeypatch.undo()
            app.call_from_thread(app.editor.insert, "x")
            return read(path)

        monkeypatch.setattr(Document, "open", type_meanwhile)
        app.on_app_focus()
        await until(pilot, lambda: asked(app))
        assert open_text(app).startswith("x")
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(text))
        if key == "m":  # and saving it asks again
            await pilot.press("ctrl+s")
            await until(pilot, lambda: asked(app))


@pytest.mark.parametrize(("key", "text"), [("m", "x"), ("t", "t"), ("escape", "x")])
async def test_an_edited_file_changed_on_disk_is_asked_about(
    make_app: MakeApp, repository: Path, key: str, text: str
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        write_elsewhere(repository / GREETING, "theirs\n")
        app.on_app_focus()
        await until(pilot, lambda: asked(app))
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(text))
        await app.flows.check_disk()
        assert not asked(app)  # once is enough, until saving
    assert (repository / GREETING).read_text() == "theirs\n"


@pytest.mark.parametrize(
    ("key", "on_disk", "here"), [("m", "x", "x"), ("t", "t", "t"), ("escape", "t", "x")]
)
async def test_saving_over_a_change_on_disk_asks(
    make_app: MakeApp, repository: Path, key: str, on_disk: str, here: str
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("x")
        write_elsewhere(repository / GREETING, "theirs\n")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: asked(app))
        await pilot.press(key)
        await until(pilot, lambda: not asked(app))
        await until(pilot, lambda: open_text(app).startswith(here))
        await until(pilot, lambda: (repository / GREETING).read_text().startswith(on_disk))


async def test_a_deleted_file_is_kept_here_and_written_again_on_save(
    make_app: MakeApp, repository: Path
) -> None:
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        (repository / GREETING).unlink()
        app.on_app_focus()
        await until(pilot, lambda: app.status.view.unsaved)
        assert "deleted on disk" in notices(app)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: asked(app))  # the text here is the only copy
        await pilot.press("escape", "ctrl+s")
        await until(pilot, lambda: not app.status.view.unsaved)
    assert (repository / GREETING).read_text().startswith('"""Say')
