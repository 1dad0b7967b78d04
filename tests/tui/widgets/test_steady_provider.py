"""A palette finds things although its provider starts more slowly than a person types."""

import asyncio
from functools import partial

from textual.app import App
from textual.command import CommandPalette, Hit, Hits
from textual.widgets import OptionList

from tests.tui.app.fakes import until
from tui.widgets.steady_provider import SteadyProvider


class Slow(SteadyProvider):
    """Finds one command once it may start."""

    may_start: asyncio.Event
    starts = 0

    async def startup(self) -> None:
        type(self).starts += 1
        await self.may_start.wait()

    async def search(self, query: str) -> Hits:
        yield Hit(1.0, query, partial(int))


async def test_keys_typed_during_the_start_do_not_end_it() -> None:
    Slow.may_start = asyncio.Event()
    app = App[None]()
    async with app.run_test() as pilot:
        await app.push_screen(CommandPalette(providers=[Slow]))
        await pilot.press("a", "b", "c")
        Slow.may_start.set()
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1)
        assert str(app.screen.query_one(OptionList).get_option_at_index(0).prompt).strip() == "abc"
        assert Slow.starts == 1
