"""A provider of a command palette whose start no key interrupts.  Finds no commands itself."""

import asyncio

from textual.command import Provider

__all__ = ["SteadyProvider"]


class SteadyProvider(Provider):
    """Waits for its start as often as a person types, but starts once.

    Each key ends the search before it, and Textual's own provider then ends the start for which
    that search waits: of a list that takes longer to read than a key, nothing would ever be found.
    """

    async def _wait_init(self) -> None:
        """Wait for the start; what ends this wait does not end the start."""
        if self._init_task is not None:
            await asyncio.shield(self._init_task)
