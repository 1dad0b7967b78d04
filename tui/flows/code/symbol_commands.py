"""Symbols as entries of a palette, found by some of their letters."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual.command import DiscoveryHit, Hit, Hits
from textual.content import Content
from textual.markup import escape

from engine.visible_text import visible
from tui.fuzzy import fuzzy_match, highlighted
from tui.navigation.places import CodePlace
from tui.widgets.steady_provider import SteadyProvider

__all__ = ["SymbolChoice", "SymbolCommands", "symbol_provider"]

_DISCOVERED = 500
_FOUND = 80
_NAMES_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class SymbolChoice:
    """A symbol that can be chosen."""

    label: str
    """How it stands in the list."""
    note: str
    """Its kind and where it is."""
    place: CodePlace


class SymbolCommands(SteadyProvider):
    """The symbols of a file or of the repository."""

    load: ClassVar[Callable[[], Awaitable[Sequence[SymbolChoice]]]]
    choose: ClassVar[Callable[[SymbolChoice], None]]

    async def startup(self) -> None:
        """Find the symbols."""
        self._choices = await type(self).load()

    async def discover(self) -> Hits:
        """List them in their order."""
        for choice in self._choices[:_DISCOVERED]:
            run = partial(type(self).choose, choice)
            yield DiscoveryHit(Content(choice.label), run, help=escape(visible(choice.note)))

    async def search(self, query: str) -> Hits:
        """List those that match, the best first; of equal ones, the first in the file."""
        query = query.replace(" ", "")
        matches = []
        for number, choice in enumerate(self._choices):
            match = fuzzy_match(query, choice.label)
            if match is not None:
                score = match.score - len(choice.place.name) * 1e-4
                matches.append((score, -number, choice, match.offsets))
            if number % _NAMES_AT_ONCE == 0:
                await asyncio.sleep(0)  # the next key ends this search
        matches.sort(key=lambda each: each[:2], reverse=True)
        for score, _, choice, offsets in matches[:_FOUND]:
            shown = highlighted(choice.label, offsets, self.match_style)
            run = partial(type(self).choose, choice)
            yield Hit(max(score, 1e-3), shown, run, help=escape(visible(choice.note)))


def symbol_provider(
    load: Callable[[], Awaitable[Sequence[SymbolChoice]]],
    choose: Callable[[SymbolChoice], None],
) -> type[SymbolCommands]:
    """Return the provider of some symbols; `load` finds them when the palette opens."""
    members = {"load": staticmethod(load), "choose": staticmethod(choose)}
    return type("GivenSymbols", (SymbolCommands,), members)
