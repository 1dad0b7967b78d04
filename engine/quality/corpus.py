"""Reads the Python files of a directory as repositories.  Knows nothing of questions.

A directory that holds a marker (``.git``, ``pyproject.toml``, ``setup.py``, ``setup.cfg``,
``__init__.py``) is one repository.  In any other directory every folder is a repository, as in a
folder of packages, and the loose files together are one more.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random

from engine.plain_files import read_plain
from engine.repository.secret_files import secret_file

__all__ = ["Corpus", "SourceFile", "is_generated", "read_corpus"]

MAX_FILES = 2000
"""Most files of a directory that are read, drawn evenly from its repositories."""

MAX_BYTES = 1_000_000
"""A larger file is data, or a program wrote it."""

_HEAD_CHARACTERS = 400
_GENERATED = re.compile(
    r"^[ \t]*(#|\"\"\").*("
    r"\b(auto(matically)?[- ]?generated|generated (by|from|with|using))\b|\bdo not edit\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""Note at the top of a generated file.  Nobody types such a file, and its tables are copies."""

_MARKERS = (".git", "pyproject.toml", "setup.py", "setup.cfg", "__init__.py")
_NO_FOLDERS = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a repository."""

    root: Path
    """The repository's folder."""
    path: str
    """Relative to the root, with ``/``."""
    text: str = field(repr=False)
    r"""Lines end with ``\n``."""

    @property
    def name(self) -> tuple[str, str]:
        """Identifies the file among all others."""
        return str(self.root), self.path


@dataclass(frozen=True, slots=True)
class Corpus:
    """The files from which questions are drawn."""

    files: tuple[SourceFile, ...]
    skipped: dict[str, int]
    """Number of unusable files, by reason."""

    @property
    def repositories(self) -> tuple[Path, ...]:
        """The roots of the files, in order."""
        return tuple(dict.fromkeys(file.root for file in self.files))


def is_generated(text: str) -> bool:
    """Return whether a file's head says that a program wrote it."""
    return _GENERATED.search(text[:_HEAD_CHARACTERS]) is not None


def read_corpus(data: Path, seed: int, secret_patterns: Sequence[str] = ()) -> Corpus:
    """Read the Python files below ``data``, in a stable order.

    Args:
        data: A directory.
        seed: Selects the files of a large directory.
        secret_patterns: More patterns of private files.

    Raises:
        OSError: The directory itself cannot be listed.
    """
    skipped: Counter[str] = Counter()
    texts: set[str] = set()
    files = []
    for root, path in _chosen(data, seed):
        if secret_file(root / path, secret_patterns) is not None:
            skipped["private"] += 1
            continue
        text = _read(root / path, skipped)
        if text is None:
            continue
        if is_generated(text):
            skipped["generated"] += 1
            continue
        if text in texts:
            skipped["duplicate"] += 1
            continue
        texts.add(text)
        files.append(SourceFile(root, path, text))
    return Corpus(tuple(files), dict(sorted(skipped.items())))


def _chosen(data: Path, seed: int) -> list[tuple[Path, str]]:
    """Return the (root, path) of each file to read, in order."""
    groups: list[list[tuple[Path, str]]] = []
    for root, paths in _repositories(data):
        found = [(root, path) for path in paths]
        Random(f"{seed}/{root.name}").shuffle(found)
        groups.append(found)
    # One file of each repository in turn, so that a large one does not crowd out the small.
    in_turn = [each for turn in zip_longest(*groups) for each in turn if each is not None]
    return sorted(in_turn[:MAX_FILES])


def _repositories(data: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield (root, paths of its Python files) for each repository."""
    if any((data / marker).exists() for marker in _MARKERS):
        yield data, list(_python_files(data))
        return
    loose = []
    for entry in sorted(os.scandir(data), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            if _is_searched(data, entry.name):
                yield data / entry.name, list(_python_files(data / entry.name))
        elif entry.name.endswith(".py"):
            loose.append(entry.name)
    if loose:
        yield data, loose


def _python_files(root: Path) -> Iterator[str]:
    """Yield the paths of all Python files below ``root``, with ``/``."""
    waiting = [root]
    while waiting:  # not os.walk: that of Python 3.11 calls itself for each folder in a folder
        folder = waiting.pop()
        files, folders = _entries(folder)
        yield from (
            (folder / name).relative_to(root).as_posix() for name in files if name.endswith(".py")
        )
        waiting += [folder / name for name in reversed(folders) if _is_searched(folder, name)]


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of files and of folders in a folder, in order; none if it is closed."""
    files: list[str] = []
    folders: list[str] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                files.append(entry.name)
            elif not entry.is_symlink():
                folders.append(entry.name)
    return sorted(files), sorted(folders)


def _is_searched(folder: Path, name: str) -> bool:
    """Return whether a folder may hold code of the directory: no cache, no environment."""
    hidden = name.startswith(".") or name in _NO_FOLDERS
    # Path.exists may raise for a folder without permission; os.walk passes over it, too.
    return not hidden and not os.path.exists(folder / name / "pyvenv.cfg")


def _read(path: Path, skipped: Counter[str]) -> str | None:
    """Return a file's text; None, after counting the reason, if it is unusable."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            skipped["no regular file"] += 1  # a link, a pipe
            return None
        if status.st_size > MAX_BYTES:
            skipped["too large"] += 1
            return None
        text = read_plain(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        skipped["not UTF-8"] += 1
        return None
    except OSError:
        skipped["unreadable"] += 1
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")
