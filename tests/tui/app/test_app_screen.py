"""What is seen where: sizes, toggles, the way round by keys, help, settings' mistakes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.command import CommandPalette

from tests.tui.app.fakes import FakeClient, until
from tui.app import SparkApp
from tui.keys import EDITOR_KEYS
from tui.screens.help import HelpScreen
from tui.user_folders import settings_file
from tui.widgets.editor import Editor
from tui.widgets.memory_pane import MemoryPane
from tui.widgets.throughput_pane import ThroughputPane
from tui.widgets.wafer_map import WaferMap

MakeApp = Callable[..., SparkApp]
GREETING = "package/greeting.py"


def seen(app: SparkApp) -> tuple[bool, bool, bool]:
    return app.repo_tree.display, app.deck.display, app.panes.display


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        ((160, 40), (True, True, True)),
        ((120, 40), (False, True, True)),
        ((80, 24), (False, True, False)),
        ((40, 12), (False, True, False)),
    ],
)
async def test_the_parts_fit_the_terminal(
    make_app: MakeApp, size: tuple[int, int], parts: tuple[bool, bool, bool]
) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.editor)
        assert seen(app) == parts
        assert app.status.region.bottom == size[1]


async def test_a_resize_arranges_anew(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.resize_terminal(40, 12)
        await until(pilot, lambda: seen(app) == (False, True, False))
        await pilot.resize_terminal(160, 40)
        await until(pilot, lambda: seen(app) == (True, True, True))


async def test_a_small_terminal_is_usable_by_keys(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("ctrl+b")
        await until(pilot, lambda: len(app.repo_tree.root.children) == 4)
        assert seen(app) == (True, False, False)
        assert app.repo_tree.has_focus
        await pilot.press("up", "enter")  # the last entry: notes.md
        await until(pilot, lambda: app.status.view.path is not None)
        assert seen(app) == (False, True, False)
        assert app.editor is not None
        await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
        await pilot.press("f2")
        assert seen(app) == (False, False, True)
        await pilot.press("f2")
        assert seen(app) == (False, True, False)
        assert app.editor.has_focus


async def test_without_room_the_tree_lies_over_the_code_for_a_while(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor and app.editor.has_focus)
        columns = app.deck.region
        for leave in ("ctrl+b", "escape", "f6"):
            await pilot.press("ctrl+b")
            await until(pilot, lambda: app.repo_tree.has_focus)
            await until(pilot, lambda: app.repo_tree.region.width)
            assert app.repo_tree.region.x == 0
            assert app.deck.region == columns
            assert app.get_widget_at(5, 5)[0] is app.repo_tree
            await pilot.press(leave)
            assert not app.repo_tree.display, leave
        assert app.settings.editor.tree


async def test_toggles(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.editor and app.editor.has_focus)
        await pilot.press("ctrl+b")
        assert seen(app) == (False, True, True)
        await pilot.press("f2")
        assert seen(app) == (False, True, False)
        await pilot.press("ctrl+b")
        assert seen(app) == (True, True, False)
        assert app.repo_tree.has_focus


async def test_lines_are_wrapped_in_every_editor(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor and app.editor.has_focus)
        await pilot.press("alt+z")
        assert app.editor is not None
        assert app.editor.soft_wrap
        app.open_path(app.rules.root / "notes.md")
        await until(pilot, lambda: app.file_name == "notes.md")
        assert app.editor.soft_wrap
        assert app.editor.pairs
        await pilot.press("alt+z")
        assert not any(file.editor.soft_wrap for file in app.deck)


async def test_panes_one_after_another_fill_the_screen(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor and app.editor.has_focus)
        shown = []
        panes = ("wafer", "throughput", "memory", "xray", "whatif", "peers", "training", "ask")
        for _ in range(9):
            await pilot.press("f3")
            shown.append([name for name in panes if app.query_one(f"#{name}").display])
            assert seen(app) == (False, len(shown) == 9, True)
        every = ["wafer", "throughput", "memory"]
        xray = ["wafer", "xray"]  # its wave is played on the map
        last = ["whatif"], ["peers"], ["training"], ["ask"]
        assert shown == [["wafer"], ["throughput"], ["memory"], xray, *last, every]


async def test_no_key_reaches_a_text_behind_a_pane(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor and app.editor.has_focus)
        editor = app.editor
        assert editor is not None
        for times in (1, 2):
            await pilot.press(*["f3"] * times, "x")
            assert not editor.modified
            await pilot.press("escape")
            assert seen(app) == (False, True, True)
            assert editor.has_focus


async def test_another_file_comes_before_a_pane_that_fills_the_screen(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor and app.editor.has_focus)
        await pilot.press("f3")
        app.open_path(app.rules.root / "notes.md")
        await until(pilot, lambda: app.file_name == "notes.md" and app.deck.display)
        assert app.editor is not None
        assert app.editor.has_focus


async def test_the_keyboard_goes_round(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: app.editor and app.editor.has_focus)
        stations = []
        for _ in range(5):
            await pilot.press("f6")
            stations.append(app.focused)
        panes = [app.query_one(kind) for kind in (WaferMap, ThroughputPane, MemoryPane)]
        assert stations == [*panes, app.repo_tree, app.editor]


async def test_help_tells_all_keys_and_panes(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        keys = str(app.screen.query_one(".keys").render())
        for key in ("Ctrl+S", "Ctrl+L", "F4 Ctrl+T", "Ctrl+Q", "Tab", "Ctrl+→", "Ctrl+Z"):
            assert key in keys
        assert isinstance(app.screen, HelpScreen)
        assert "logarithmic" in app.screen.markdown
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


@pytest.mark.parametrize("key", ["ctrl+b", "f2", "f3", "f6", "ctrl+w", "ctrl+n", "alt+z", "f9"])
async def test_under_the_help_no_key_reaches_the_app(make_app: MakeApp, key: str) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        before = seen(app), app.editor and app.editor.text, app.editor and app.editor.soft_wrap
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press(key, "x", "escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert before == (
            seen(app),
            app.editor and app.editor.text,
            app.editor and app.editor.soft_wrap,
        )
        assert app.focused is app.editor


async def test_the_editor_binds_the_keys_that_help_names(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        assert app.editor is not None
        bound = set(app.editor._bindings.key_to_bindings)
        assert {binding.key for binding in Binding.make_bindings(EDITOR_KEYS)} <= bound


async def test_commands_by_name(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"delay 200")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: app.settings.suggestions.delay_ms == 200)


async def test_enter_at_once_takes_the_first_of_what_is_found(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"delay 400", "enter")
        await until(pilot, lambda: app.settings.suggestions.delay_ms == 400)
        assert not isinstance(app.screen, CommandPalette)


async def test_what_keys_do_in_the_editor_is_in_the_palette(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        editor = app.query_one(Editor)
        editor.focus()
        lines = editor.document.line_count
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"delete the line", "enter")
        await until(pilot, lambda: editor.document.line_count == lines - 1)


async def test_the_editor_takes_no_keys_from_a_screen_above_it(make_app: MakeApp) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        editor = app.query_one(Editor)
        before = editor.text
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        app.parts.focus_editor()  # as when Esc in a pane and Ctrl+P come together
        await pilot.press(*"error")
        assert editor.text == before
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))


async def test_every_command_has_an_action(make_app: MakeApp) -> None:
    from tui.command_palette import AppCommands

    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.editor)
        asked = set()
        for _, _, run in AppCommands(app.screen)._commands():
            if isinstance(run, partial) and run.func == app.run_action:
                (action,) = run.args
                assert hasattr(app, f"action_{action.partition('(')[0]}")
                asked.add(action)
        assert {"save", "quit"} <= asked


async def test_mistakes_in_the_settings_are_one_warning(make_app: MakeApp) -> None:
    path: Path = settings_file()
    path.parent.mkdir(parents=True)
    path.write_text('theme = "nowhere"\n[suggestions]\ndelay = 3\nmax_tokens = "many"\n')
    app = make_app(settings=None)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: list(app._notifications))
        (notice,) = app._notifications
        for words in ("nowhere", "suggestions.delay_ms", 'max_tokens = "many"'):
            assert words in notice.message
        assert app.settings.suggestions.max_tokens == 64
        assert app.theme == "spark"


async def test_any_theme_can_be_used(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        client.work(3)
        for theme in ("textual-light", "textual-ansi", "nord"):
            if theme in app.available_themes:
                app.theme = theme
                await pilot.pause()
        assert app.is_running
