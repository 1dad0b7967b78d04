"""Names and messages that would drive the terminal, or mean something to a markup parser."""

from collections.abc import Callable
from pathlib import Path

from rich.segment import Segment
from textual.color import Color
from textual.command import CommandPalette

from engine.visible_text import visible
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.settings import Settings
from tui.visuals.screen_door import ScreenDoor

MakeApp = Callable[..., SparkApp]

SIZE = (180, 46)
TITLE = "b\x1b]0;PWNED\x07.py"
COLOUR = "c\x1b[41m\x9b42m\u202e.py"
LINES = "d\ne\t.py"
MARKUP = "a[/b].py"
CLICK = "[@click=app.bell]x.py"


def drawn(app: SparkApp) -> str:
    """Return all that the app draws now."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_no_name_drives_the_terminal_or_the_markup_parser(
    make_app: MakeApp, repository: Path, client: FakeClient
) -> None:
    (repository / "a[").mkdir()
    for name in (TITLE, COLOUR, LINES, CLICK, MARKUP):
        (repository / name).write_text("x = 1\n")
    app = make_app(TITLE, settings=Settings())
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: app.editor)
        client.ready(name=COLOUR, family=TITLE, language=LINES)
        app.notify(f"{COLOUR} is\nsaved", title=TITLE)
        await settled(pilot)
        screen = drawn(app)
        # title of the editor, tree, status line; family in the pane, title of the notice
        assert screen.count(visible(TITLE)) == 5
        assert screen.count(visible(COLOUR)) == 4
        assert CLICK in screen
        assert visible(LINES) in screen
        assert all(line.isprintable() for line in screen.split("\n"))

        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"py")
        await until(pilot, lambda: MARKUP in drawn(app))
        assert visible(TITLE) in drawn(app)
        await pilot.press("escape")

        # a question names the file, too
        await pilot.press("x", "ctrl+q")
        await until(pilot, lambda: len(app.screen_stack) > 1)
        await until(pilot, lambda: f"● {visible(TITLE)}" in drawn(app))


def test_the_last_door_lets_nothing_through_that_steers_and_keeps_the_cells() -> None:
    door, black = ScreenDoor(), Color(0, 0, 0)
    whole = [Segment("plain 字"), Segment("é")]
    assert door.apply(whole, black) is whole
    [segment] = door.apply([Segment("a\x1b]0;x\x07\x9b\u202eb\udcff\u2028字")], black)
    assert segment.text == "a]0;xb\ufffd字"
    assert segment.cell_length == Segment("a\x1b]0;x\x07\x9b\u202eb\udcff\u2028字").cell_length


async def test_what_forgets_to_make_a_text_visible_is_stopped_at_the_door(
    make_app: MakeApp,
) -> None:
    app = make_app(None, settings=Settings())
    async with app.run_test(size=SIZE) as pilot:
        app.deck.border_title = "\x1b]0;border\x07"
        app.notify(f"{'a' * 50_000} is\nnot saved: the disk is full")
        await settled(pilot)
        [notice] = app._notifications
        assert len(notice.message) < 700
        assert notice.message.endswith("not saved: the disk is full")
        assert "]0;border" in drawn(app)
        assert "\x1b" not in drawn(app)
