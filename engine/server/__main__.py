"""The command line of the engine process, ``python -m engine.server``; the client starts it."""

import argparse
import faulthandler
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine import paths
from engine.errors import EngineError
from engine.protocol.messages import Progress
from engine.server import process

if TYPE_CHECKING:
    from engine.session import Session


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(prog="python -m engine.server", description=__doc__)
    parser.add_argument("--model", help="bundled name or model folder")
    parser.add_argument("--machine", default="wse3")
    parser.add_argument("--clock", type=float, metavar="GHZ")
    parser.add_argument("--socket", type=Path, help="default: by model and machine")
    parser.add_argument("--idle", type=float, default=10.0, metavar="SECONDS")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Serve until nobody needs it; return the exit status."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    faulthandler.enable()  # to standard error, which the client keeps in a file
    process.open_log()

    def open_session(on_progress: Callable[[Progress], None]) -> "Session":
        from engine.session import Session

        return Session.open(options.model, options.machine, options.clock, on_progress=on_progress)

    try:
        socket = options.socket or paths.socket_path(options.model, options.machine, options.clock)
        return process.serve(process.ServeOptions(socket, options.idle), open_session)
    except EngineError as error:
        logging.getLogger(__name__).error("%s", error)
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    sys.stderr.flush()
    # The worker may be deep in a compilation that cannot be interrupted: do not wait for it.
    os._exit(status)
