"""Offers a better model once, and fetches models in the background, with the person's consent.

Fetching itself is the store's (`engine.model_store`), in a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from textwrap import fill
from typing import TYPE_CHECKING

from engine.notes import write_note
from tui.app_messages import BackgroundWork
from tui.files.offer_note import OfferNote, read_offer
from tui.flows.models.model_switch import Notify
from tui.screens.question import Choice, QuestionScreen
from tui.user_folders import offer_file

if TYPE_CHECKING:
    from engine.model_store import CatalogueModel, PullProgress

__all__ = ["ModelFetch"]

_SERVING = "spark-nano"
_TEXT_CELLS = 66
"""Cells of a line in a dialog."""
_WORDS = {"waiting": "waiting for another program", "joining": "joining", "checking": "checking"}
"""What each stage of a pull is called; the others are fetching."""


class ModelFetch:
    """Asks, fetches, and says when a model is there.

    Args:
        ask: Shows a question and waits for the answer.
        notify: Tells the person how it ended.
        show: Takes what goes on, for the status line; None when nothing does.
        there: Called with the name of a model that was fetched.
    """

    def __init__(
        self,
        ask: Callable[[QuestionScreen], Awaitable[str]],
        notify: Notify,
        show: Callable[[BackgroundWork | None], None],
        there: Callable[[str], None],
    ) -> None:
        self._ask = ask
        self._notify = notify
        self._show = show
        self._there = there
        self._cancelled = False
        self.running: str | None = None
        """The model that is being fetched."""

    async def offer_once(self) -> None:
        """Offer a better model, unless the person was asked before; go on with one agreed to."""
        note = read_offer(offer_file())
        if note.fetching is not None:
            await self.fetch(note.fetching)
        elif not note.answered:
            offer = await asyncio.to_thread(_offered)
            if offer is not None:
                await self._offer(offer)

    async def ask_and_fetch(self, offer: "CatalogueModel") -> None:
        """Fetch a model of the catalogue that the person chose, after saying what it takes."""
        choices = [Choice("yes", "Fetch it", "y"), Choice("no", "No", "n")]
        question = QuestionScreen("fetch a model", _offer_text(offer), choices, escape="no")
        if await self._ask(question) == "yes":
            await self._agreed(offer.name)

    async def _offer(self, offer: "CatalogueModel") -> None:
        choices = [
            Choice("yes", "Fetch it", "y"),
            Choice("no", "No, and never ask again", "n"),
        ]
        text = (
            f"{_SERVING} comes with the program and is small. A better model can be fetched:\n\n"
            f"{_offer_text(offer)}\n\n"
            f"{_SERVING} serves meanwhile. Later: `spark-tui models`, or Ctrl+P and “Model”."
        )
        answer = await self._ask(QuestionScreen("a better model", text, choices, escape="no"))
        if answer == "yes":
            await self._agreed(offer.name)
        else:
            write_note(offer_file(), OfferNote(answered=True))

    async def _agreed(self, name: str) -> None:
        write_note(offer_file(), OfferNote(answered=True, fetching=name))
        await self.fetch(name)

    async def fetch(self, name: str) -> None:
        """Fetch a model that the person agreed to; say that it is there, or why it is not."""
        if self.running is not None:
            self._notify(f"{self.running} is being fetched; one at a time", severity="warning")
            return
        self.running, self._cancelled = name, False
        try:
            await self._pull(name)
        finally:
            self.running = None
            self._show(None)

    async def _pull(self, name: str) -> None:
        from engine import model_store
        from engine.errors import EngineError, PullCancelledError

        loop = asyncio.get_running_loop()

        def report(progress: "PullProgress") -> None:  # in the store's thread
            with suppress(RuntimeError):  # the app has just ended
                loop.call_soon_threadsafe(self._report, progress)

        try:
            await asyncio.to_thread(
                model_store.pull, name, on_progress=report, cancelled=lambda: self._cancelled
            )
        except PullCancelledError:
            return  # by the palette, which has said so, or by the end of the app
        except EngineError as error:
            write_note(offer_file(), OfferNote(answered=True))
            self._notify(str(error), severity="error", timeout=12)
            return
        write_note(offer_file(), OfferNote(answered=True))
        self._there(name)

    def _report(self, progress: "PullProgress") -> None:
        if self.running == progress.name and not self._cancelled:
            self._show(_work(progress))

    def cancel(self) -> None:
        """Stop fetching, at the person's wish; what came is kept for another time."""
        if self.running is not None:
            write_note(offer_file(), OfferNote(answered=True))
            self._notify(f"{self.running} is no longer fetched; what came is kept", timeout=6)
        self.stop()

    def stop(self) -> None:
        """Stop fetching because the app ends; the next start goes on."""
        self._cancelled = True


def _offered() -> "CatalogueModel | None":
    from engine import model_store

    return model_store.offered_model()


def _offer_text(offer: "CatalogueModel") -> str:
    """Return what a model costs and gains, in measured words."""
    from engine import host_memory

    needs = host_memory.memory_needed_bytes(offer.file_bytes)
    of = f" of {host_memory.available_bytes() / 1e9:.1f} GB free"
    return (
        f"{offer.title}\n"
        f"  to fetch   {offer.download_bytes / 1e6:.0f} MB, licence {offer.licence}\n"
        f"  memory     about {needs / 1e9:.1f} GB{of}\n"
        + fill(offer.gains, _TEXT_CELLS, initial_indent="  gains      ", subsequent_indent=" " * 13)
    )


def _work(progress: "PullProgress") -> BackgroundWork:
    known = progress.total_bytes > 0
    return BackgroundWork(
        progress.name,
        _WORDS.get(progress.stage, "fetching"),
        progress.done_bytes / progress.total_bytes if known else None,
        progress.bytes_per_second,
        progress.seconds_left,
    )
