"""The files of a repository as a person sees them: without what git ignores.

Finds the root; what is ignored is `engine.repository.ignore`'s, because the engine leaves the
same files alone.
"""

from pathlib import Path

from engine.repository.ignore import IgnoreRules, list_files

__all__ = ["IgnoreRules", "find_root", "list_files"]

_GIT = ".git"


def find_root(path: Path) -> Path:
    """Return the nearest folder at or above ``path`` that holds ``.git``, else its own folder."""
    folder = path if path.is_dir() else path.parent
    folder = folder.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / _GIT).exists():
            return candidate
    return folder
