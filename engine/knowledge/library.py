"""Library: a repository's files as shelves, read in the background and kept up to date.

A first shelf holds the files nearest to the one being edited and is ready soon; then one holds
all.  Files that change later get a shelf of their own, and their old text is passed over, until
there are so many that everything is read again.  Completing never waits: it takes what there is.
"""

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread, get_native_id
from time import monotonic

from engine.knowledge.text_index import IndexView, TextIndex
from engine.repository.readable_files import ReadableFile, find_files, read_text
from engine.tokenizer import Tokenizer

__all__ = ["Library"]

FIRST_BYTES = 600_000
"""Text on the first shelf, where there is much more."""

REFRESH_SECONDS = 10.0
"""Least time between two looks for changed files."""

MAX_CHANGED = 64
"""More changed files than this: everything is read again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Holdings:
    """What is on the shelves; replaced as a whole."""

    views: tuple[IndexView, ...] = ()
    stamps: tuple[tuple[str, int, int], ...] = ()
    """(name, size, time of change) of every file that was read for it."""
    main: frozenset[tuple[str, int, int]] = frozenset()
    """The stamps on the shelf that holds all."""


class Library:
    """The files of one repository.

    Any thread may ask for `views`; it does not block.

    Args:
        root: The repository's folder.
        tokenizer: The model's.
        suffixes: Endings of the names of files that count.
        private_patterns: More patterns of secret files.
    """

    def __init__(
        self,
        root: Path,
        tokenizer: Tokenizer,
        suffixes: Sequence[str],
        private_patterns: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.private_patterns = tuple(private_patterns)
        self._tokenizer = tokenizer
        self._suffixes = tuple(suffixes)
        self._holdings = _Holdings()
        self._lock = Lock()
        self._looked: float | None = None
        self._looked_at: frozenset[tuple[str, int, int]] | None = None
        """The stamps of all files when they were last read, also where none could be."""
        self._pinned = False

    @property
    def files(self) -> int:
        """Files on the shelves."""
        return len(self._holdings.stamps)

    @property
    def tokens(self) -> int:
        """Tokens on the shelves, replaced text included."""
        return sum(view.index.tokens for view in self._holdings.views)

    def views(self, without: str) -> list[IndexView]:
        """Return the shelves as a completion in the file ``without`` uses them.

        Neither its text on disk is used nor copies of that under other names.
        """
        views = self._holdings.views
        hidden = {without}.union(*(view.index.copies(without) for view in views))
        return [IndexView(view.index, hidden=view.hidden | hidden) for view in views]

    def read(self) -> None:
        """Bring the shelves up to date now; blocks.

        They then stay as they are until the next call: who waits for a reading wants the same
        answers from now on, whenever it asks.
        """
        with self._lock:
            self._pinned = True
            self._update("", gradual=False)

    def freshen(self, near: str) -> None:
        """See to it that the shelves are brought up to date in the background, if it is time."""
        now = monotonic()
        if self._pinned:
            return
        if self._looked is not None and now - self._looked < REFRESH_SECONDS:
            return
        if self._lock.locked():
            return
        self._looked = now
        Thread(target=self._work, args=(near,), name="repository", daemon=True).start()

    def _work(self, near: str) -> None:
        """Update in a thread of the lowest priority."""
        if sys.platform == "linux":  # elsewhere priorities belong to processes
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, get_native_id(), 19)
        with self._lock:
            try:
                self._update(near, gradual=True)
            except Exception:  # nobody waits for this thread: the log is where it can be seen
                _log.exception("reading the repository failed; completing goes on without it")
            self._looked = monotonic()

    def _update(self, near: str, *, gradual: bool) -> None:
        files = find_files(self.root, self._suffixes, self.private_patterns, near)
        stamps = {_stamp(file): file for file in files}
        before = self._holdings
        if self._looked_at == stamps.keys():
            return
        changed = [file for stamp, file in stamps.items() if stamp not in before.main]
        if not before.views or not before.main or len(changed) > MAX_CHANGED:
            self._read_all(files, gradual=gradual and not before.main)
        else:
            old = frozenset(stamp[0] for stamp in before.main if stamp not in stamps)
            views = [IndexView(before.views[0].index, hidden=old), *self._indexed(changed)]
            self._holdings = _Holdings(tuple(views), tuple(stamps), before.main)
            _log.info("repository: %d files changed", len(changed))
        self._looked_at = frozenset(stamps)

    def _read_all(self, files: Sequence[ReadableFile], *, gradual: bool) -> None:
        first = _first_files(files)
        if gradual and len(first) < len(files):
            self._holdings = _Holdings(tuple(self._indexed(first)), tuple(map(_stamp, first)))
        stamps = tuple(map(_stamp, files))
        self._holdings = _Holdings(tuple(self._indexed(files)), stamps, frozenset(stamps))
        _log.info("repository: %d files, %d tokens", self.files, self.tokens)

    def _indexed(self, files: Sequence[ReadableFile]) -> list[IndexView]:
        """Return a shelf of the files; none where no file can be read."""
        texts = [(file.name, text) for file in files if (text := read_text(file)) is not None]
        return [IndexView(TextIndex(self._tokenizer, texts))] if texts else []


def _stamp(file: ReadableFile) -> tuple[str, int, int]:
    return file.name, file.size_bytes, file.changed_ns


def _first_files(files: Sequence[ReadableFile]) -> Sequence[ReadableFile]:
    """Return the files for the first shelf."""
    total = 0
    for i, file in enumerate(files):
        total += file.size_bytes
        if total > FIRST_BYTES:
            return files[:i]
    return files
