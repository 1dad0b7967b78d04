"""Plays a recorded session in the terminal of the app, which comes back where it was afterwards.

The player is a process of its own (`spark-tui replay`): two apps cannot share one terminal, and
what is played must not meet the files and the engine of the one that waits.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from textual.app import App, SuspendNotSupported

from tui.assist.recording.session_file import recorded_sessions
from tui.format import file_size_text

__all__ = ["play_commands", "play_recording"]

_MOST = 9
"""Sessions that are offered, the newest first."""


def play_commands(app: App[None], folder: Path) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """Yield what the palette offers: each of the newest sessions in a folder."""
    found = recorded_sessions(folder)[-_MOST:]
    if not found:
        how = "there is none yet; “Record” makes one"
        yield "Play a recording", how, partial(app.notify, how, timeout=4)
    for file in reversed(found):
        yield (
            f"Play the recording of {_time(file)}",
            f"{file_size_text(file.stat().st_size)}; Space pauses, q comes back",
            partial(play_recording, app, file),
        )


def _time(file: Path) -> str:
    """Return when a session began, by its file's name; the name itself if it is no time."""
    try:
        return f"{datetime.strptime(file.stem, '%Y-%m-%d-%H%M%S'):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return file.stem


def play_recording(app: App[None], file: Path) -> None:
    """Play a session until the person ends it; meanwhile the app draws and reads nothing."""
    # -P: not a package of this name in the folder that somebody works in.
    command = [sys.executable, "-P", "-m", "tui", "replay", str(file)]
    try:
        with app.suspend():
            done = subprocess.run(command, check=False)
    except SuspendNotSupported:
        app.notify(f"this terminal cannot be lent; spark-tui replay {file} plays it", timeout=8)
        return
    if done.returncode:
        app.notify(
            f"it could not be played; spark-tui replay {file} says why", severity="error", timeout=8
        )
