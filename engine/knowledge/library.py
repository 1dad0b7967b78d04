"""Library: the indexed files of one repository, read in the background and kept up to date.

The first index holds the files nearest to the edited one, so it is ready soon; the next holds all
files.  Files that change later get an index of their own, and their old text is hidden.  After
many changes everything is read again.  A completion never waits: it uses what is indexed by then.
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
"""Most text in the first index of a larger repository."""

REFRESH_SECONDS = 10.0
"""Least time between two searches for changed files."""

MAX_CHANGED = 64
"""If more files than this have changed, everything is read again."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Holdings:
    """The indexes of one moment; never changed, only replaced as a whole."""

    views: tuple[IndexView, ...] = ()
    stamps: tuple[tuple[str, int, int], ...] = ()
    """(name, size, time of change) of every file in the views."""
    main: frozenset[tuple[str, int, int]] = frozenset()
    """The stamps of the files in the index of all files; empty before there is one."""


class Library:
    """The files of one repository, indexed.

    Any thread may call `views`, which does not block.

    Args:
        root: The repository's folder.
        tokenizer: The model's.
        suffixes: Endings of the file names that are read.
        private_patterns: More patterns of private files.
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
        """The stamps of all files at the last update, readable or not."""
        self.pinned = False
        """Whether only `read` changes the views."""
        self.left_out: int | None = 0
        """Files that are not read, because there are too many; None if nobody counted them."""

    @property
    def files(self) -> int:
        """Indexed files."""
        return len(self._holdings.stamps)

    @property
    def tokens(self) -> int:
        """Indexed tokens, those of hidden old text included."""
        return sum(view.index.tokens for view in self._holdings.views)

    def views(self, without: str) -> list[IndexView]:
        """Return the views for a completion in the file ``without``.

        They hide the file's own text on disk and every copy of it under another name.
        """
        views = self._holdings.views
        hidden = {without}.union(*(view.index.copies(without) for view in views))
        return [IndexView(view.index, hidden=view.hidden | hidden) for view in views]

    def holds(self, name: str, text: str) -> bool:
        """Return whether the newest text that is indexed of a file has ``text`` in it."""
        sought = text.encode("utf-8", "replace")
        for view in reversed(self._holdings.views):
            if name in view.index.names and name not in view.hidden:
                return sought in view.index.lines.texts[view.index.names[name]]
        return False

    def read(self, near: str = "") -> None:
        """Bring the views up to date now, with the files nearest to ``near``; blocks.

        From then on only this method changes them: a caller who waits for the files wants the
        same answers until the next call.
        """
        with self._lock:
            self.pinned = True
            self._update(near, gradual=False)

    def freshen(self, near: str) -> None:
        """Start an update in the background if it is time for one; does not block."""
        now = monotonic()
        if self.pinned:
            return
        if self._looked is not None and now - self._looked < REFRESH_SECONDS:
            return
        if self._lock.locked():
            return
        self._looked = now
        Thread(target=self._work, args=(near,), name="repository", daemon=True).start()

    def _work(self, near: str) -> None:
        """Update in the calling thread, at the lowest priority."""
        if sys.platform == "linux":  # elsewhere a priority belongs to the whole process
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, get_native_id(), 19)
        with self._lock:
            try:
                self._update(near, gradual=True)
            except Exception:  # nobody joins this thread, so the log must show the failure
                _log.exception("the repository cannot be read; completions go on without it")
            self._looked = monotonic()

    def _update(self, near: str, *, gradual: bool) -> None:
        found = find_files(self.root, self._suffixes, self.private_patterns, near)
        files = found.files
        self.left_out = found.left_out if found.whole else None
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
            _log.info("repository: %d changed files read", len(changed))
        self._looked_at = frozenset(stamps)

    def _read_all(self, files: Sequence[ReadableFile], *, gradual: bool) -> None:
        first = _first_files(files)
        if gradual and len(first) < len(files):
            self._holdings = _Holdings(tuple(self._indexed(first)), tuple(map(_stamp, first)))
        stamps = tuple(map(_stamp, files))
        self._holdings = _Holdings(tuple(self._indexed(files)), stamps, frozenset(stamps))
        _log.info("repository: %d files read, %d tokens", self.files, self.tokens)

    def _indexed(self, files: Sequence[ReadableFile]) -> list[IndexView]:
        """Return an index of the files as a list of one view, empty if no file can be read."""
        texts = [(file.name, text) for file in files if (text := read_text(file)) is not None]
        return [IndexView(TextIndex(self._tokenizer, texts))] if texts else []


def _stamp(file: ReadableFile) -> tuple[str, int, int]:
    return file.name, file.size_bytes, file.changed_ns


def _first_files(files: Sequence[ReadableFile]) -> Sequence[ReadableFile]:
    """Return the leading files that together hold at most `FIRST_BYTES`."""
    total = 0
    for i, file in enumerate(files):
        total += file.size_bytes
        if total > FIRST_BYTES:
            return files[:i]
    return files
