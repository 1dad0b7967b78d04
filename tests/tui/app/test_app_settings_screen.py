"""The settings screen: everything is found, explained and changed there, by keys alone."""

from collections.abc import Callable

import pytest
from textual.widgets import Input, OptionList

from tests.tui.app.fakes import until
from tui.app import SparkApp
from tui.screens.settings import SettingsScreen
from tui.settings import Settings, load_settings
from tui.settings_words import every_setting

MakeApp = Callable[..., SparkApp]


async def open_screen(app: SparkApp, pilot, find: str = "") -> SettingsScreen:  # type: ignore[no-untyped-def]
    await pilot.pause()
    await app.run_action("settings")
    await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
    await pilot.pause()
    assert isinstance(app.screen, SettingsScreen)
    app.screen.query_one(".find", Input).value = find
    await pilot.pause()
    return app.screen


def rows(screen: SettingsScreen) -> list[str]:
    return [str(option.prompt) for option in screen.query_one(OptionList).options]


def told(screen: SettingsScreen, name: str) -> str:
    return str(screen.query_one(name).render())


def test_every_setting_has_words() -> None:
    described = list(every_setting())
    assert len(described) > 10
    assert all(each.meaning and each.allowed for each in described)


async def test_everything_is_listed_and_found(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_screen(app, pilot)
        everything = rows(screen)
        assert len(everything) > len(list(every_setting())) + 40
        screen = app.screen  # type: ignore[assignment]
        screen.query_one(".find", Input).value = "delay_ms"
        await pilot.pause()
        assert rows(screen)[0].split() == ["suggestions.delay_ms", "100"]
        assert "Milliseconds of rest" in told(screen, ".meaning")
        screen.query_one(".find", Input).value = "zzzzqqq"
        await pilot.pause()
        assert rows(screen) == []
        assert "nothing is called that" in told(screen, ".meaning")


@pytest.mark.parametrize(
    ("find", "first"),
    [
        ("save", "app.save"),
        ("ctrl+s", "app.save"),
        ("theme", "theme"),
        ("f12", "app.definition"),
    ],
)
async def test_what_is_called_so_comes_first_and_keys_are_found(
    make_app: MakeApp, find: str, first: str
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_screen(app, pilot, find)
        assert rows(screen)[0].split()[0] == first


async def test_a_number_is_typed_checked_and_kept(make_app: MakeApp) -> None:
    app = make_app(settings=None)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_screen(app, pilot, "delay_ms")
        await pilot.press("enter")
        line = screen.query_one(".value", Input)
        assert line.has_focus
        line.value = "soon"
        await pilot.press("enter")
        assert "a whole number from 0 to 10000" in told(screen, ".dialog-problem")
        line.value = "250"
        await pilot.press("enter")
        await pilot.pause()
        assert app.settings.suggestions.delay_ms == 250
        assert rows(screen)[0].split() == ["suggestions.delay_ms", "250"]
        await pilot.press("enter")
        line.value = ""
        await pilot.press("enter")
        assert app.settings.suggestions.delay_ms == 100
        await app.run_action("quit")
    assert load_settings().settings.suggestions.delay_ms == 100


async def test_a_switch_turns_and_a_list_is_typed(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await open_screen(app, pilot, "multi_line")
        await pilot.press("enter")
        assert app.settings.suggestions.multi_line is False
        screen.query_one(".find", Input).value = "extra_patterns"
        await pilot.pause()
        await pilot.press("enter")
        screen.query_one(".value", Input).value = "*.dump, private/"
        await pilot.press("enter")
        assert app.settings.privacy.extra_patterns == ("*.dump", "private/")
        assert "next start" in told(screen, ".meaning")


async def test_a_theme_changes_at_once_or_is_refused(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await open_screen(app, pilot, "theme")
        await pilot.press("enter")
        line = screen.query_one(".value", Input)
        line.value = "nrod"
        await pilot.press("enter")
        assert "theme must be one of" in told(screen, ".dialog-problem")
        line.value = "nord"
        await pilot.press("enter")
        assert app.theme == "nord"


async def test_a_key_is_changed_refused_and_given_back(make_app: MakeApp) -> None:
    app = make_app(settings=None)
    async with app.run_test(size=(140, 40)) as pilot:
        screen = await open_screen(app, pilot, "app.panes")
        await pilot.press("enter")
        line = screen.query_one(".value", Input)
        line.value = "ctrl+s"
        await pilot.press("enter")
        assert "ctrl+s is the key of app.save" in told(screen, ".dialog-problem")
        line.value = "ctrl+f6"
        await pilot.press("enter")
        await pilot.press("escape", "escape")
        assert len(app.screen_stack) == 1
        before = app.panes.display
        await pilot.press("ctrl+f6")
        assert app.panes.display != before
        screen = await open_screen(app, pilot, "app.panes")
        await pilot.press("enter")
        screen.query_one(".value", Input).value = ""
        await pilot.press("enter", "escape", "escape")
        await pilot.press("f2")
        assert app.panes.display == before
        await app.run_action("quit")
    assert load_settings().settings.keys == {}


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_screen_fits(make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(settings=Settings(keys={"app.panes": "ctrl+f6"}))
    async with app.run_test(size=size) as pilot:
        screen = await open_screen(app, pilot)
        box = screen.query_one(".settings").region
        assert box.width <= size[0]
        assert box.height <= size[1]
        for name in (".find", "OptionList", ".meaning", ".dialog-problem"):
            part = screen.query_one(name).region
            assert box.contains_region(part)
            assert part.height >= 1
