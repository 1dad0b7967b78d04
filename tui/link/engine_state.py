"""The engine's state as one value, which each of its events moves on.  Pure."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from engine.protocol.messages import EngineReady, Progress, SessionFailed, Welcome

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["EngineState", "Phase", "after"]


class Phase(Enum):
    """Where the engine is on the way to answering."""

    OFF = "off"
    STARTING = "starting"
    PREPARING = "preparing"
    READY = "ready"
    SILENT = "silent"
    RESTARTING = "restarting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine as the app last heard of it."""

    phase: Phase = Phase.OFF
    detail: str = ""
    """What it is doing, or what went wrong; for a person."""
    done: int = 0
    total: int = 0
    """Steps of the current stage; 0 if unknown."""
    ready: EngineReady | None = None
    """Model and machine, once known; kept while the engine restarts."""


def after(state: EngineState, event: "EngineNews") -> EngineState:
    """Return the state after ``event`` of the session that serves, or of the connection."""
    from engine import (
        EngineDown,
        EngineSilent,
        EngineStarting,
    )  # loads the client: only once there is one

    match event:
        case EngineReady():
            return EngineState(Phase.READY, ready=event)
        case Progress():
            return replace(
                state, phase=Phase.PREPARING, detail=event.label, done=event.done, total=event.total
            )
        case Welcome() if state.phase is not Phase.READY:
            return replace(
                state, phase=Phase.PREPARING, detail="waiting for the engine", done=0, total=0
            )
        case SessionFailed():
            return replace(state, phase=Phase.FAILED, detail=event.message)
        case EngineSilent():
            return replace(state, phase=Phase.SILENT, detail=event.reason, done=0, total=0)
        case EngineDown():
            phase = Phase.RESTARTING if event.retrying else Phase.FAILED
            return replace(state, phase=phase, detail=event.reason, done=0, total=0)
        case EngineStarting():
            # Until the engine is back, a restart says why it was lost.
            restarting = state.phase is Phase.RESTARTING or state.ready is not None
            if restarting:
                return replace(state, phase=Phase.RESTARTING, detail=state.detail or event.reason)
            return replace(state, phase=Phase.STARTING, detail=event.reason, done=0, total=0)
        case _:
            return state
