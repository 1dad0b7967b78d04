"""One host over HTTP/1.1: JSON there and back, and streams of events, bounded in size and time.

Each request has a connection of its own, so that closing it ends the request at the other end.
No redirect is followed and no proxy used: text goes to the host that the person agreed to.
"""

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from time import monotonic
from typing import Any

from engine.errors import ServerError
from engine.remote_host import RemoteAddress
from engine.visible_text import visible

__all__ = ["HttpLink", "RefusedError"]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""So long a host may be silent: a large model may be loading, and the queue before us long."""
MOST_BYTES = 4 << 20
"""A longer answer is cut off with an error."""
LONGEST_LINE = 1 << 18
STREAM_SECONDS = 300.0
"""So long one answer may go on, whatever comes in between."""
MOST_WORDS = 300
"""Characters of a host's own words in a message."""


class RefusedError(ServerError):
    """The host answered with an error; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class HttpLink:
    """Sends requests to one host, one at a time; `cancel` may come from any thread.

    Args:
        address: The host.
        key: Goes along as a bearer token; empty: none.
        answer_seconds: So long the host may be silent.
    """

    def __init__(
        self, address: RemoteAddress, key: str = "", *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._address = address
        self._key = key
        self._answer_seconds = answer_seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cancelled = False

    def get(self, path: str) -> Any:
        """Return the JSON at a path of the host.

        Raises:
            RefusedError: The host answers with an error.
            ServerError: It cannot be reached, is silent, or says what is no JSON.
        """
        return self._whole("GET", path, None)

    def post(self, path: str, value: Mapping[str, Any]) -> Any:
        """Return the JSON that the host answers to another; errors as of `get`."""
        return self._whole("POST", path, value)

    def events(self, path: str, value: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the JSON of each server-sent event; ends early where `cancel` is called.

        Raises:
            As `get`.
        """
        with self._answer("POST", path, value) as response:
            for line in self._lines(response):
                data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if data == "[DONE]":
                    return
                if data:
                    yield self._read(data)

    def cancel(self) -> None:
        """End the request that runs, or else the next one."""
        with self._lock:
            self._cancelled = True
            if self._socket is not None:
                with suppress(OSError):  # closed by the other end
                    self._socket.shutdown(socket.SHUT_RDWR)

    def renew(self) -> None:
        """Forget a `cancel` that came when nothing ran."""
        with self._lock:
            self._cancelled = False

    # ── one request ─────────────────────────────────────────────────────────────────────────

    def _whole(self, method: str, path: str, value: Mapping[str, Any] | None) -> Any:
        with self._answer(method, path, value) as response:
            body = response.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise ServerError(f"{self._address.place} sent more than {MOST_BYTES >> 20} MB")
        return self._read(body)

    @contextmanager
    def _answer(
        self, method: str, path: str, value: Mapping[str, Any] | None
    ) -> Iterator[HTTPResponse]:
        """Send a request and lend what comes back; the connection ends with it."""
        connection = self._connection()
        try:
            connection.connect()
            self._hold(connection.sock)
            connection.sock.settimeout(self._answer_seconds)
            body = None if value is None else json.dumps(value).encode()
            connection.request(method, path, body, self._headers())
            response = connection.getresponse()
            if response.status != 200:
                raise self._refusal(response)
            yield response
        except (OSError, HTTPException, ValueError) as error:
            if not self._cancelled:
                raise ServerError(f"{self._address.place}: {_reason(error)}") from None
            raise ServerError(f"{self._address.place}: the request was given up") from None
        finally:
            self._hold(None)
            connection.close()

    def _connection(self) -> HTTPConnection:
        host, port = self._address.host, self._address.port
        if self._address.scheme == "http":
            return HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        context = ssl.create_default_context()
        return HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=context)

    def _hold(self, connected: socket.socket | None) -> None:
        """Let `cancel` reach the socket.

        Raises:
            ServerError: It was called before.
        """
        with self._lock:
            self._socket = connected
            if connected is not None and self._cancelled:
                raise ServerError(f"{self._address.place}: the request was given up")

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Connection": "close"}
        return headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def _lines(self, response: HTTPResponse) -> Iterator[str]:
        """Yield the lines of a stream until its end or `cancel`."""
        left, end = MOST_BYTES, monotonic() + STREAM_SECONDS
        while True:
            try:
                line = response.readline(LONGEST_LINE)
            except (OSError, HTTPException, ValueError):
                if self._cancelled:
                    return
                raise
            left -= len(line)
            if not line or self._cancelled:
                return
            if monotonic() > end:
                raise ServerError(
                    f"{self._address.place} did not end within {STREAM_SECONDS:.0f} s"
                )
            if left < 0 or len(line) >= LONGEST_LINE:
                raise ServerError(f"{self._address.place} sent more than {MOST_BYTES >> 20} MB")
            yield line.decode("utf-8", "replace").rstrip("\r\n")

    def _read(self, data: str | bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise ServerError(f"{self._address.place} sent something that is no JSON") from None

    def _refusal(self, response: HTTPResponse) -> RefusedError:
        """Return the host's error in one line."""
        body = response.read(LONGEST_LINE)
        words = _words(body) or response.reason
        said = visible(" ".join(words.split()))[:MOST_WORDS]
        if response.status in (401, 403):
            said += "; put the key into SPARK_REMOTE_KEY or the system's keyring"
        where = f"{self._address.place} refuses ({response.status})"
        return RefusedError(response.status, f"{where}: {said}")


def _words(body: bytes) -> str:
    """Return the message in the body of an error, as OpenAI's, llama.cpp's and TGI's have it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    while isinstance(value, dict):
        value = next((value[key] for key in ("error", "message", "detail") if key in value), "")
    return value if isinstance(value, str) else json.dumps(value)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
