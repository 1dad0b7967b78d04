"""The steps of an editor that can be undone, in a bounded amount of memory.

What is typed or deleted without a break is kept as one edit, and the oldest steps go once all of
them together take too much.  How an edit is done and undone is the stock editor's.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from sys import getsizeof

from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.document._history import EditHistory

__all__ = ["UndoHistory"]

_STEPS = 1_000
_BYTES = 32_000_000
"""Of all steps of one editor.  The newest step is kept whatever it takes."""
_STEP_SECONDS = 2.0
_STEP_CHARACTERS = 100
"""Typing is a new step after so long a rest, and after so many characters."""
_EDIT_BYTES = 400
"""What an edit takes besides its two texts, measured: its locations, selections and result."""


class UndoHistory(EditHistory):
    """Steps that can be undone and redone.

    Args:
        steps: How many are kept.
        most_bytes: What they may take in all, about.
    """

    def __init__(self, steps: int = _STEPS, most_bytes: int = _BYTES) -> None:
        super().__init__(steps, _STEP_SECONDS, _STEP_CHARACTERS)
        self._most_bytes = most_bytes
        # Without a length of its own, which would drop steps that are not counted out.
        self._undo_stack: deque[list[Edit]] = deque()
        self._bytes = 0
        self._grouping = False
        self._group: list[Edit] | None = None

    @contextmanager
    def one_step(self) -> Iterator[None]:
        """Make all edits that are recorded inside one step."""
        self.checkpoint()
        self._grouping, self._group = True, None
        try:
            yield
        finally:
            self._grouping, self._group = False, None
            self.checkpoint()

    @property
    def bytes_kept(self) -> int:
        """About how much memory the steps take."""
        return self._bytes

    def record(self, edit: Edit) -> None:
        """Keep an edit that was just done, as part of the step before or as one of its own."""
        undone = sum(map(_step_bytes, self._redo_stack))
        before = _newest(self._undo_stack)
        super().record(edit)
        if not self._redo_stack:
            self._bytes -= undone
        if _newest(self._undo_stack) is before:
            return  # it changed nothing
        self._bytes += _edit_bytes(edit)
        if self._grouping:
            self._add_to_group()
        else:
            self._join()
        self._forget()

    def clear(self) -> None:
        """Forget every step."""
        super().clear()
        self._bytes = 0

    def _add_to_group(self) -> None:
        """Put the newest step behind the edits of the group, if it is not the group itself."""
        if self._group is None:
            self._group = self._undo_stack[-1]
        elif self._undo_stack[-1] is not self._group:
            self._group += self._undo_stack.pop()

    def _join(self) -> None:
        """Make the newest two edits of the newest step one, if the later one goes on the other."""
        step = self._undo_stack[-1]
        if len(step) > 1 and (both := _joined(step[-2], step[-1])) is not None:
            self._bytes += _edit_bytes(both) - _edit_bytes(step[-2]) - _edit_bytes(step[-1])
            step[-2:] = [both]

    def _forget(self) -> None:
        """Forget the oldest steps beyond the bounds."""
        steps = self._undo_stack
        while len(steps) > 1 and (
            len(steps) > self.max_checkpoints or self._bytes > self._most_bytes
        ):
            self._bytes -= _step_bytes(steps.popleft())


def _newest(steps: deque[list[Edit]]) -> Edit | None:
    return steps[-1][-1] if steps else None


def _step_bytes(step: list[Edit]) -> int:
    return sum(map(_edit_bytes, step))


def _edit_bytes(edit: Edit) -> int:
    return _EDIT_BYTES + getsizeof(edit.text) + getsizeof(_result(edit).replaced_text)


def _result(edit: Edit) -> EditResult:
    """Return what came of an edit that is done."""
    assert edit._edit_result is not None
    return edit._edit_result


def _joined(first: Edit, second: Edit) -> Edit | None:
    """Return one edit that does what two do; None if the second does not go on the first.

    Both insert, one behind the other, or both delete, towards the start.  The cursor must not have
    moved in between, and the selection must not be one that edits carry along.
    """
    before, after = _result(first), _result(second)
    if first.maintain_selection_offset or second.maintain_selection_offset:
        return None
    if first._updated_selection != second._original_selection:
        return None
    if before.replaced_text or after.replaced_text:
        if first.text or second.text or second.bottom != first.top:
            return None
    elif second.top != before.end_location:
        return None
    top, text = min(first.top, second.top), first.text + second.text
    both = Edit(text, top, first.bottom, maintain_selection_offset=False)
    both._original_selection = first._original_selection
    both._updated_selection = second._updated_selection
    both._edit_result = EditResult(after.end_location, after.replaced_text + before.replaced_text)
    return both
