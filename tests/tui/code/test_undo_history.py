"""The history against the stock one, key by key, and what it keeps in memory."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.document._document import Selection
from textual.document._edit import Edit
from textual.document._history import EditHistory

from tui.code.text_buffer import TextBuffer
from tui.code.undo_history import UndoHistory, _step_bytes


class Pad:
    """What an edit needs of an editor, and a history."""

    def __init__(self, history: EditHistory, text: str = "") -> None:
        self.document = TextBuffer(text)
        self.selection = Selection.cursor(self.document.end)
        self.history = history
        history._get_time = lambda: 0.0  # no step because of a rest

    def record_cursor_width(self) -> None:
        """Nothing is drawn."""

    def replace(self, text: str, start, end, carried: bool = False) -> None:
        edit = Edit(text, start, end, maintain_selection_offset=carried)
        edit.do(self)
        self.history.record(edit)
        edit.after(self)

    def type(self, text: str) -> None:
        self.replace(text, *self.selection)

    def backspace(self) -> None:
        row, column = end = self.selection.end
        if column:
            self.replace("", end, (row, column - 1))
        elif row:
            self.replace("", end, (row - 1, len(self.document[row - 1])))

    def delete(self) -> None:
        row, column = self.selection.end
        if column < len(self.document[row]):
            self.replace("", (row, column), (row, column + 1))

    def move(self, share: float) -> None:
        row = int(share * self.document.line_count)
        self.selection = Selection.cursor((row, int(share * 7) % (len(self.document[row]) + 1)))

    def undo(self) -> None:
        for edit in reversed(self.history._pop_undo() or []):
            edit.undo(self)
            edit.after(self)

    def redo(self) -> None:
        for edit in self.history._pop_redo() or []:
            edit.do(self, record_selection=False)
            edit.after(self)


KEYS = st.one_of(
    st.tuples(st.just("type"), st.sampled_from(["a", "é", "b", "\n", "word", ""])),
    st.tuples(st.sampled_from(["backspace", "delete", "undo", "redo", "backspace", "undo"])),
    st.tuples(st.just("move"), st.floats(0, 0.99)),
    st.tuples(st.just("carry"), st.sampled_from(["x", "\n", ""])),
)


@given(st.lists(KEYS, max_size=40))
def test_every_undo_and_redo_gives_what_the_stock_history_gives(keys):
    ours, stock = pads = [Pad(UndoHistory()), Pad(EditHistory(1000, 2.0, 100))]
    for name, *arguments in [*keys, *[("undo",)] * 50]:
        for pad in pads:
            if name == "carry":  # as an edit of another file's part does
                pad.replace(*arguments, (0, 0), (0, 0), carried=True)
            else:
                getattr(pad, name)(*arguments)
        assert ours.document.text == stock.document.text
        assert ours.selection == stock.selection
        steps = [*ours.history.undo_stack, *ours.history.redo_stack]
        assert ours.history.bytes_kept == sum(map(_step_bytes, steps))
    assert ours.document.text == ""


@pytest.mark.parametrize("typed", [True, False])
def test_a_key_typed_or_deleted_takes_some_bytes_not_hundreds(typed):
    keys = 3000
    pad = Pad(UndoHistory(), "" if typed else ("x" * 49 + "\n") * (keys // 50))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(keys):
            pad.type("a" if number % 50 else "\n") if typed else pad.backspace()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / keys < 60  # 400 where each is an edit of its own


def test_old_steps_go_once_there_are_too_many_or_they_take_too_much():
    few, small = Pad(UndoHistory(steps=10)), Pad(UndoHistory(most_bytes=100_000))
    for pad in (few, small):
        for _ in range(50):
            pad.type("\n")
            pad.type("z" * 9_000)
    assert len(few.history.undo_stack) == 10
    assert 5 < len(small.history.undo_stack) < 25
    assert small.history.bytes_kept <= 100_000
    small.type("w" * 1_000_000)
    assert len(small.history.undo_stack) == 1
    small.undo()
    assert small.document.text.endswith("z" * 9_000)


def test_what_the_history_says_it_takes_is_about_what_it_takes():
    pad = Pad(UndoHistory())
    tracemalloc.start()
    try:
        for number in range(400):
            pad.move(number / 400)
            pad.type("x")
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert pad.history.bytes_kept == pytest.approx(taken, rel=0.3)


def test_an_edit_that_changes_nothing_keeps_what_can_be_redone():
    pad = Pad(UndoHistory())
    pad.type("a")
    pad.undo()
    pad.type("")
    pad.redo()
    assert pad.document.text == "a"
    pad.history.clear()
    assert pad.history.bytes_kept == 0
