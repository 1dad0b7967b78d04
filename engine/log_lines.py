"""How a record of the log is written: one pattern, and nothing that steers a terminal."""

import logging

from engine.visible_text import visible

__all__ = ["LogLines"]

_PATTERN = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class LogLines(logging.Formatter):
    """Writes records that are safe to read in a terminal: names of files stand in them."""

    def __init__(self) -> None:
        super().__init__(_PATTERN)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text; a traceback takes several lines."""
        return visible(super().format(record), kept="\t\n")
