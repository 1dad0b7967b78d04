"""What a person changes in the app holds at once, and at the next start."""

from collections.abc import Callable

import pytest

from tests.tui.app.fakes import until
from tui.app import SparkApp
from tui.settings import Settings, load_settings
from tui.user_folders import settings_file


async def written(app: SparkApp) -> None:
    """Wait until the settings file is written."""
    for worker in [each for each in app.workers if each.group == "settings"]:
        await worker.wait()


async def test_a_change_holds_now_and_later(make_app: Callable[..., SparkApp]) -> None:
    app = make_app("package/greeting.py", settings=None)
    async with app.run_test(size=(140, 40)) as pilot:
        app.change_setting("suggestions.delay_ms", 350)
        app.theme = "nord"
        await pilot.press("f2")
        await pilot.pause()
        await written(app)
        assert app.settings.suggestions.delay_ms == 350
    kept = load_settings().settings
    assert kept.suggestions.delay_ms == 350
    assert kept.theme == "nord"
    assert kept.panes.visible is False
    again = make_app(settings=None)
    async with again.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        assert again.theme == "nord"
        assert not again.panes.display


async def test_what_is_not_written_yet_is_written_at_the_end(
    make_app: Callable[..., SparkApp],
) -> None:
    app = make_app(settings=None)
    async with app.run_test(size=(140, 40)) as pilot:
        app.change_setting("suggestions.max_tokens", 16)
        await app.run_action("quit")
        await pilot.pause()
    assert load_settings().settings.suggestions.max_tokens == 16


async def test_a_file_with_a_mistake_is_left_alone(make_app: Callable[..., SparkApp]) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text("theme = = 3\n")
    app = make_app(settings=None)
    async with app.run_test(size=(140, 40)) as pilot:
        app.change_setting("suggestions.delay_ms", 350)
        await written(app)
        await pilot.pause()
        assert any("until the app ends" in each.message for each in app._notifications)
    assert settings_file().read_text() == "theme = = 3\n"


async def test_a_wrong_value_is_refused(make_app: Callable[..., SparkApp]) -> None:
    app = make_app()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.pause()
        with pytest.raises(ValueError, match="a whole number from 0 to 10000"):
            app.change_setting("suggestions.delay_ms", -1)
        with pytest.raises(ValueError, match="no setting"):
            app.change_setting("suggestions.nothing", 1)
    assert not settings_file().exists()


async def test_actions_of_app_editor_and_tree_have_the_persons_keys(
    make_app: Callable[..., SparkApp],
) -> None:
    keys = {"app.panes": "ctrl+f6", "editor.comment": "ctrl+k", "tree.reload": "ctrl+f7"}
    keys["editor.delete_to_end_of_line_or_delete_line"] = "none"
    app = make_app("package/greeting.py", settings=Settings(keys=keys))
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        assert not [each.message for each in app._notifications]
        await pilot.press("f2")
        assert app.panes.display
        await pilot.press("ctrl+f6")
        assert not app.panes.display
        await pilot.press("ctrl+k")
        assert app.editor is not None
        assert app.editor.text.startswith("# ")
        await pilot.press("ctrl+underscore")
        assert app.editor.text.startswith("# ")
        await pilot.press("f1")
        await pilot.pause()
        assert "Ctrl+F6" in str(app.screen.query_one(".keys").render())


async def test_a_key_that_is_taken_is_a_warning(make_app: Callable[..., SparkApp]) -> None:
    app = make_app(settings=Settings(keys={"app.save": "ctrl+z"}))
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: len(app._notifications) > 0)
        (warning,) = app._notifications
        assert "ctrl+z is the key of editor.undo" in warning.message
