"""The command line of the engine process, ``python -m engine.server``; the client starts it."""

import argparse
import faulthandler
import gc
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from engine import paths
from engine.errors import EngineError
from engine.garbage import uncollected
from engine.protocol.messages import OpenSession, Progress
from engine.server import process
from engine.server.budget import Budget
from engine.server.hub import Engine
from engine.server.sessions import Opener

if TYPE_CHECKING:
    from engine.server.served_session import ServedSession


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m engine.server", description=__doc__)
    parser.add_argument("--socket", type=Path, help="default: the user's, of this version")
    parser.add_argument(
        "--idle", type=float, default=10.0, metavar="SECONDS", help="without clients, then end"
    )
    parser.add_argument(
        "--session-idle", type=float, default=60.0, metavar="SECONDS", help="unused, then close"
    )
    parser.add_argument(
        "--memory", type=int, metavar="BYTES", help="of all sessions; default: a share of the free"
    )
    parser.add_argument(
        "--open", metavar="MODEL", help="a session to open before a client asks; '': the default"
    )
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="that compute; default: one for each core, 8 at most",
    )
    parser.add_argument("--machine", default="wse3", help="the machine of that session")
    return parser.parse_args(arguments)


def engine(
    options: argparse.Namespace, opener: Opener, prepare: Callable[[], None] = lambda: None
) -> Engine:
    """Return what the options say about what to serve."""
    return Engine(
        opener,
        prepare,
        ahead=None
        if options.open is None
        else OpenSession(0, options.open or None, options.machine),
        budget=Budget(options.memory),
        idle_seconds=options.idle,
        session_idle_seconds=options.session_idle,
    )


def main(arguments: list[str] | None = None) -> int:
    """Serve until nobody needs it; return the exit status."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    faulthandler.enable()  # to standard error, which the client keeps in a file
    process.open_log()
    try:
        served = engine(options, partial(_open, options.threads), _import_session)
        process.serve(options.socket or paths.socket_path(), served)
    except EngineError as error:
        logging.getLogger(__name__).error("%s", error)
        print(error, file=sys.stderr)
        return 1
    return 0


def _import_session() -> None:
    with uncollected():
        import_module("engine.session")
    gc.freeze()  # modules stay: no later search goes through them


def _open(
    threads: int | None, asked: OpenSession, on_progress: Callable[[Progress], None]
) -> "ServedSession":
    from engine.opening import open_session

    return open_session(
        asked.model,
        asked.machine,
        access=asked.access,
        threads=threads,
        changes=asked.changes,
        on_progress=on_progress,
    )


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stderr.flush()
    # The worker may be deep in a compilation that cannot be interrupted: do not wait for it.
    os._exit(status)
