"""Random keys, pastes, rests and answers: the text is what a plain model says; nothing breaks.

`SPARK_RANDOM_SEQUENCES=10000 pytest tests/tui/random_keys` tries so many sequences, the suite few.
"""

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rich.cells import cell_len

from tests.tui.random_keys.desk import Desk
from tui.code.indentation import after_enter, leading
from tui.code.text_buffer import TextBuffer

SEQUENCES = int(os.environ.get("SPARK_RANDOM_SEQUENCES", "25"))
SIGNS = "abst1 (=)[]{}:.\"'#,é字"
TYPED = st.sampled_from(SIGNS)
MOVES = st.sampled_from(
    [
        "left",
        "right",
        "up",
        "down",
        "home",
        "end",
        "ctrl+left",
        "ctrl+home",
        "ctrl+end",
        "pageup",
        "pagedown",
        "shift+left",
        "shift+right",
        "shift+up",
        "shift+down",
        "shift+end",
        "alt+m",
        "alt+shift+right",
        "alt+shift+left",
        "alt+l",
        "escape",
        "f7",
        "ctrl+d",
        "alt+ctrl+up",
        "alt+ctrl+down",
    ]
)
EDITS = st.sampled_from(
    [
        "tab",
        "shift+tab",
        "ctrl+right",
        "end",
        "ctrl+z",
        "ctrl+z",
        "ctrl+y",
        "alt+up",
        "alt+down",
        "alt+shift+up",
        "alt+shift+down",
        "alt+k",
        "alt+i",
        "ctrl+x",
        "ctrl+v",
        "ctrl+k",
        "ctrl+u",
        "ctrl+w",
        "ctrl+underscore",
        "delete",
        "alt+delete",
        "backspace",
        "enter",
    ]
)
PASTED = st.text("ab(\n\t字 ", max_size=12)
TEXTS = st.sampled_from(
    ["", "x", "def f(x):\n    return x\n", "a = [\n    1,\n]\n\n\tb\n", "字 = 'é'\n" + "word " * 30]
)
_TRAILING = re.compile(r"[ \t]+(?=\n)")

_desk: Desk | None = None


@pytest.fixture(scope="module", autouse=True)
def desk() -> Iterator[None]:
    global _desk
    _desk = Desk()
    yield
    _desk.close()
    _desk = None


