"""Refuses every connection that leaves this computer, and remembers it.

An audit hook of Python's own: it sees each connection whoever makes it, and nobody can take it
away.  `tests/conftest.py` installs it in the tests' process; `tests/in_children/sitecustomize.py`
in the Pythons that tests start.  Imports nothing of ours.
"""

import ipaddress
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPORT = "SPARK_TEST_CONNECTIONS"
"""Variable with the file to which children write what they tried."""

_INTERNET = {2, 10, 30}  # AF_INET; AF_INET6 on Linux and macOS.  `socket` need not be imported
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname"}
_SENDS = {"socket.connect", "socket.sendto"}


class OutgoingConnectionError(RuntimeError):
    """A test, or what it tests, reached beyond this computer."""


def install(remember: Callable[[str], None]) -> None:
    """Refuse outgoing connections of this process from now on, and have each remembered."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        target = _target(event, args)
        if target is not None:
            remember(target)
            raise OutgoingConnectionError(f"{event}: {target} is not this computer")

    sys.addaudithook(hook)


def _target(event: str, args: tuple[Any, ...]) -> str | None:
    """Return where a connection or a question goes; None if it stays here, or is none."""
    if event in _LOOKUPS:
        host = args[0]
    elif event in _SENDS and args[0].family in _INTERNET:
        host = args[1][0]
    else:
        return None
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
    return None if _is_here(text) else text


def _is_here(host: str) -> bool:
    if host in ("", "localhost", "0.0.0.0", "::"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:  # a name
        return False


def install_in_child() -> None:
    """Refuse outgoing connections of a process that a test started, and write them down."""
    report = os.environ.get(REPORT)
    if not report:
        return

    def remember(target: str) -> None:
        with Path(report).open("a", encoding="utf-8") as file:
            file.write(f"{target} ({' '.join(sys.argv)[:200]})\n")

    install(remember)
