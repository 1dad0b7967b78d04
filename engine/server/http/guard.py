"""Guard: which requests reach the server at all.  Knows addresses, headers and sizes, no content.

A web page that a person looks at can have their browser send requests to this computer.  So a
request with an ``Origin`` that is not ours is refused, and one whose ``Host`` is not a name of ours
too: else a page could give its own name our address (DNS rebinding) and count as our own origin.
"""

import asyncio
import hmac
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.server.http.answers import refusal

__all__ = ["LOOPBACK", "Guard", "Rules"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The names under which this computer reaches itself."""

MOST_BODY_BYTES = 2 * 1024 * 1024
"""A longer request is refused before it is read to its end."""

BODY_SECONDS = 20.0
"""So long a client may take to send a request."""

_OPEN_PATHS = ("/health", "/v1/health")
"""What may be asked without a token: whether the server is there."""
_OWN_SITES = ("same-origin", "none")


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may ask."""

    hosts: Collection[str] = LOOPBACK
    """Names that a request may call this server by, without the port."""
    origins: Collection[str] = ()
    """Web pages that may ask besides our own origin, such as ``https://example.org``."""
    token: str = ""
    """What each request must bring; empty: nothing."""

    def refusal(self, path: str, scheme: str, headers: Headers) -> tuple[int, str] | None:
        """Return the status and the reason of a refusal; None: it may come in."""
        host = headers.get("host", "")
        if _name(host) not in self.hosts:
            return 403, (
                f"this server is not called {_name(host)!r}; name it with --allow-host if it is"
            )
        origin = headers.get("origin")
        if origin is not None and origin not in (f"{scheme}://{host}", *self.origins):
            return 403, f"web pages of {origin} may not ask; allow them with --allow-origin"
        site = headers.get("sec-fetch-site", "none")
        if origin is None and site not in _OWN_SITES:
            return 403, "another web page may not ask"
        if self.token and path not in _OPEN_PATHS and not self._has_token(headers):
            return 401, "the token is missing or wrong; send it as 'Authorization: Bearer TOKEN'"
        return None

    def _has_token(self, headers: Headers) -> bool:
        """Compare the token in constant time."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
        return hmac.compare_digest(given.encode(), self.token.encode())


class Guard:
    """Lets requests through to an application that the rules allow, once they are read.

    Args:
        app: What answers them.
        rules: Who may ask.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application do so."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._rules.refusal(scope["path"], scope["scheme"], headers)
        if refused is not None:
            await refusal(*refused)(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(headers, receive)
        except TimeoutError:
            slow = f"the request was not sent within {BODY_SECONDS:.0f} s"
            await refusal(408, slow)(scope, receive, send)
            return
        if body is None:
            return  # it went away
        if len(body) > MOST_BODY_BYTES:
            large = f"a request may have {MOST_BODY_BYTES} bytes; send less text"
            await refusal(413, large, close=True)(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)


async def _read(headers: Headers, receive: Receive) -> bytes | None:
    """Return the body, of a long one too much of it; None where the client goes away."""
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MOST_BODY_BYTES:
        return bytes(MOST_BODY_BYTES + 1)
    body = bytearray()
    while len(body) <= MOST_BODY_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body first, then what comes after it."""
    told = False

    async def next_message() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


def _name(host: str) -> str:
    """Return the name in a ``Host`` header, without its port and in small letters."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower()
