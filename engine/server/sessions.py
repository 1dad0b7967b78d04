"""Sessions: which models are open, who uses them, and which of them goes when memory is needed.

Belongs to the event loop's thread.  A session is a model on a machine; clients that ask for the
same share it.  The worker opens, runs and closes it; here it is only counted.
"""

import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from engine import paths
from engine.errors import EngineError, ServerError
from engine.protocol.messages import OpenSession, Progress
from engine.remote_host import RemoteAccess
from engine.server.budget import Budget
from engine.server.worker import Closing, Opening
from engine.server.worker_threads import WorkerThreads
from engine.wafer_changes import WaferChanges

if TYPE_CHECKING:
    from engine.server.model_files import ModelFiles
    from engine.server.served_session import ServedSession

__all__ = ["Held", "Opener", "SessionUser", "Sessions"]

log = logging.getLogger(__name__)

_Key = tuple[str, str, WaferChanges, RemoteAccess]
"""The model's and the machine's identity, what is changed of it, and what opens a remote model."""

Opener = Callable[[OpenSession, Callable[[Progress], None]], "ServedSession"]
"""Opens a session for a model's path or address on a machine, at the machine's own clock, and
reports its progress.  Called in a worker's thread."""

FromWorker = Callable[[Callable[..., None]], Callable[..., None]]
"""Wraps a function of the event loop's thread so that the worker may call it."""


class SessionUser(Protocol):
    """A client's end of a session."""

    def opening(self, progress: Progress) -> None:
        """Hear a step of its opening."""

    def opened(self, held: "Held") -> None:
        """Hear that it is open."""

    def failed(self, message: str) -> None:
        """Hear that it cannot be opened; it is no longer held."""


@dataclass(eq=False, slots=True)
class Held:
    """A session that is open, or being opened."""

    key: _Key
    name: str
    """The model as it was asked for; empty for the default."""
    files: "ModelFiles"
    session: "ServedSession | None" = None
    """None while it is being opened."""
    progress: Progress | None = None
    """The last step of opening."""
    users: set[SessionUser] = field(default_factory=set)
    onlookers: set[SessionUser] = field(default_factory=set)
    """Who joined: they do not hold it, and hear when it closes."""
    given_up: bool = False
    """Read by the worker: True ends the opening."""
    left: float = 0.0
    """When its last user left it, `time.monotonic`."""


