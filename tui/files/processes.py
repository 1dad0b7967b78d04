"""Tells a process from a later one that was given the same number, and whether it still lives.

A number alone is no name: after a crash or a restart another program has it.  The time at which a
process began, and the start of the computer, make it one.
"""

import os
import subprocess
from functools import lru_cache
from pathlib import Path

import msgspec

__all__ = ["ProcessIdentity", "identity_of", "lives"]

_PROC = Path("/proc")
_DEAD = frozenset("ZXx")
"""States of a process that has ended, though its parent has not heard of it yet."""
_PS_SECONDS = 5.0


class ProcessIdentity(msgspec.Struct, frozen=True):
    """Names one process for ever."""

    pid: int
    started: str = ""
    """When it began, in the system's own words; empty where the system does not say."""


def identity_of(pid: int | None = None) -> ProcessIdentity:
    """Return the name of a process that lives; of this one without a number."""
    pid = os.getpid() if pid is None else pid
    return ProcessIdentity(pid, _started(pid) or "")


def lives(process: ProcessIdentity) -> bool:
    """Return whether exactly that process still runs.

    One without a time does not count: its text is better offered twice than never.
    """
    return bool(process.started) and _started(process.pid) == process.started


def _started(pid: int) -> str | None:
    """Return when the process of that number began; None if there is none that runs."""
    if _boot() is not None:
        try:
            # The name of the program, in brackets, may itself hold brackets and blanks.
            words = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2]
        except OSError:
            return None
        fields = words.split()
        return None if fields[0] in _DEAD else f"{_boot()} {fields[19]}"
    return _started_by_ps(pid)


@lru_cache(maxsize=1)
def _boot() -> str | None:
    """Return what names this run of the computer; None where ``/proc`` does not tell."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _started_by_ps(pid: int) -> str | None:
    """Return the same where there is no ``/proc``, as on macOS."""
    command = ["ps", "-o", "state=", "-o", "lstart=", "-p", str(pid)]
    try:
        answer = subprocess.run(
            command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True,
            timeout=_PS_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    state, _, started = answer.stdout.strip().partition(" ")
    return None if state[:1] in _DEAD else started.strip()
