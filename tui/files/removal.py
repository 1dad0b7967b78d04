"""Moves, trashes and deletes files and folders; never over another one.

Knows neither the editor nor Textual, and asks nothing.  Its functions block.
"""

import os
import shutil
from pathlib import Path

__all__ = ["delete", "files_below", "move", "trash"]

_MOST_COUNTED = 10_000


def move(old: Path, new: Path) -> None:
    """Give a file, link or folder another path; make the folders on the way.

    Raises:
        OSError: Something is at ``new`` already, or the system refuses.
    """
    if os.path.lexists(new):
        raise FileExistsError(17, "that exists already", str(new))
    new.parent.mkdir(parents=True, exist_ok=True)
    os.rename(old, new)


def trash(path: Path) -> None:
    """Move something to the person's trash.

    Raises:
        OSError: There is no trash for its place, or the system refuses; it is where it was.
    """
    from send2trash import send2trash  # rarely needed

    send2trash(path)


def delete(path: Path) -> None:
    """Delete a file, a link (not what it leads to), or a folder with all that is in it.

    Raises:
        OSError: The system refuses; of a folder a part may be gone.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def files_below(folder: Path) -> int:
    """Return how many files and links are in a folder and those in it, up to 10,000."""
    count = 0
    for _, _, files in os.walk(folder):
        count += len(files)
        if count >= _MOST_COUNTED:
            return _MOST_COUNTED
    return count