class Keyboard(RuleBasedStateMachine):
    """A person at the editor, an engine that answers when it likes, and a model of the text."""

    @initialize(text=TEXTS, path=st.sampled_from(["a.py", "a.txt"]), pairs=st.booleans())
    def begin(self, text: str, path: str, pairs: bool) -> None:
        assert _desk is not None
        self.desk, self.editor = _desk, _desk.editor
        self.desk.begin(text, path, pairs=pairs)
        self.start = text
        self.wanted: str | None = text

    # ── the model ───────────────────────────────────────────────────────────────────────────

    def replaced(self, new: str) -> str | None:
        """Return the text with the selection replaced; None where there are several cursors."""
        if self.editor.many_cursors:
            return None
        before, after = self.sides()
        return before + new + after

    def sides(self) -> tuple[str, str]:
        lines = self.editor.text.split("\n")
        (top, left), (bottom, right) = sorted(self.editor.selection)
        before = "\n".join([*lines[:top], lines[top][:left]])
        return before, "\n".join([lines[bottom][right:], *lines[bottom + 1 :]])

    def plain(self, sign: str) -> bool:
        """Return whether a sign does nothing but stand where it is typed."""
        return sign.isalnum() or sign in " =.#," or (sign in "([{\"'" and not self.editor.pairs)

    # ── what happens ────────────────────────────────────────────────────────────────────────

    @rule(sign=TYPED)
    def type_sign(self, sign: str) -> None:
        self.wanted = self.replaced(sign) if self.plain(sign) else None
        self.desk.press(sign)

    @rule(word=st.text("abst(", min_size=2, max_size=6))
    def type_word(self, word: str) -> None:
        for sign in word:
            self.type_sign(sign)
            self.text_is_that_of_the_model()

    @rule()
    def type_the_ghost(self) -> None:
        """Type what is suggested, as people do who do not look."""
        for sign in self.editor.ghost[:3]:
            if sign in SIGNS or sign.isalnum():
                self.wanted = self.replaced(sign)
                self.desk.press(sign)
                self.text_is_that_of_the_model()

    @rule()
    def press_enter(self) -> None:
        before, after = self.sides()
        left = before.rpartition("\n")[2]
        deeper = after_enter(left, self.editor.indentation)
        simple = self.editor.selection.is_empty and left.strip() and left.strip()[-1] not in "([{"
        self.wanted = None
        if simple and self.editor.language_name == "python":
            self.wanted = self.replaced("\n" + deeper)
            if self.wanted is not None:
                self.wanted = f"{before}\n{deeper}{after[len(leading(after)) :]}"
        self.desk.press("enter")

    @rule(text=PASTED)
    def paste(self, text: str) -> None:
        self.wanted = self.replaced(text)
        self.desk.paste(text)

    @rule(key=MOVES)
    def move(self, key: str) -> None:
        takes = key in ("end", "ctrl+right") and self.editor.ghost
        self.wanted = None if takes else self.editor.text
        self.desk.press(key)

    @rule(key=EDITS)
    def edit(self, key: str) -> None:
        self.wanted = None
        accepted = self.editor.ghost
        before, after = self.sides()
        self.desk.press(key)
        if accepted and key == "tab" and self.editor.text == before + accepted + after:
            assert self.editor.ghost == "" or self.editor.ghost not in accepted

    @rule()
    def rest(self) -> None:
        self.wanted = self.editor.text
        self.desk.rest()

    @rule()
    def ask(self) -> None:
        self.wanted = self.editor.text
        self.desk.ask()

    @rule(
        back=st.integers(0, 3),
        how=st.sampled_from(["whole", "whole", "piece", "failed"]),
        length=st.integers(1, 30),
    )
    def answer(self, back: int, how: str, length: int) -> None:
        """Answer the newest request or an older one: early, late, twice, in pieces."""
        self.wanted = self.editor.text
        numbers = sorted(self.desk.engine.asked)
        if back < len(numbers):
            self.desk.answer(numbers[-1 - back], how, length)

    @rule(number=st.integers(900, 999))
    def answer_what_nobody_asked(self, number: int) -> None:
        self.wanted = self.editor.text
        self.desk.answer(number, "whole")

    @rule()
    def wrap(self) -> None:
        self.wanted = self.editor.text
        self.desk.wrap()

    # ── what holds ──────────────────────────────────────────────────────────────────────────

    @invariant()
    def text_is_that_of_the_model(self) -> None:
        if self.wanted is not None:
            assert self.editor.text == self.wanted

    @invariant()
    def the_buffer_is_that_of_a_new_file(self) -> None:
        buffer, fresh = self.editor.document, TextBuffer(self.editor.text)
        assert isinstance(buffer, TextBuffer)
        assert (buffer.widths, buffer._byte_lengths) == (fresh.widths, fresh._byte_lengths)
        rows = self.editor._rows
        assert rows.height == sum(len(rows.get_offsets(n)) + 1 for n in range(buffer.line_count))
        for row, column in self.editor.selection:
            assert 0 <= column <= len(buffer[row])

    @invariant()
    def every_row_has_the_width_of_the_view(self) -> None:
        for y in range(self.editor.size.height):
            strip = self.editor.render_line(y)
            assert cell_len(strip.text) == strip.cell_length == self.editor.size.width

    @invariant()
    def the_screen_shows_what_a_whole_paint_would(self) -> None:
        assert self.desk.painted.shown(self.editor) == self.desk.painted.whole(self.editor)

    @invariant()
    def a_ghost_stands_where_it_was_made_for(self) -> None:
        ghost = self.editor.ghost
        if not ghost:
            return
        assert self.editor.selection.is_empty
        assert not self.editor.many_cursors
        before, after = self.sides()
        engine = self.desk.engine
        shown = _TRAILING.sub("", before + ghost)
        assert any(
            asked.request.suffix == after
            and _TRAILING.sub("", asked.request.prefix + engine.answer(number)).startswith(shown)
            for number, asked in engine.asked.items()
        ), (before, ghost, after)

    def teardown(self) -> None:
        if not hasattr(self, "desk"):
            return
        last, steps = self.editor.text, 0
        while self.editor.history.undo_stack:
            self.desk.press("ctrl+z")
            steps += 1
        assert self.editor.text == self.start
        for _ in range(steps):
            self.desk.press("ctrl+y")
        assert self.editor.text == last


class TestRandomKeys(Keyboard.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(
        max_examples=SEQUENCES,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=SEQUENCES <= 25,
    )
