"""Listens for other programs and serves them until it is told to end.  Knows no request."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvicorn

from engine.errors import ServerError
from engine.server.dispatcher import Dispatcher
from engine.server.http.guard import LOOPBACK, Rules
from engine.server.http.web_app import web_app

__all__ = ["HttpOptions", "run", "serve"]

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 128
"""Connections at once; another one is told to come later."""

MOST_HEADER_BYTES = 16 * 1024
IDLE_SECONDS = 30
"""A connection that asks nothing for so long is closed."""

END_SECONDS = 5
"""How long a request may still take when the server ends."""


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Where to listen, and to whom."""

    host: str = "127.0.0.1"
    port: int = 8012
    """0: any that is free."""
    token: str = ""
    hosts: tuple[str, ...] = ()
    """Further names of this computer that requests may call it by."""
    origins: tuple[str, ...] = ()
    """Web pages that may ask."""
    private_patterns: tuple[str, ...] = ()

    def checked(self) -> Rules:
        """Return who may ask.

        Raises:
            ServerError: Other computers could ask without a token.
        """
        if self.host not in LOOPBACK and not self.token:
            raise ServerError(
                f"{self.host} can be reached from other computers; give a token with --token-file"
            )
        return Rules({*LOOPBACK, self.host.lower(), *map(str.lower, self.hosts)}, self.origins,
                     self.token)  # fmt: skip


def serve(
    dispatcher: Dispatcher,
    options: HttpOptions,
    on_listening: Callable[[str], None],
) -> None:
    """Serve until a signal or until there will be no engine.

    Args:
        dispatcher: The way to the engine; run and closed here.
        options: Where and to whom.
        on_listening: Gets the address once requests are taken.

    Raises:
        ServerError: The address cannot be used, or there will be no engine.
    """
    asyncio.run(run(dispatcher, options, on_listening))


async def run(
    dispatcher: Dispatcher, options: HttpOptions, on_listening: Callable[[str], None]
) -> None:
    """Do the same in an event loop that runs; also ends with the dispatcher."""
    rules = options.checked()
    config = uvicorn.Config(
        web_app(dispatcher, rules, options.private_patterns),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ws="none",
        http="h11",
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=END_SECONDS,
    )
    try:
        # Bound here, so that an address in use is one line, and port 0 is known before it is told.
        bound = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, options.host, options.port, start_serving=False
        )
    except OSError as error:
        raise ServerError(
            f"cannot listen at {options.host} port {options.port}: {error.strerror or error}; "
            "choose another with --port"
        ) from error
    sockets = [each.dup() for each in bound.sockets]
    bound.close()
    port = sockets[0].getsockname()[1]
    address = f"http://{_shown_host(options.host)}:{port}"
    server = _Server(config, lambda: on_listening(address))
    engine = asyncio.create_task(dispatcher.run())
    engine.add_done_callback(lambda _: setattr(server, "should_exit", True))
    try:
        await server.serve(sockets)
    finally:
        await dispatcher.close()
        for each in sockets:
            each.close()
    await engine


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        self._on_listening()


def _shown_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
