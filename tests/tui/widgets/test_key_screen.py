"""Tests that widgets are painted one by one, so that a key waits for one of them at most."""

from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from tui.widgets.key_screen import KeyApp, KeyScreen

ORDER = ("first", "second", "third")


class Parts(KeyApp):
    """Three widgets; what each paint painted is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: list[set[str]] = []

    def compose(self) -> ComposeResult:
        """Stack the three."""
        for name in ORDER:
            yield Static(name, id=name)

    def on_mount(self) -> None:
        """Listen to the compositor."""
        compositor = self.screen._compositor
        update_widgets = compositor.update_widgets

        def listen(widgets: set[Widget]) -> None:
            self.painted.append({widget.id or "" for widget in widgets})
            update_widgets(widgets)

        compositor.update_widgets = listen  # type: ignore[method-assign]

    def change_all(self) -> None:
        """Let all three wait for their paint."""
        self.painted.clear()
        for name in ORDER:
            self.query_one(f"#{name}", Static).update(name.upper(), layout=False)


async def _settled(pilot: Pilot[None]) -> None:
    await pilot.pause()
    await pilot.pause(0.1)  # a few of the timer's turns


async def test_each_widget_is_painted_alone() -> None:
    app = Parts()
    async with app.run_test() as pilot:
        await _settled(pilot)
        app.change_all()
        await _settled(pilot)
        assert sorted(map(sorted, app.painted)) == [["first"], ["second"], ["third"]]
        for name in ORDER:
            assert name.upper() in _text(app, name)


async def test_what_waits_lets_a_key_go_first() -> None:
    app = Parts()
    async with app.run_test() as pilot:
        await _settled(pilot)
        screen = app.screen
        assert isinstance(screen, KeyScreen)
        app.painted.clear()
        screen._dirty_widgets |= {app.query_one(f"#{name}") for name in ORDER}
        screen.key_came()
        screen._paint_next()
        assert app.painted == []
        assert screen.paint_key(app.query_one("#third"))
        assert app.painted == [{"third"}]
        await _settled(pilot)
        assert sorted(map(sorted, app.painted[1:])) == [["first"], ["second"]]


def _text(app: Parts, name: str) -> str:
    """Return what stands on the screen in the row of a widget."""
    row = app.query_one(f"#{name}").region.y
    return app.screen._compositor.render_strips()[row].text
