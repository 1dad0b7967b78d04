"""The promise that nothing leaves the computer, held by a guard: what it refuses and what not."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest, socket_guard
from tests.socket_guard import OutgoingConnectionError

FAR = "192.0.2.1"  # a number that is kept for examples (RFC 5737) and leads nowhere


def forget() -> list[str]:
    """Return what was tried so far, so that the guard's own test is not failed by it."""
    report = Path(os.environ[socket_guard.REPORT])
    tried = [*conftest._tried, *report.read_text(encoding="utf-8").splitlines()]
    conftest._tried.clear()
    os.truncate(report, 0)
    return tried


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_connection_to_another_computer_is_refused_and_remembered(kind) -> None:
    with socket.socket(socket.AF_INET, kind) as ours, pytest.raises(OutgoingConnectionError):
        ours.connect((FAR, 80))
    assert forget() == [FAR]


def test_a_packet_and_the_question_for_a_name_are_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        with pytest.raises(OutgoingConnectionError):
            ours.sendto(b"x", (FAR, 80))
        with pytest.raises(OutgoingConnectionError):
            socket.getaddrinfo("example.org", 443)
    assert forget() == [FAR, "example.org"]


def test_this_computer_may_be_reached(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()[:2]).close()
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as ours:
        server.bind(str(tmp_path / "s"))
        server.listen()
        ours.connect(str(tmp_path / "s"))
    assert forget() == []


def test_a_python_that_a_test_starts_is_guarded_too() -> None:
    code = f"import socket; socket.socket().connect(({FAR!r}, 80))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "OutgoingConnectionError" in ended.stderr
    (tried,) = forget()
    assert tried.startswith(FAR)
