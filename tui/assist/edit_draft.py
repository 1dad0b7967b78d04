"""EditDraft: one edit of a file, from its instruction to what becomes of each of its hunks.

A state without a screen and without an engine: it makes the requests, follows what is written, and
says which text comes out.  Nothing outside the lines can change, because it gives no other lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from engine.protocol.editing import Edit, EditRequest, EditTurn
from tui.assist.edit_diff import DiffRow, Hunk, Verdict, diff_rows, hunks_of, joined

__all__ = ["EditDraft", "Phase"]

Phase = Literal["asking", "writing", "deciding", "refused"]
"""Waiting for an instruction, for the model, for the person; or there is nothing to decide."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a person had to decide about before they steered."""

    edit: Edit | None
    after: Sequence[str]
    verdicts: list[Verdict]


class EditDraft:
    """One edit of some lines.

    Args:
        base: The file, its text and the range; without an instruction.
        shown: What the model is asked about instead, as without the comment that asks for the
            edit.  What it writes takes the place of the range of ``base``.
    """

    def __init__(self, base: EditRequest, shown: EditRequest | None = None) -> None:
        self.path, self.text = base.path, base.text
        """The file, as the model reads it, and the text that the edit is about."""
        self.first, self.last = base.first, base.last
        """The range of lines, from 1."""
        self._shown = shown or base
        self.before: Sequence[str] = base.text.split("\n")[base.first - 1 : base.last]
        """The lines as they are."""
        self.phase: Phase = "asking"
        self.problem = ""
        """Why there is nothing to decide, for a person; or, where what was offered before still is,
        why the last instruction gave nothing."""
        self.edit: Edit | None = None
        """What came of the last instruction, once it is written."""
        self.verdicts: list[Verdict] = []
        """One for each hunk."""
        self._turns: tuple[EditTurn, ...] = ()
        self._instruction = ""
        self._after: Sequence[str] = ()
        self._hunks: list[Hunk] = []
        self._offered: _Offer | None = None

    @property
    def written_lines(self) -> int:
        """How many lines have been written."""
        return len(self._after)

    # ── the model ───────────────────────────────────────────────────────────────────────────

    def ask(self, instruction: str) -> EditRequest:
        """Return the request for an instruction; a later one steers what came of those before."""
        if self._instruction and self._after:
            turn = EditTurn(self._instruction, "\n".join(self._after))
            self._turns = (*self._turns, turn)
        if self.phase == "deciding":
            self._offered = _Offer(self.edit, self._after, self.verdicts)
        self._instruction = instruction
        self.phase, self.problem, self.edit = "writing", "", None
        self._take("", whole=False)
        return replace(self._shown, instruction=instruction, earlier=self._turns)

    def write(self, text: str) -> None:
        """Take all that was written so far."""
        if self.phase == "writing":
            self._take(text, whole=False)

    def finish(self, edit: Edit) -> None:
        """Take the whole answer and what speaks against it."""
        if self.phase != "writing":
            return
        self.edit = edit
        self._take(edit.text, whole=True)
        if edit.refused is not None:
            self.fail(edit.refused)
        elif not self._hunks:
            self.fail("the model would change nothing; say more exactly what should change")
        else:
            self.phase = "deciding"
            self._offered = None

    def offer(self, text: str) -> None:
        """Take lines that were written elsewhere, as a block of code in an answer."""
        self._take(text, whole=True)
        if self._hunks:
            self.phase = "deciding"
        else:
            self.fail("the file says that already")

    def fail(self, reason: str) -> None:
        """Note that an instruction gave nothing, and why; what was offered before it stays."""
        self.problem = reason
        if self._offered is None:
            self.phase = "refused"
            self._hunks, self.verdicts = [], []
        else:
            offered, self._offered = self._offered, None
            self.phase, self.edit = "deciding", offered.edit
            self._after = offered.after
            self._hunks = hunks_of(self.before, self._after, whole=True)
            self.verdicts = offered.verdicts

    def _take(self, text: str, *, whole: bool) -> None:
        self._after = text.split("\n") if text or whole else ()
        self._hunks = hunks_of(self.before, self._after, whole=whole) if self._after else []
        self.verdicts = ["open"] * len(self._hunks)

    # ── the person ──────────────────────────────────────────────────────────────────────────

    def decide(self, hunk: int, verdict: Verdict) -> None:
        """Accept or reject a hunk, or take that back."""
        if self.phase == "deciding":
            self.verdicts[hunk] = verdict

    def decide_rest(self, verdict: Verdict) -> None:
        """Accept or reject all hunks that are open."""
        if self.phase == "deciding":
            self.verdicts = [verdict if each == "open" else each for each in self.verdicts]

    @property
    def decided(self) -> bool:
        """Whether nothing is open."""
        return self.phase == "deciding" and "open" not in self.verdicts

    @property
    def result(self) -> list[str]:
        """The lines of the range with what is accepted; the lines as they are without any."""
        return joined(self.before, self._after, self._hunks, self.verdicts)

    def rows(self) -> list[DiffRow]:
        """Return what is drawn in place of the lines."""
        whole = self.phase != "writing"
        after = self._after if self._hunks or not whole else self.before
        return diff_rows(self.before, after, self._hunks, self.verdicts, whole=whole)
