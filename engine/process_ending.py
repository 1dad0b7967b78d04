"""Ends the process at the other end of a connection when it is stopped or hangs.

Light, as `engine.client` is, and for its asyncio event loop.
"""

import asyncio
import os
import signal
import socket as sockets
import struct
from contextlib import suppress
from pathlib import Path

from engine.engine_process import sudden_death

__all__ = ["end_process", "peer_process"]

_PEER: int | None = getattr(sockets, "SO_PEERCRED", None)
"""None: no Linux."""

_CREDENTIALS = struct.Struct("3i")
"""Linux's ``struct ucred``: process, user, group."""

_END_SECONDS = 1.0
"""How long a signal may take to end a process."""


def peer_process(writer: asyncio.StreamWriter) -> int | None:
    """Return the number of the process at the other end of an open connection.

    None if it is not this user's, or the system does not tell, as in another container.
    """
    if _PEER is None:
        return None
    own = writer.get_extra_info("socket")
    told = own.getsockopt(sockets.SOL_SOCKET, _PEER, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(told)
    return pid if pid > 1 and user == os.geteuid() else None


async def end_process(pid: int, socket: Path) -> None:
    """End a process of ours that is stopped or hangs; returns when it had time enough to end.

    Its note goes first: nobody shall think that its models cost it its life.
    """
    if sudden_death(socket, pid) is not None:
        socket.with_suffix(".open").unlink(missing_ok=True)
    # Not SIGTERM, which its event loop would have to handle; not SIGKILL at first, after which
    # every client would blame the models.  A stopped process dies of what was sent before SIGCONT.
    for number in (signal.SIGALRM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(_END_SECONDS)
