"""What a partial update paints is what the whole screen shows there, and nothing beside it."""

from random import Random
from typing import Any

from textual._compositor import Compositor
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.geometry import Region
from textual.widgets import Label, Static

from tests.tui.painted import Painted
from tui.widgets.key_screen import KeyApp
from tui.widgets.span_compositor import SpanCompositor


class Layered(KeyApp):
    """Borders, a view that is scrolled, wide characters, and widgets that lie over others."""

    CSS = """
    Screen { layers: below above; }
    #left { width: 17; border: round red; }
    #right { border: heavy blue; padding: 1 2; }
    #over { layer: above; offset: 9 4; width: 21; height: 3; background: green; }
    #clear { layer: above; offset: 30 1; width: 12; height: 6; visibility: hidden; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            with VerticalScroll(id="left"):
                yield Static("\n".join(f"{row} 字 row" for row in range(40)))
            yield Static("right " * 60, id="right")
        yield Label("over 字字 all", id="over")
        yield Label("hidden", id="clear")


def _cells(strips: list[Any]) -> dict[tuple[int, int], str]:
    return {
        (x, y): character
        for y, strip in enumerate(strips)
        for x, character in enumerate(_columns(strip.text))
    }


def _columns(text: str) -> str:
    return "".join(character + " " * (character == "字") for character in text)


async def test_random_regions_show_what_a_whole_paint_shows() -> None:
    app = Layered()
    painted = Painted(app)
    async with app.run_test(size=(50, 12)) as pilot:
        app.query_one("#left").scroll_to(y=7, animate=False)
        await pilot.pause()
        compositor = app.screen._compositor
        assert isinstance(compositor, SpanCompositor)
        whole = _cells(compositor.render_strips())
        rng = Random(3)
        for _ in range(60):
            regions = [
                Region(rng.randrange(55), rng.randrange(14), rng.randint(1, 30), rng.randint(1, 6))
                for _ in range(rng.randint(1, 3))
            ]
            compositor._dirty_regions = set(regions)
            painted.cells.clear()
            update = compositor.render_partial_update()
            if update is not None:
                painted._take(update)
            wanted = {place for place in whole if any(each.contains(*place) for each in regions)}
            assert painted.cells.keys() == wanted
            shown = {place: character or " " for place, (character, _) in painted.cells.items()}
            cut = {place for place in wanted if shown[place] != whole[place]}
            for x, y in cut:  # a whole paint cuts wide characters at edges that nobody sees
                near = ((x - 1, y), (x, y), (x + 1, y))
                assert "字" in [cells.get(place) for place in near for cells in (whole, shown)]


async def test_what_lies_behind_is_not_drawn() -> None:
    app = Layered()
    async with app.run_test(size=(50, 12)) as pilot:
        await pilot.pause()
        drawn: list[str] = []
        for widget in app.screen.walk_children(with_self=True):
            draw = widget.render_lines

            def listen(crop: Region, name: str = str(widget.id), draw: Any = draw) -> Any:
                drawn.append(name)
                return draw(crop)

            widget.render_lines = listen  # type: ignore[method-assign]
        compositor = app.screen._compositor
        compositor._dirty_regions = {Region(10, 5, 15, 1)}
        assert Compositor.render_partial_update(compositor) is not None
        assert {"over", "right", "_default"} <= set(drawn)
        drawn.clear()
        compositor._dirty_regions = {Region(10, 5, 15, 1)}
        assert compositor.render_partial_update() is not None
        assert drawn == ["over"]
