"""Where a file lies once links are followed."""

import os
from pathlib import Path

__all__ = ["in_real_folder", "real_path"]


def in_real_folder(path: Path) -> Path:
    """Return a path without ``..`` and linked folders; a link at its end stays, to be shown."""
    return Path(os.path.realpath(path.parent), path.name)


def real_path(path: Path) -> Path:
    """Return where a file lies once links are followed: the same for all of its names."""
    return Path(os.path.realpath(path))
