"""Finds the root of the repository that a file or folder belongs to.

Which of its files git ignores is for `engine.repository.ignore`.
"""

import os
from pathlib import Path

from engine.repository.git import nearest_top

__all__ = ["find_root"]


def find_root(path: Path) -> Path:
    """Return the nearest folder at or above ``path`` that holds ``.git``, else the path's own."""
    folder = path if os.path.isdir(path) else path.parent
    folder = folder.resolve()
    return nearest_top(folder) or folder
