"""Follows what git knows: the branch, marks of changes in tree and margin, the diff of a file.

Git is asked in a thread, now and then and after a save; a repository in which it takes too long is
not asked again for a while (`engine.repository.git`).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path

from textual.app import App
from textual.timer import Timer

from engine.repository.git_state import FileChange, GitState, committed_bytes, git_state
from engine.repository.ignore import IgnoreRules
from tui.code.line_changes import change_marks, change_rows, changes_of
from tui.code.line_marks import MarkLayer
from tui.flows.code.jumps import Jumps
from tui.screens.changes import ChangesScreen
from tui.search.in_files import text_of
from tui.widgets.deck import Deck, OpenFile

__all__ = ["GitFlow"]

_log = logging.getLogger(__name__)

_REST_SECONDS = 0.5
"""The margin follows an edit after so long a rest."""
_LFS = b"version https://git-lfs"
"""How a file begins that stands for a large one kept elsewhere: no text to compare with."""

_Run = Callable[[Callable[[], Coroutine[None, None, None]]], object]


class GitFlow:
    """What git knows, in one app.

    Args:
        app: Shows the diff and notices.
        deck: The open files.
        rules: The repository.
        jumps: Shows places.
        run: Runs a coroutine in the background; a new one takes the place of the one before.
        show_branch: Shows the branch, and how many files differ.
        mark_tree: Marks files in the tree.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        rules: IgnoreRules,
        jumps: Jumps,
        *,
        run: _Run,
        show_branch: Callable[[str], None],
        mark_tree: Callable[[Mapping[Path, FileChange]], None],
    ) -> None:
        self._app = app
        self._deck = deck
        self._rules = rules
        self._jumps = jumps
        self._run = run
        self._show_branch = show_branch
        self._mark_tree = mark_tree
        self._state: GitState | None = None
        self._committed: dict[tuple[Path, str], Sequence[str] | None] = {}
        self._timer: Timer | None = None

    # ── the repository ──────────────────────────────────────────────────────────────────────

    async def poll(self) -> None:
        """Ask git again; show what changed."""
        try:
            state = await asyncio.to_thread(git_state, self._rules.root)
        except TimeoutError as error:
            _log.info("%s: no branch and no marks", error)
            state = None
        if state == self._state:
            return
        self._state = state
        changes = {} if state is None else state.changes
        count = f" ±{len(changes):,}" if changes else ""
        self._show_branch("" if state is None else f"{state.branch}{count}")
        root = self._rules.root
        self._mark_tree({root / name: change for name, change in changes.items()})
        self.look_soon()

    # ── the visible file ────────────────────────────────────────────────────────────────────

    def look_soon(self) -> None:
        """Mark the changes of the visible file after a rest."""
        if self._state is not None:
            if self._timer is not None:
                self._timer.stop()
            self._timer = self._app.set_timer(_REST_SECONDS, lambda: self._run(self._look))

    async def _look(self) -> None:
        file = self._deck.current
        if file is None:
            return
        old, lines = await self._last(file), list(file.editor.document.lines)
        if old is None:
            file.editor.show_marks("git", MarkLayer())
            return
        found = await asyncio.to_thread(changes_of, old, lines)
        if file.editor.document.lines == lines:
            file.editor.show_marks("git", change_marks(found, len(lines)))

    async def show_changes(self) -> None:
        """Show how the visible file differs from the last commit."""
        file = self._deck.current
        if file is None:
            return
        if self._state is None:
            await self.poll()
        old = await self._last(file)
        if old is None:
            self._app.notify("this file is in no commit yet: there is nothing to compare with")
            return
        lines = list(file.editor.document.lines)
        rows = change_rows(old, lines, await asyncio.to_thread(changes_of, old, lines))
        if not rows:
            self._app.notify("this file is as in the last commit", timeout=3)
            return
        title = f"{file.path.name} against the last commit"
        row = await self._app.push_screen_wait(ChangesScreen(title, rows))
        if row is not None:
            await self._jumps.go(file.path, (row, 0))

    async def _last(self, file: OpenFile) -> Sequence[str] | None:
        """Return the lines of a file in the last commit; None if it is not there."""
        state, root = self._state, self._rules.root
        if state is None or not state.commit or not file.real.is_relative_to(root):
            return None
        key = file.real, state.commit
        if key not in self._committed:
            name = file.real.relative_to(root).as_posix()
            try:
                data = await asyncio.to_thread(committed_bytes, root, name)
            except TimeoutError:
                return None
            binary = data is None or b"\0" in data or data.startswith(_LFS)
            self._committed[key] = None if binary or data is None else text_of(data).split("\n")
        return self._committed[key]
