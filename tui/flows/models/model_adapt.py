"""Teaches the small model the repository that is open, in the background and at the person's wish.

The teaching itself is the engine's (`engine.AdaptingProcess`), in a process of its own.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from tui.app_messages import BackgroundWork, TrainingNews
from tui.flows.models.model_switch import Notify

if TYPE_CHECKING:
    from engine import Adapted, AdaptingProcess, AdaptProgress
    from engine.protocol.training import TrainingScene

__all__ = ["ModelAdapt"]

_Told = TypeVar("_Told")

_WHAT = "this repository"
_TOLD_SECONDS = 1.0
"""Keys within it are one key to whoever waits."""


class ModelAdapt:
    """Starts, shows and stops the teaching; says how it ended.

    Args:
        notify: Tells the person how it ended.
        show: Takes what goes on, for the status line; None when nothing does.
        there: Called with the name of a model that was kept.
        tell: Takes how far the learning is, for the panes; None when nothing learns.
    """

    def __init__(
        self,
        notify: Notify,
        show: Callable[[BackgroundWork | None], None],
        there: Callable[[str], None],
        tell: Callable[[TrainingNews | None], None],
    ) -> None:
        self._notify, self._show, self._there, self._tell_panes = notify, show, there, tell
        self._scene: TrainingScene | None = None
        self._steps = 0
        self._process: AdaptingProcess | None = None
        self._told_at = 0.0

    @property
    def running(self) -> bool:
        """Whether a model is being taught."""
        return self._process is not None

    async def adapt(
        self, root: Path, private_patterns: tuple[str, ...], model: str | None = None
    ) -> None:
        """Teach a model a repository, the small one if none is named; a stopped run goes on."""
        from engine import AdaptingProcess
        from engine.errors import AdaptCancelledError, EngineError

        if self.running:
            self._notify("a model is being adapted; one at a time", severity="warning")
            return
        try:
            self._process = AdaptingProcess(
                root, model=model, private_patterns=private_patterns, scene=True
            )
            self._show(BackgroundWork(_WHAT, "reading"))
            ended = await _followed(
                self._process, self._in_loop(self._report), self._in_loop(self._set_scene)
            )
        except AdaptCancelledError:
            return  # by the palette, which has said so, or by the end of the app
        except (EngineError, OSError) as error:
            self._notify(str(error), severity="error", timeout=12)
            return
        finally:
            self._process, self._scene, self._steps = None, None, 0
            self._show(None)
            self._tell_panes(None)
        self._tell(ended)

    def _in_loop(self, call: Callable[[_Told], None]) -> Callable[[_Told], None]:
        """Return a call for the thread that reads the pipe."""
        loop = asyncio.get_running_loop()

        def later(told: _Told) -> None:
            with suppress(RuntimeError):  # the app has just ended
                loop.call_soon_threadsafe(call, told)

        return later

    def _set_scene(self, scene: "TrainingScene") -> None:
        if self.running:
            self._scene = scene

    def _report(self, progress: "AdaptProgress") -> None:
        if not self.running:
            return
        if progress.stage == "planned":
            self._notify(progress.detail, timeout=12)
            return
        waits = progress.stage == "waiting"
        words = progress.detail if waits else progress.stage
        self._show(BackgroundWork(_WHAT, words, None if waits else progress.share))
        self._steps = progress.steps or self._steps
        detail = f": {progress.detail}" if progress.detail and not waits else ""
        self._tell_panes(TrainingNews(self._scene, f"{words}{detail}", progress.share, self._steps))

    def _tell(self, ended: "Adapted") -> None:
        if ended.kept:
            self._notify(f"{ended.name}: {ended.why}", timeout=12)
            self._there(ended.name)
        else:
            self._notify(f"{ended.name}: {ended.why}", severity="warning", timeout=12)

    def cancel(self) -> None:
        """Stop, at the person's wish; what was learnt is kept for another time."""
        if self.running:
            self._notify("the model learns no longer; what it learnt so far is kept", timeout=6)
        self.stop()

    def stop(self) -> None:
        """Stop because the app ends; the next time goes on."""
        if self._process is not None:
            self._process.stop()

    def typed(self) -> None:
        """Let a model that is being taught, by this program or another, wait while keys come."""
        now = monotonic()
        if now - self._told_at >= _TOLD_SECONDS:
            from engine import note_typing

            self._told_at = now
            note_typing()


def _followed(
    process: "AdaptingProcess",
    report: "Callable[[AdaptProgress], None]",
    show_scene: "Callable[[TrainingScene], None]",
) -> "asyncio.Future[Adapted]":
    """Return the end of a run, to be waited for.

    A thread of its own follows it, which an app that ends does not wait for: the process ends by
    itself once its pipe is closed, and may take seconds to keep what was learnt.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Adapted] = loop.create_future()

    def settle(outcome: "Adapted | Exception") -> None:
        if ended.done():
            return
        if isinstance(outcome, Exception):
            ended.set_exception(outcome)
        else:
            ended.set_result(outcome)

    def follow() -> None:
        outcome: Adapted | Exception
        try:
            outcome = process.follow(report, show_scene)
        except Exception as error:  # for whoever waits
            outcome = error
        process.close()
        with suppress(RuntimeError):  # the app has just ended
            loop.call_soon_threadsafe(settle, outcome)

    Thread(target=follow, name="adapting", daemon=True).start()
    return ended
