"""Widgets that are gone leave nothing behind; the styles are those of the stock toolkit."""

import gc
import weakref

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style
from textual.widgets import Static

from tui.safe_app import SafeApp
from tui.visuals.shared_backgrounds import share_backgrounds


class Board(SafeApp):
    """Shows what it is given."""

    def keep_text_now(self) -> None:
        """There is no text."""

    async def end_quietly(self) -> None:
        """There is nothing to let go of."""


async def test_a_widget_that_is_gone_does_not_stay_in_memory_with_its_lines():
    app = Board()
    left: list[weakref.ref[StylesCache]] = []
    async with app.run_test() as pilot:
        for number in range(5):
            widget = Static(f"notice {number}")
            left.append(weakref.ref(widget._styles_cache))
            await app.mount(widget)
            await pilot.pause()
            await widget.remove()
            await pilot.pause()
        del widget
        gc.collect()
        assert [each() for each in left[:-1]] == [None] * 4  # the last may still be on the screen


def test_the_styles_are_the_same_for_every_widget():
    share_backgrounds()
    share_backgrounds()
    ground, cover = Color.parse("#102030"), Color.parse("#ff0000").with_alpha(0.5)
    inner, outer = StylesCache().get_inner_outer(ground, cover)
    assert (inner, outer) == (Style(background=ground + cover), Style(background=ground))
    assert StylesCache().get_inner_outer(ground, cover)[0] is inner
