"""Edits by instruction in the app: asks the engine, shows the difference, applies what is accepted.

One edit at a time.  The text changes once, at the end, in one step that can be undone; until then
the editor is covered by the difference and holds what it held.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.widgets.text_area import Selection

from engine.protocol.editing import EditRequest
from engine.protocol.messages import (
    Cancel,
    EngineReady,
    Failed,
    ModelInfo,
    PartialText,
    Rewrite,
    Rewritten,
)
from tui.assist.edit_comments import CommentedEdit
from tui.assist.edit_draft import EditDraft
from tui.assist.edit_instructions import LINE_BREAK, PreparedEdit
from tui.assist.error_place import error_row
from tui.code.statements import statement_lines, wider_lines
from tui.flows.assistant.edit_comment_search import EditComments
from tui.flows.assistant.edit_scope import edited_lines, why_not_edited
from tui.flows.models.able_models import who_follows
from tui.format import request_path
from tui.link.engine_link import EngineLink
from tui.settings import Settings
from tui.widgets.deck import Deck, OpenFile
from tui.widgets.edit_review import EditReview
from tui.widgets.editor import Editor

if TYPE_CHECKING:
    from tui.app_messages import EngineNews

__all__ = ["EditFlow"]

_KEPT = 50
"""Instructions that are remembered until the app ends."""


class EditFlow:
    """The edits of one app.

    Args:
        app: Shows notices.
        deck: The open files.
        link: The connection to the engine.
        settings: Tells which files are private.
        root: The repository's folder.
        run: Runs something in the background.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        link: EngineLink,
        settings: Callable[[], Settings],
        root: Path,
        run: Callable[[Callable[[], Coroutine[None, None, None]]], Any],
    ) -> None:
        self._app = app
        self._deck = deck
        self._link = link
        self._settings = settings
        self._root = root
        self._run = run
        self._model: ModelInfo | None = None
        self._instructions: list[str] = []
        self._file: OpenFile | None = None
        self._draft: EditDraft | None = None
        self._review: EditReview | None = None
        self._request = 0
        self._comments = EditComments()

    # ── begin ───────────────────────────────────────────────────────────────────────────────

    def begin(self, prepared: PreparedEdit | None = None) -> None:
        """Begin an edit at the cursor, ask about more lines, or steer the edit that there is.

        Args:
            prepared: What to ask for; None: the person is asked.
        """
        file = self._deck.current
        problem = why_not_edited(file)
        draft, review = self._draft, self._review
        if draft is not None and review is not None:
            if prepared is None and draft.phase == "asking" and review.line.has_focus:
                self._widen(draft, review)
            else:
                self._ask_for(review, prepared)
        elif problem:
            self._app.notify(problem, severity="warning")
        elif file is not None:
            self._run(partial(self._begin, file, prepared))

    def _widen(self, draft: EditDraft, review: EditReview) -> None:
        """Ask about the statement around the lines; what is written of the instruction stays."""
        file = self._file
        if file is None:
            return
        editor = file.editor
        lines, range_ = editor.document.lines, (draft.first - 1, draft.last - 1)
        first, last = wider_lines(lines, *range_, editor.language_name)
        if (first, last) == range_:
            self._app.notify("these are all lines of the file", timeout=3)
            return
        begun = PreparedEdit("Edit", "", review.line.value, unfinished=True)
        self.end()
        editor.selection = Selection((first, 0), (last, len(lines[last])))
        self._run(partial(self._begin, file, begun))

    def fix(self, error: str) -> None:
        """Begin an edit at the cursor that mends an error.

        Args:
            error: Its traceback or its message.
        """
        self.begin(PreparedEdit("Fix this error", "", f"Fix this error:\n{error.strip()}"))

    def offer_commented(self, editor: Editor, row: int | None = None) -> None:
        """Begin the edit that a comment asks for, unless it was offered before.

        Args:
            editor: Where to look.
            row: The comment's row; None: look for one from the top.
        """
        file = self._deck.current
        if (
            self._review is not None
            or file is None
            or file.editor is not editor
            or why_not_edited(file)
        ):
            return
        found = self._comments.find(editor, row)
        if found is not None:
            self._run(partial(self._begin, file, None, found))

    async def _begin(
        self, file: OpenFile, prepared: PreparedEdit | None, commented: CommentedEdit | None = None
    ) -> None:
        problem = await self._who_cannot()
        if problem:
            self._app.notify(problem, severity="warning", timeout=12)
            return
        if self._review is not None:
            return  # the key came twice
        self._file, self._draft = file, self._draft_of(file, commented)
        self._review = EditReview(file.editor, self._draft, self._instructions)
        await self._deck.cover(self._review)
        if commented is not None:
            self.ask(commented.instruction)
        elif prepared is not None:
            self._ask_for(self._review, prepared)

    def _draft_of(self, file: OpenFile, commented: CommentedEdit | None) -> EditDraft:
        """Return the draft of an edit at the cursor, or of one that a comment asks for."""
        lines = file.editor.document.lines
        if commented is None:
            return EditDraft(self._base(file, lines, *edited_lines(file.editor)))
        return EditDraft(
            self._base(file, lines, commented.first, commented.last),
            self._base(file, commented.lines, commented.shown_first, commented.shown_last),
        )

    def _base(self, file: OpenFile, lines: Sequence[str], first: int, last: int) -> EditRequest:
        """Return a request about the rows ``first`` to ``last``, without an instruction."""
        return EditRequest(
            path=request_path(file.path, self._root),
            text="\n".join(lines),
            first=first + 1,
            last=last + 1,
            instruction="",
            private_patterns=self._settings().privacy.extra_patterns,
            repository=str(self._root),
        )

    def _ask_for(self, review: EditReview, prepared: PreparedEdit | None) -> None:
        """Ask the person for an instruction, or for the rest of one; else give it."""
        if prepared is None:
            review.ask()
        elif prepared.unfinished:
            review.ask(prepared.instruction)
        else:
            self.ask(prepared.instruction)

    def offer(self, first: int, last: int, text: str) -> None:
        """Show lines that were written elsewhere as a change of the visible file's lines.

        Args:
            first: The first line that they replace, from 1.
            last: The last one.
            text: They, without the last line's end.
        """
        file = self._deck.current
        problem = why_not_edited(file)
        if problem:
            self._app.notify(problem, severity="warning")
        elif file is not None:
            self.end()
            self._run(partial(self._offer, file, first, last, text))

    async def _offer(self, file: OpenFile, first: int, last: int, text: str) -> None:
        draft = EditDraft(self._base(file, file.editor.document.lines, first - 1, last - 1))
        draft.offer(text)
        if draft.phase == "refused":
            self._app.notify(draft.problem, severity="warning")
        elif self._review is None:
            self._file, self._draft = file, draft
            self._review = EditReview(file.editor, draft, self._instructions)
            await self._deck.cover(self._review)
            self._review.go_to_first()

    async def _who_cannot(self) -> str:
        """Return why the model that serves makes no edits; empty if it does."""
        if self._model is None or not self._link.connected:
            return "the engine is still starting; ask again in a moment"
        if not self._model.follows_instructions:
            return await asyncio.to_thread(who_follows, self._model.name)
        return ""

    # ── what the person wants ───────────────────────────────────────────────────────────────

    def ask(self, instruction: str) -> None:
        """Ask for an edit, or for another one of what was written so far."""
        draft, review = self._draft, self._review
        if draft is None or review is None:
            return
        if draft.phase == "asking" and self._goes_to_error(instruction):
            return
        if instruction not in self._instructions[-1:]:
            self._instructions.append(instruction)
            del self._instructions[:-_KEPT]
        self._cancel()
        self._request = self._link.next_request()
        request = draft.ask(instruction.replace(LINE_BREAK, "\n"))
        if not self._link.send(Rewrite(self._link.session, self._request, request)):
            self._fail("the engine is not there; ask again in a moment")
        review.close_line()
        review.show()

    def _goes_to_error(self, instruction: str) -> bool:
        """Begin anew where a traceback in the instruction points; return whether it did.

        Not if the person selected what to edit, or the edit is about those lines already.
        """
        file, draft = self._file, self._draft
        if file is None or draft is None or not file.editor.selection.is_empty:
            return False
        editor = file.editor
        lines = editor.document.lines
        row = error_row(instruction, lines, file.path) if file.path is not None else None
        found = None if row is None else statement_lines(lines, row, editor.language_name)
        if row is None or found is None or found == (draft.first - 1, draft.last - 1):
            return False
        self.end()
        editor.move_cursor((row, len(lines[row]) - len(lines[row].lstrip())), center=True)
        self._run(partial(self._begin, file, PreparedEdit("Fix", "", instruction)))
        return True

    def wish(self, event: EditReview.Wished) -> None:
        """Do what a key says."""
        draft, review = self._draft, self._review
        if draft is None or review is None:
            return
        match event.wish:
            case "accept" | "reject" if event.hunk is not None:
                draft.decide(event.hunk, "accepted" if event.wish == "accept" else "rejected")
                review.show()
                review.go_on()
            case "accept rest":
                draft.decide_rest("accepted")
            case "leave" if draft.phase == "deciding":
                draft.decide_rest("rejected")
            case "leave":
                self.end()
        if draft.decided:
            self._apply(draft)
            self.end()

    def look_at(self, file: OpenFile | None) -> None:
        """Follow the person to another file, or a file to another text: no edit outlives that."""
        if self._file is None or self._draft is None:
            return
        if file is not self._file or self._text() != self._draft.text:
            self._app.notify("the edit ended: another text is shown; nothing was changed")
            self.end()

    def end(self) -> None:
        """Stop what is being written and show the editor again."""
        self._cancel()
        review, file = self._review, self._file
        self._draft = self._review = self._file = None
        if review is not None:
            self._deck.uncover(review)
        if file is not None and file is self._deck.current:
            file.editor.focus()

    def _apply(self, draft: EditDraft) -> None:
        """Put what was accepted into the editor, unless its text is another one by now."""
        if self._file is None:
            return
        if self._text() != draft.text:
            self._app.notify(
                "the text changed meanwhile; nothing was changed by the edit", severity="warning"
            )
            return
        self._file.editor.change_lines(draft.first - 1, draft.last - 1, draft.result)
        taken, count = draft.verdicts.count("accepted"), len(draft.verdicts)
        if taken:
            self._app.notify(f"{taken} of {count} changes made; Ctrl+Z takes back", timeout=3)

    def _text(self) -> str:
        return "" if self._file is None else "\n".join(self._file.editor.document.lines)

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def takes(self, event: "EngineNews") -> bool:
        """Take an event of the engine; return whether it concerns nobody else."""
        match event:
            case PartialText(request_id, text) if request_id == self._request:
                if self._draft is not None:
                    self._draft.write(text)
                self._show()
            case Rewritten(request_id, edit) if request_id == self._request:
                self._request = 0
                if self._draft is not None:
                    self._draft.finish(edit)
                self._show(ended=True)
            case Failed(request_id, message) if request_id == self._request:
                self._fail(message)
            case Rewritten():
                pass  # of an edit that is given up
            case _:
                self._note(event)
                return False
        return True

    def _note(self, event: "EngineNews") -> None:
        """Follow which model serves, and the end of the process."""
        from engine import EngineDown  # after the first paint

        match event:
            case EngineReady(session=session, model=model) if session == self._link.session:
                self._model = model
            case EngineDown(reason=reason):
                self._model = None
                if self._request:
                    self._fail(f"{reason}; ask again")

    def _fail(self, reason: str) -> None:
        self._request = 0
        if self._draft is not None:
            self._draft.fail(reason)
        self._show()

    def _show(self, *, ended: bool = False) -> None:
        if self._review is not None:
            self._review.show()
            if ended:
                self._review.go_to_first()

    def _cancel(self) -> None:
        if self._request:
            self._link.send(Cancel(self._request))
        self._request = 0
