"""`spark-tui replay`: plays a recorded session in the app, or says what is in it."""

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import click

from engine import paths
from tui.assist.recording.events import FileSeen, GhostSeen, GhostTaken, TextChanged
from tui.assist.recording.session_file import (
    RecordedSession,
    SessionFileError,
    read_session,
    recorded_sessions,
)
from tui.assist.recording.typed_runs import typed_runs
from tui.cli.failures import WrongCallError
from tui.cli.options import FiniteFloat, json_option
from tui.cli.output import say_json, tell

__all__ = ["newest_recorded", "read_recorded", "replay"]


@click.command(short_help="Play a recorded session in the app.")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--speed",
    metavar="X",
    type=FiniteFloat(0, inclusive=False, maximum=1024),
    default=1.0,
    show_default=True,
    help="Recorded seconds that pass in one.",
)
@json_option
def replay(file: Path | None, speed: float, as_json: bool) -> int:
    """Play a session that `spark-tui --record FILE` or “Record” in the app recorded.

    Without FILE it is the newest that the app recorded.  Space pauses, + and - change the speed, q
    ends.  No engine runs, and your files are not touched.  --json says what the recording holds
    instead.
    """
    file = file or newest_recorded()
    session = read_recorded(file)
    if session.left_out:
        tell(f"{session.left_out} lines of '{file}' could not be read and are left out")
    if as_json:
        say_json(_facts(session))
        return 0
    from tui.cli.open_app import check_terminal

    check_terminal()
    return _play(session, speed)


def newest_recorded() -> Path:
    """Return the newest session that “Record” in the app recorded.

    Raises:
        WrongCallError: There is none.
    """
    folder = paths.state_dir() / "sessions"
    found = recorded_sessions(folder)
    if not found:
        raise WrongCallError(f"no session is recorded in '{folder}'; name a FILE")
    return found[-1]


def read_recorded(file: Path) -> RecordedSession:
    """Return the session in a file.

    Raises:
        WrongCallError: It cannot be read, or holds something else.
    """
    try:
        return read_session(file)
    except OSError as error:
        raise WrongCallError(f"'{file}' cannot be read: {error.strerror}") from error
    except SessionFileError as error:
        raise WrongCallError(f"'{file}' is no recorded session: {error}") from error


def _play(session: RecordedSession, speed: float) -> int:
    """Play in folders that are gone afterwards."""
    from tui.flows.replay_flow import folder_name, lay_out_files
    from tui.replay_app import ReplayApp

    with tempfile.TemporaryDirectory(prefix="spark-replay-") as folder:
        os.environ["SPARK_STATE_DIR"] = str(Path(folder, "state"))
        root = Path(folder, "files", folder_name(session.began.root)).resolve()
        root.mkdir(parents=True)
        lay_out_files(session.events, root)
        app = ReplayApp(session, root, speed)
        app.run()
        return app.return_code or 0


def _facts(session: RecordedSession) -> dict[str, Any]:
    """Return what a recording holds."""
    kinds = Counter(type(event) for event in session.events)
    keys = Counter(event.key for event in session.events if isinstance(event, GhostTaken))
    paths = {event.path for event in session.events if isinstance(event, FileSeen)} - {None}
    return {
        "began": session.began.began,
        "program": session.began.program,
        "root": session.began.root,
        "seconds": session.seconds,
        "files": sorted(paths, key=str),
        "edits": kinds[TextChanged],
        "suggestions": kinds[GhostSeen],
        "accept_keys": dict(sorted(keys.items())),
        "typed_runs": len(typed_runs(session.events)),
        "lines_left_out": session.left_out,
    }
