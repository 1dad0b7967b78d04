"""Lists the files of a repository that git does not ignore, those nearest to a place first.

A list has limits, so that a home folder cannot take minutes; what they leave out is the farthest,
and the list says how much that is.  Reads no file.
"""

import os
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import eq
from pathlib import Path
from time import monotonic

from engine.repository.ignore import IgnoreRules

__all__ = ["MAX_FILES", "Listing", "list_files"]

MAX_FILES = 50_000
"""Most files in a list."""
MAX_WALKED = 1_000_000
"""Most entries of folders that are looked at where git does not list them."""
WALK_SECONDS = 10.0
"""Longest time for that."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files that were found."""

    names: list[str]
    """Relative to the repository, with ``/``; the nearest first."""
    left_out: int = 0
    """Files that were found and are one too many."""
    whole: bool = True
    """Whether every folder was looked at."""


def list_files(
    rules: IgnoreRules,
    *,
    near: str = "",
    suffixes: Collection[str] | None = None,
    first: Collection[str] = (),
    limit: int = MAX_FILES,
) -> Listing:
    """Return the files that are not ignored, the nearest first, else in the order of folders.

    Args:
        rules: The repository.
        near: Name of a file, relative to the repository.  If empty, the order is that of the
            folders, and those at the top are kept should there be too many.
        suffixes: Endings of the names that are meant, as ``".py"``; None means all.
        first: Endings of the names that come first in their folder, and before all others should
            there be too many.
        limit: At most this many files.
    """
    near = "" if ".." in near.split("/") else near
    walk = _Walk(rules, near)
    by_git = rules.list_by_git(rules.root)
    found = list(walk) if by_git is None else by_git
    if suffixes is not None:
        found = [name for name in found if os.path.splitext(name)[1] in suffixes]
    distances = _Distances(near)

    def later(name: str) -> bool:
        return os.path.splitext(name)[1] not in first

    if len(found) > limit:
        found.sort(key=lambda name: (later(name), distances.of(name)))
    kept = sorted(
        found[:limit],
        key=lambda name: (distances.of(name) if near else 0, later(name), _place(name)),
    )
    return Listing(kept, len(found) - len(kept), whole=by_git is not None or walk.whole)


def _place(name: str) -> tuple[tuple[bool, str], ...]:
    """Return what sorts a folder's files before what is in its folders."""
    *folders, file = name.split("/")
    return (*((True, folder) for folder in folders), (False, file))


class _Distances:
    """Measures how far the folders of files are from that of one file, each folder once."""

    def __init__(self, near: str) -> None:
        self._near = near.split("/")[:-1]
        self._known: dict[str, int] = {}

    def of(self, name: str) -> int:
        """Return the number of steps between the folders of the two files."""
        folder = name.rpartition("/")[0]
        known = self._known.get(folder)
        if known is None:
            there = folder.split("/") if folder else []
            shared = sum(accumulate(map(eq, self._near, there), min))
            known = self._known[folder] = len(self._near) + len(there) - 2 * shared
        return known


class _Walk:
    """Looks at folder after folder, the nearest first, without git.

    Attributes:
        whole: Whether no limit stopped it.
    """

    def __init__(self, rules: IgnoreRules, near: str) -> None:
        self._rules = rules
        self._start = rules.root.joinpath(*near.split("/")[:-1])
        self.whole = True

    def __iter__(self) -> Iterator[str]:
        """Yield the names of files."""
        start = self._first_folder()
        waiting = deque([start])
        seen = {start}
        walked, deadline = 0, monotonic() + WALK_SECONDS
        while waiting:
            folder = waiting.popleft()
            files, around = self._entries(folder)
            if folder != self._rules.root:
                around.append(folder.parent)
            walked += len(files) + len(around)
            place = folder.relative_to(self._rules.root).as_posix()
            yield from files if place == "." else (f"{place}/{name}" for name in files)
            if walked > MAX_WALKED or monotonic() > deadline:
                self.whole = False
                return
            waiting.extend(each for each in around if each not in seen)
            seen.update(around)

    def _first_folder(self) -> Path:
        """Return the nearest folder that is there and not ignored; a repository's is its top."""
        root, folder = self._rules.root, self._start
        while folder != root and (not folder.is_dir() or self._rules.ignored(folder)):
            folder = folder.parent
        top = self._rules.top_of(folder)
        return folder if top is None or not top.is_relative_to(root) else top

    def _entries(self, folder: Path) -> tuple[list[str], list[Path]]:
        """Return the names of the files and the folders in a folder, without what is ignored.

        Of a repository that git lists these are all its files, and no folders.
        """
        if folder != self._rules.root and folder == self._rules.top_of(folder):
            by_git = self._rules.list_by_git(folder)
            if by_git is not None:
                return by_git, []
        try:
            with os.scandir(folder) as entries:
                kinds = {each.name: _kind(each) for each in entries}
        except OSError:  # without permission, gone, or deeper than a path may be long
            return [], []
        shown = self._rules.shown(folder, sorted(kinds))
        files = [name for name in shown if kinds[name] == "file"]
        return files, [folder / name for name in shown if kinds[name] == "folder"]


def _kind(entry: "os.DirEntry[str]") -> str:
    """Return ``"file"`` or ``"folder"``, or nothing for a link to a folder: it is not followed."""
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "" if entry.is_symlink() and entry.is_dir() else "file"
