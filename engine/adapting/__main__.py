"""``python -m engine.adapting``: one run in a process of its own, at the lowest priority.

Prints the messages of `engine.adapting.messages`, one a line.  Ends, and keeps what it learnt, when
its standard input does: whoever started it is gone, or wants it no longer.
"""

import argparse
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import msgspec

from engine.adapting.messages import AdaptFailed, AdaptMessage, AdaptScene
from engine.errors import EngineError
from engine.own_files import make_own
from engine.paths import models_dir

_LOWEST = 19
_STOPPED = "stopped; what it learnt so far is kept, and the same command goes on"


class _Stop(BaseException):
    """The run is wanted no longer."""


def main() -> int:
    """Run; return 0 with a result, 1 with none."""
    options = _options()
    os.nice(_LOWEST)
    stop = Event()
    Thread(target=_watch_input, args=(stop,), daemon=True).start()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda number, frame: stop.set())
    try:
        _tell(_run(options, stop))
    except _Stop:
        _tell(AdaptFailed(_STOPPED, stopped=True))
        return 1
    except EngineError as error:
        _tell(AdaptFailed(str(error)))
        return 1
    return 0


def _run(options: argparse.Namespace, stop: Event) -> AdaptMessage:
    # Late: NumPy is loaded here, after the number of its threads was set.
    from engine.adapting.adapter import adapt
    from engine.adapting.plan import AdaptPlan

    def check() -> None:
        if stop.is_set():
            raise _Stop

    make_own(models_dir())
    if options.scene:
        _tell_scene(options.model)
    plan = AdaptPlan(**msgspec.json.decode(options.plan))
    return adapt(
        options.folder,
        plan,
        model=options.model,
        private_patterns=tuple(options.private),
        report=_tell,
        check=check,
    )


def _tell_scene(model: str | None) -> None:
    from engine.adapting.scene import adapting_scene

    with suppress(EngineError):  # it has no price there; whether it learns is another matter
        _tell(AdaptScene(adapting_scene(model)))


def _watch_input(stop: Event) -> None:
    # Not by ``sys.stdin``: a thread that waits in its buffer aborts the interpreter at its end.
    while os.read(0, 1):
        pass
    stop.set()


def _tell(message: AdaptMessage) -> None:
    try:
        sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise _Stop from None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.adapting", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--plan", default="{}", help="fields of AdaptPlan as JSON")
    parser.add_argument("--scene", action="store_true", help="tell a step of it on the wafer")
    parser.add_argument("--private", action="append", default=[], help="a pattern of private files")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