class Sessions:
    """All sessions of the process.

    Args:
        worker: Opens and closes them.
        opener: How.
        from_worker: Hands what the worker says over to this thread.
        budget: How much memory all of them may take.
        note: File that says which models are open; a process that is killed leaves it behind.
    """

    def __init__(
        self,
        worker: WorkerThreads,
        opener: Opener,
        from_worker: FromWorker,
        *,
        budget: Budget,
        note: Path,
    ) -> None:
        self._worker = worker
        self._opener = opener
        self._from_worker = from_worker
        self._budget = budget
        self._note = note
        self._held: dict[_Key, Held] = {}
        self._write_note()

    def open(self, asked: OpenSession, user: SessionUser) -> Held | None:
        """Let a client use a session; open it first where nobody has.

        Returns:
            The session; None where it is refused, and the user has heard why.
        """
        if asked.join:
            return self._join(user)
        try:
            held = self._found_or_begun(asked)
        except EngineError as error:
            user.failed(str(error))
            return None
        except (OSError, ValueError, RuntimeError) as error:  # its files change, or name no file
            user.failed(f"{asked.model or 'the default model'}: {error}")
            return None
        held.users.add(user)
        self._give_up_unwanted()
        if held.session is not None:
            user.opened(held)
        elif held.progress is not None:
            user.opening(held.progress)
        return held

    def _join(self, user: SessionUser) -> Held | None:
        """Let a client see the newest open session without holding it."""
        held = [each for each in self._held.values() if each.session is not None]
        if not held:
            user.failed("no model is open")
            return None
        joined = next((each for each in reversed(held) if each.users), held[-1])
        joined.onlookers.add(user)
        user.opened(joined)
        return joined

    def open_ahead(self, asked: OpenSession) -> None:
        """Begin to open a session for a client that is about to ask for it.

        Without one it is closed like any that nobody uses.
        """
        with suppress(EngineError, OSError):  # the client hears why when it asks
            self._found_or_begun(asked)

    def leave(self, held: Held, user: SessionUser) -> None:
        """Note that a client has no more use for a session."""
        if user in held.onlookers:
            held.onlookers.discard(user)
            return
        held.users.discard(user)
        held.left = monotonic()
        self._give_up_unwanted()

    def close_unused(self, seconds: float) -> None:
        """Close the sessions that nobody has used for so long."""
        now = monotonic()
        for held in list(self._held.values()):
            if held.session is not None and not held.users and now - held.left >= seconds:
                log.info("closed %s, which nobody uses", held.files.path.name)
                self._close(held)

    def forget_note(self) -> None:
        """Remove the note: the process ends in good order."""
        self._note.unlink(missing_ok=True)

    # ── opening and closing ─────────────────────────────────────────────────────────────────

    def _found_or_begun(self, asked: OpenSession) -> Held:
        """Return the session that is asked for; begin to open it where nobody has.

        Raises:
            EngineError: There is no such model, or no room for it.
            OSError: Its files cannot be looked at.
        """
        # After the socket is open: what knows models by name takes a while to import.
        from engine.server.model_files import model_files

        files = model_files(asked.model, self._held_bytes())
        held = self._held.get(_key(asked, files))
        return self._begin(asked, files) if held is None else held

    def _begin(self, asked: OpenSession, files: "ModelFiles") -> Held:
        """Queue the opening of a session, once there is room for it.

        Raises:
            ServerError: It does not fit, even with all unused ones closed.
        """
        self._make_room(files)
        held = Held(_key(asked, files), asked.model or "", files)
        self._held[held.key] = held
        self._write_note()
        opens = replace(asked, model=files.opens, clock_ghz=None)
        self._worker.submit(
            Opening(
                lambda report: self._opener(opens, report),
                remote=bool(files.remote),
                wanted=lambda: not held.given_up,
                on_progress=self._from_worker(lambda progress: self._on_progress(held, progress)),
                on_ready=self._from_worker(lambda session: self._on_ready(held, session)),
                on_failed=self._from_worker(lambda message: self._on_failed(held, message)),
            )
        )
        return held

    def _make_room(self, files: "ModelFiles") -> None:
        """Close unused sessions, the longest unused first, until a model fits.

        Raises:
            ServerError: It cannot; then nothing is closed.
        """
        sessions = list(self._held.values())
        coming = sum(each.files.need_bytes for each in sessions if each.session is None)
        room = self._budget.room_bytes(self._held_bytes(), coming)
        unused = [each for each in sessions if not each.users and each.session is not None]
        reserve = sum(each.files.need_bytes for each in unused)
        if files.need_bytes > room + reserve and not files.is_small:
            names = [each.files.path.name for each in sessions if each not in unused]
            raise ServerError(_too_large(files, room + reserve, names))
        for each in sorted(unused, key=lambda held: held.left):
            if files.need_bytes <= room:
                break
            log.info("closed %s to make room for %s", each.files.path.name, files.path.name)
            room += each.files.need_bytes
            self._close(each)

    def _held_bytes(self) -> int:
        """Return what the open sessions hold, by estimate."""
        sessions = self._held.values()
        return sum(each.files.need_bytes for each in sessions if each.session is not None)

    def _give_up_unwanted(self) -> None:
        """Open no further what nobody waits for while somebody waits for another session."""
        opening = [each for each in self._held.values() if each.session is None]
        for held in opening:
            if not held.users and len(opening) > 1:
                held.given_up = True
                self._forget(held)

    def _on_progress(self, held: Held, progress: Progress) -> None:
        held.progress = progress
        for user in list(held.users):
            user.opening(progress)

    def _on_ready(self, held: Held, session: "ServedSession") -> None:
        if held.given_up:  # between its last step and now
            self._worker.submit(Closing(session))
            return
        held.session = session
        held.left = monotonic()
        self._write_note()
        for user in list(held.users):
            user.opened(held)

    def _on_failed(self, held: Held, message: str) -> None:
        self._forget(held)
        for user in list(held.users):
            user.failed(message)

    def _close(self, held: Held) -> None:
        session, held.session = held.session, None
        if session is not None:
            self._worker.submit(Closing(session))
        self._forget(held)
        for user in list(held.onlookers):
            user.failed(f"{held.files.path.name} is closed: nobody uses it")

    def _forget(self, held: Held) -> None:
        if self._held.get(held.key) is held:
            del self._held[held.key]
            self._write_note()

    def _write_note(self) -> None:
        """Write which models are open and being opened, for who finds this process killed."""
        opening = [held.name for held in self._held.values() if held.session is None]
        note = {"process": os.getpid(), "opening": opening}
        try:
            self._note.write_text(json.dumps(note), encoding="utf-8")
        except OSError as error:
            log.warning("cannot write %s: %s", self._note, error)


def _key(asked: OpenSession, files: "ModelFiles") -> _Key:
    """Return what a session is told from others by; only those of remote models by their keys."""
    machine = paths.machine_identity(asked.machine)
    access = asked.access if files.remote else RemoteAccess()
    return files.identity, machine, asked.changes, access


def _too_large(files: "ModelFiles", room_bytes: int, in_use: list[str]) -> str:
    """Return one line: what the model needs, what there is, what to do."""
    others = f" beside {', '.join(in_use)}" if in_use else ""
    return (
        f"{files.path.name} needs about {_megabytes(files.need_bytes)} of memory, and "
        f"{_megabytes(max(0, room_bytes))} are free{others}; choose a smaller model or end other "
        "programs"
    )


def _megabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
