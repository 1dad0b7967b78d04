"""Bounds of what a host may send, errors in one line, and the end of a request by `cancel`."""

import socket
import threading
from time import monotonic

import pytest

from engine.errors import ServerError
from engine.remote import http_link
from engine.remote.http_link import HttpLink, RefusedError
from engine.remote_host import remote_address
from tests.engine.remote.other_engine import running

STREAM = {"prompt": "x", "stream": True}


def raw(answer):
    """A server that sends some bytes to whoever comes; its port, and what ends it."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        try:
            one, _ = server.accept()
        except OSError:
            return
        with one:
            one.recv(65536)
            one.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return server


def link_to(port, **options):
    return HttpLink(remote_address(f"openai:http://127.0.0.1:{port}/v1#m"), **options)


def head(length, status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode()


def test_the_key_goes_along_and_a_wrong_one_says_where_to_put_it():
    with running(key="secret") as engine:
        assert HttpLink(engine.address, "secret").get("/v1/models")["data"]
        with pytest.raises(RefusedError, match=r"\(401\): wrong key; put the key into") as refused:
            HttpLink(engine.address, "other").get("/v1/models")
        assert "other" not in str(refused.value)


def test_nobody_listening_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ServerError, match=rf"^127\.0\.0\.1:{port}: nobody listens there$"):
        link_to(port).get("/v1/models")


def test_a_silent_host_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = link_to(server.getsockname()[1], answer_seconds=0.05)
        with pytest.raises(ServerError, match="no answer in time"):
            link.get("/v1/models")


def test_a_long_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(http_link, "MOST_BYTES", 1 << 20)
    with (
        raw(head(3 << 20) + b" " * (3 << 20)) as server,
        pytest.raises(ServerError, match="sent more than 1 MB"),
    ):
        link_to(server.getsockname()[1]).get("/v1/models")


def test_a_stream_without_line_ends_is_cut_off(monkeypatch):
    monkeypatch.setattr(http_link, "LONGEST_LINE", 1000)
    with (
        raw(head(5000) + b"x" * 5000) as server,
        pytest.raises(ServerError, match="sent more than"),
    ):
        list(link_to(server.getsockname()[1]).events("/v1/completions", STREAM))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (head(3) + b"abc", "no JSON"),
        (b"garbage\r\n\r\n", "garbage"),
        (head(2, "302 Found") + b"{}", r"\(302\)"),  # no redirect is followed
        (head(5, "500 Oops") + b"\x1b[2Jx", r"␛\[2Jx"),
        (b"", "without response"),
    ],
)
def test_whatever_comes_back_is_one_line(answer, words):
    with raw(answer) as server, pytest.raises(ServerError, match=words) as error:
        link_to(server.getsockname()[1]).get("/v1/models")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("127.0.0.1:")


def test_cancel_closes_the_connection_so_that_the_other_end_stops():
    with running(pieces=["a", "b"], wait=threading.Event()) as engine:
        link = HttpLink(engine.address)
        events = link.events("/v1/completions", STREAM)
        next(events)
        began = monotonic()
        threading.Timer(0.02, link.cancel).start()
        assert all(event == {"choices": []} for event in events)
        assert monotonic() - began < 5
        assert engine.gone.wait(5)


def test_cancel_before_a_request_ends_it_until_it_is_renewed():
    with running() as engine:
        link = HttpLink(engine.address)
        link.cancel()
        with pytest.raises(ServerError, match="given up"):
            link.get("/v1/models")
        link.renew()
        assert link.get("/v1/models")["data"]
