"""A text while it grows, in pieces that are never taken back.  Knows no language and no HTTP.

What the engine says so far may still be cut or replaced; so a piece is told only when it has
settled, and the last one brings the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any

from engine.server.http.writing import Written

__all__ = ["Hold", "growing", "lines_before_last", "without_stop_beginning"]

Hold = Callable[[str], str]
"""Returns the beginning of a text that has settled."""


def lines_before_last(text: str) -> str:
    """Return a text without its last line, which may still change, and its line end."""
    return text[: max(0, text.rfind("\n"))]


def without_stop_beginning(stops: tuple[str, ...]) -> Hold:
    """Return what holds back as much as may be the beginning of a stop string."""
    longest = max((len(word) - 1 for word in stops), default=0)
    return lambda text: text[: len(text) - longest] if longest > 0 else text


async def growing(
    write: Callable[[Callable[[str], None]], Coroutine[Any, Any, Written]], hold: Hold
) -> AsyncIterator[str | Written]:
    """Yield each new piece of a text, then what was written.

    Args:
        write: Writes the text and calls what it is given with all of it so far.
        hold: Tells what has settled.

    Raises:
        EngineError: As of ``write``.
    """
    news: asyncio.Queue[str | None] = asyncio.Queue()
    task = asyncio.create_task(write(news.put_nowait))
    task.add_done_callback(lambda _: news.put_nowait(None))
    told = ""
    try:
        while (text := await news.get()) is not None:
            settled = hold(text)
            if len(settled) > len(told) and settled.startswith(told):
                yield settled[len(told) :]
                told = settled
        written = task.result()
        if len(written.text) > len(told) and written.text.startswith(told):
            yield written.text[len(told) :]
        yield written
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
