"""A Neovim without a screen, driven through its socket: keys in, values of expressions out."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

__all__ = ["Neovim", "until"]

PATIENCE_SECONDS = 60.0


class Neovim:
    """A Neovim of version 0.10 or newer.

    Args:
        nvim: Its program.
        arguments: Of the command line.
        folder: Where it works; the socket is made there.
        environment: Further variables of the process.
    """

    def __init__(
        self,
        nvim: str,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._nvim, self._socket = nvim, str(folder / "nvim")
        command = [nvim, "--clean", "--headless", "--listen", self._socket]
        self._process = subprocess.Popen(
            [*command, "--cmd", "set noswapfile", *arguments],
            cwd=folder,
            env={"TERM": "xterm-256color", **os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: Path(self._socket).exists(), "Neovim listens")

    def keys(self, keys: str) -> None:
        """Press keys."""
        self._ask("--remote-send", keys)

    def value(self, expression: str) -> str:
        """Return what an expression of Vim is."""
        return self._ask("--remote-expr", expression)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _ask(self, *arguments: str) -> str:
        command = [self._nvim, "--server", self._socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds.

    Raises:
        SystemExit: It does not for too long.
    """
    deadline = monotonic() + PATIENCE_SECONDS
    while not holds():
        if monotonic() > deadline:
            raise SystemExit(f"gave up: not within {PATIENCE_SECONDS:.0f} s: {what}")
        sleep(0.02)
