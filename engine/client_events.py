"""What a client of the engine process tells its face, beside the messages of the process itself."""

import msgspec

from engine.protocol.messages import ServerMessage

__all__ = ["ClientEvent", "EngineDown", "EngineSilent", "EngineStarting", "ModelKilled"]


class EngineStarting(msgspec.Struct, frozen=True):
    """An engine process is being launched."""

    reason: str
    """``"no engine is running"``, or what happened to the last one."""


class EngineSilent(msgspec.Struct, frozen=True):
    """The engine process says nothing, as when it is stopped; no request reaches it.

    When it answers again, each session's `EngineReady` is told again; else `EngineDown` follows.
    """

    reason: str


class EngineDown(msgspec.Struct, frozen=True):
    """There is no connection to an engine."""

    reason: str
    retrying: bool
    """False: the client has given up, and `EngineClient.run` returns."""


class ModelKilled(msgspec.Struct, frozen=True):
    """A model was killed with the process, most likely for lack of memory; it is given up."""

    session: int
    model: str
    """As the engine named it, or as it was asked for."""
    instead: str | None
    """The model that the session will be opened with; None: `SessionFailed` follows, and another
    session of this client goes on."""
    reason: str
    """One line: what happened and what follows."""


ClientEvent = ServerMessage | EngineStarting | EngineSilent | EngineDown | ModelKilled
"""Everything that a face hears."""
