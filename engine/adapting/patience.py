"""Lets other things go first: waits while a person types, or the computer runs on its battery.

Whoever shows an editor touches `typing_mark` while somebody types.  It exists only while a model is
being adapted, so that nobody else has anything to write.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.paths import runtime_dir

__all__ = ["REST_SECONDS", "Patience", "note_typing", "on_battery", "typing_mark"]

REST_SECONDS = 3.0
"""So long after the last key nothing is computed."""
_POLL_SECONDS = 0.5


def typing_mark() -> Path:
    """Return the file whose time of change says when somebody typed last."""
    return runtime_dir() / "typing"


def note_typing() -> None:
    """Say that somebody types now; where nobody waits for that, nothing happens."""
    with suppress(OSError):
        os.utime(typing_mark())


def on_battery(root: Path = Path("/")) -> bool:
    """Return whether the computer runs on its battery; False where nothing says so.

    Linux only: ``/sys/class/power_supply``, a battery of the computer that is being discharged.

    Args:
        root: Where ``sys`` lies.
    """
    supplies = root / "sys/class/power_supply"
    try:
        folders = list(supplies.iterdir())
    except OSError:
        return False
    return any(
        _text(folder / "type") == "Battery"
        and _text(folder / "scope") != "Device"  # a mouse's
        and _text(folder / "status") == "Discharging"
        for folder in folders
    )


def _text(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text("utf-8").strip()
    return ""


class Patience:
    """Says when it is time to compute.

    Args:
        on_wait: Called with what is waited for, each time anew.
        check: Called while waiting; may raise to give up.
        battery: Whether the computer runs on its battery.
    """

    def __init__(
        self,
        on_wait: Callable[[str], None],
        check: Callable[[], None],
        battery: Callable[[], bool] = on_battery,
    ) -> None:
        self._on_wait, self._check, self._battery = on_wait, check, battery
        self.waited_seconds = 0.0

    def __enter__(self) -> "Patience":
        with suppress(OSError):  # nobody can say then that somebody types
            typing_mark().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            typing_mark().touch(mode=0o600)
            os.utime(typing_mark(), (0, 0))  # nobody has typed yet
        return self

    def __exit__(self, *raised: object) -> None:
        with suppress(OSError):
            typing_mark().unlink(missing_ok=True)

    def rest(self) -> None:
        """Return once nothing else goes first."""
        told, began = "", time.monotonic()
        while (reason := self._reason()) is not None:
            if reason != told:
                self._on_wait(reason)
                told = reason
            self._check()
            time.sleep(_POLL_SECONDS)
        self._check()
        self.waited_seconds += time.monotonic() - began

    def _reason(self) -> str | None:
        if self._is_typing():
            return "waits while you type"
        return "waits while the computer runs on its battery" if self._battery() else None

    def _is_typing(self) -> bool:
        try:
            return time.time() - typing_mark().stat().st_mtime < REST_SECONDS
        except OSError:
            return False
