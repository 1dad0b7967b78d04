"""Remembers to which hosts a person lets text go.  One note in the state folder; asks nobody."""

import os
from pathlib import Path

from engine import paths
from engine.notes import read_note, write_note
from engine.remote_host.address import RemoteAddress

__all__ = ["VARIABLE", "agree", "agreed"]

VARIABLE = "SPARK_REMOTE_YES"
"""``1``: text may go to the model that is named, without a question; nothing is remembered."""


def agreed(address: RemoteAddress) -> bool:
    """Return whether text may go to a host: a person said so once, or the environment does."""
    return os.environ.get(VARIABLE) == "1" or address.origin in _origins()


def agree(address: RemoteAddress) -> None:
    """Remember that text may go to a host, until the note is removed."""
    write_note(_file(), sorted({*_origins(), address.origin}))


def _file() -> Path:
    return paths.state_dir() / "remote_hosts.json"


def _origins() -> list[str]:
    none: list[str] = []
    return read_note(_file(), list[str], none)
