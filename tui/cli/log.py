"""The log file: opened on the first record, kept small, done without if it cannot be written."""

import logging
import logging.handlers
from pathlib import Path

from engine import paths
from engine.log_lines import LogLines
from engine.own_files import make_own

__all__ = ["start"]

_MAX_BYTES = 1_000_000


def start() -> None:
    """Send this process's log records to the log file; drop them if it cannot be written.

    Several processes append to the same file, so it is set aside only at a start.  A handler that
    finds its file set aside opens the new one.
    """
    logging.raiseExceptions = False  # a full disk costs log lines, not a traceback for each
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(_handler(paths.log_file()))


def _handler(file: Path) -> logging.Handler:
    try:
        make_own(file.parent)
        if file.exists() and file.stat().st_size > _MAX_BYTES:
            file.replace(file.with_name(f"{file.name}.1"))
        handler = logging.handlers.WatchedFileHandler(file, encoding="utf-8")
    except OSError:
        # A read-only or full home must not stop a completion; `doctor` reports it.
        return logging.NullHandler()
    handler.setFormatter(LogLines())
    return handler
