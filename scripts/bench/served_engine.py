"""The engine process with options of a benchmark, and a note of when it served each request.

    python served_engine.py '{"threads": …, "speculation": …, "notes": FILE}' --socket …

Everything else is the app's own process.  Each request adds a line to the file: when the session
began with it and when it had its first text, on the clock that all processes share; with
``"passes": true`` also what `scripts.bench.noted_passes` notes.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.protocol.messages import OpenSession
from engine.server import __main__ as server
from scripts.bench.noted_passes import NotedPasses, note_passes


def noted(
    complete: Callable[..., Any], file: Path, passes: NotedPasses | None
) -> Callable[..., Any]:
    """Return `Session.complete`, which notes its times and its passes."""

    def noting(request: Any, *, on_text: Any = None, **further: Any) -> Any:
        times: dict[str, Any] = {"began": monotonic(), "first": None}

        def on_any_text(text: str) -> None:
            times["first"] = times["first"] or monotonic()
            if on_text is not None:
                on_text(text)

        try:
            return complete(request, on_text=on_any_text, **further)
        finally:
            times["ended"] = monotonic()
            if passes is not None:
                times["passes"] = passes.as_json()
            with file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(times) + "\n")

    return noting


def main(options: dict[str, Any], arguments: list[str]) -> int:
    """Serve as `engine.server` does."""
    notes, with_passes = Path(options.pop("notes")), options.pop("passes", False)

    def opened(threads: int | None, asked: OpenSession, on_progress: Callable[..., None]) -> Any:
        from engine.session import Session

        ways = {"threads": threads, **options}
        session: Any = Session.open(asked.model, asked.machine, on_progress=on_progress, **ways)
        passes = note_passes(session) if with_passes else None
        session.complete = noted(session.complete, notes, passes)
        return session

    server._open = opened  # what `main` there gives to the engine
    return server.main(arguments)


if __name__ == "__main__":
    status = main(json.loads(sys.argv[1]), sys.argv[2:])
    sys.stderr.flush()
    os._exit(status)
