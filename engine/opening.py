"""Opens a session with what a model's name stands for: a model on the wafer, or one elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.protocol.messages import Progress
from engine.remote_host import RemoteAccess, is_remote, remote_access
from engine.session import Session
from engine.wafer_changes import UNCHANGED, WaferChanges

if TYPE_CHECKING:
    from engine.remote import RemoteSession

__all__ = ["open_session"]


def open_session(
    model: str | None = None,
    machine: str = "wse3",
    clock_ghz: float | None = None,
    *,
    access: RemoteAccess | None = None,
    tier: str = "fast",
    threads: int | None = None,
    speculation: bool = True,
    changes: WaferChanges = UNCHANGED,
    on_progress: Callable[[Progress], None] | None = None,
) -> Session | RemoteSession:
    """Open a model.

    Args:
        model: As of `Session.open`, or the address of a model that another engine runs.
        machine: Name of a machine.
        clock_ghz: Clock that turns cycles into seconds; None is the machine's own.
        access: Whether text may go to a remote model's host, and its key; None: as this computer
            remembers it.
        tier: As of `Session.open`; a remote model runs on none.
        threads: As of `Session.open`.
        speculation: As of `Session.open`.
        changes: As of `Session.open`; a remote model lies on no wafer.
        on_progress: Called in this thread with each step.

    Raises:
        EngineError: As of `Session.open` and `RemoteSession.open`.
    """
    if model is None or not is_remote(model):
        return Session.open(
            model,
            machine,
            clock_ghz,
            tier=tier,
            threads=threads,
            speculation=speculation,
            changes=changes,
            on_progress=on_progress,
        )
    if tier != "fast":
        raise EngineError(f"{model} is not on the wafer, so it has no tier {tier!r}")
    from engine.remote import RemoteSession  # and HTTP with it

    return RemoteSession.open(
        model, machine, clock_ghz, access=access or remote_access(model), on_progress=on_progress
    )
