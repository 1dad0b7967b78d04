"""Changes the model in the running app: the old one serves until the new one is ready.

Follows the events of the session that is being opened; those of the one that serves are the app's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.protocol.messages import EngineReady, Progress, SessionFailed, Telemetry
from engine.protocol.what_if import WhatIfSetup
from engine.remote_host import is_remote, remote_address
from engine.visible_text import visible
from tui.app_messages import BackgroundWork
from tui.link.engine_link import EngineLink

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["ModelSwitch", "Notify"]


class Notify(Protocol):
    """Shows a notice, as ``App.notify`` does."""

    def __call__(self, message: str, *, severity: Any = ..., timeout: float | None = ...) -> None:
        """Show it."""


class ModelSwitch:
    """Opens another model beside the one that serves, and takes it once it is ready.

    Args:
        link: The connection; its ``session`` is the one that serves.
        notify: Tells the person how it ended.
        show: Takes what goes on, for the status line; None when nothing does.
    """

    def __init__(
        self,
        link: EngineLink,
        notify: Notify,
        show: Callable[[BackgroundWork | None], None],
    ) -> None:
        self._link = link
        self._notify = notify
        self._show = show
        self._coming: int | None = None
        self._name = ""

    def choose(self, model: str, setup: WhatIfSetup | None = None) -> None:
        """Begin to open a model.  A newer choice takes the place of an older.

        Args:
            model: A name or a path.
            setup: The machine; None: the client's.
        """
        if self._coming is not None:
            self._link.drop(self._coming)
        self._coming = self._link.open(model, setup)
        self._name = _short(model)
        if self._coming is None:
            self._notify(
                "the engine is not there yet; choose again in a moment", severity="warning"
            )
        else:
            self._show(BackgroundWork(self._name, "opening"))

    def takes(self, event: "EngineNews") -> bool:
        """Follow an event; return True if it does not concern the session that serves."""
        # Loads the client: only once there is one.
        from engine import EngineDown, ModelKilled, model_store

        if isinstance(event, ModelKilled):
            model_store.note_killed(event.model)
            if event.instead is not None:  # else its failure says the same
                self._notify(event.reason, severity="warning", timeout=12)
            return True
        if isinstance(event, EngineDown) and not event.retrying:
            self.forget()
        if not isinstance(event, Progress | EngineReady | SessionFailed | Telemetry):
            return False
        if event.session == self._link.session:
            return False
        if event.session == self._coming:
            return self._takes_coming(event)
        return True  # of a session that was given back

    def _takes_coming(self, event: Progress | EngineReady | SessionFailed | Telemetry) -> bool:
        match event:
            case Progress():
                self._show(BackgroundWork(self._name, event.label, _fraction(event)))
            case SessionFailed():
                self.forget()
                self._notify(event.message, severity="error", timeout=12)
            case EngineReady():
                self._link.drop(self._link.session)
                self._link.session = event.session
                _forgive(event.model.name)
                self.forget()
                self._notify(_now_serves(event), timeout=4)
                return False  # it serves from now on: the app goes on with it
        return True

    def forget(self) -> None:
        """Wait for no other model any more."""
        if self._coming is not None:
            self._coming = None
            self._show(None)


def _forgive(model: str) -> None:
    from engine import model_store

    model_store.forget_killed(model)


def _fraction(progress: Progress) -> float | None:
    return progress.done / progress.total if progress.total > 1 else None


def _now_serves(ready: EngineReady) -> str:
    fills = (
        "" if ready.model.fill_in_the_middle else "; it reads only what stands before the cursor"
    )
    changed = f" on {visible(ready.machine.name)}" if "(" in ready.machine.name else ""
    return f"{ready.model.name} serves now{changed}{fills}"


def _short(model: str) -> str:
    """Return what a person calls a model by its name, its path or its address."""
    if is_remote(model):
        return remote_address(model).model
    return Path(model).name.removesuffix(".gguf")
