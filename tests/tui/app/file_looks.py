"""What a person sees of files in the app, and what other programs do to them."""

import os
from collections.abc import Callable
from pathlib import Path

from tui.app import SparkApp
from tui.screens.question import QuestionScreen
from tui.settings import PaneSettings, Settings

__all__ = [
    "GREETING",
    "NO_PANES",
    "SIZE",
    "MakeApp",
    "asked",
    "notices",
    "open_text",
    "touch_later",
    "write_elsewhere",
]

MakeApp = Callable[..., SparkApp]
SIZE = (80, 16)
NO_PANES = Settings(panes=PaneSettings(visible=False))  # half the work of every picture
GREETING = "package/greeting.py"


def asked(app: SparkApp) -> bool:
    """Whether a question is on the screen."""
    return isinstance(app.screen, QuestionScreen)


def notices(app: SparkApp) -> str:
    """The text of all notices."""
    return "\n".join(notice.message for notice in app._notifications)


def open_text(app: SparkApp) -> str:
    """The text in the editor."""
    assert app.editor is not None
    return app.editor.text


def touch_later(path: Path) -> None:
    """Move a file's time on, as a clock coarser than this test would not."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def write_elsewhere(path: Path, text: str) -> None:
    """Write a file as another program would."""
    path.write_text(text)
    touch_later(path)
