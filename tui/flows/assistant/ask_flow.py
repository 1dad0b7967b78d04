"""Questions about the code in the app: asks the engine, shows the answer, keeps the conversation.

One question at a time.  Nothing of an answer reaches a file unless a key says so.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from engine.protocol.messages import (
    Answered,
    AnswerReading,
    Ask,
    Cancel,
    EngineReady,
    Failed,
    ModelInfo,
    PartialText,
)
from tui.assist.ask_place import asked_from, selected_lines
from tui.assist.conversation import AskedFrom, AskedTurn, Conversation, request_of
from tui.files.transcripts import KeptTurn, Transcript
from tui.flows.assistant.ask_code import AskCode
from tui.flows.assistant.edit_scope import edited_lines
from tui.flows.models.able_models import who_follows
from tui.format import request_path
from tui.link.engine_link import EngineLink
from tui.settings import Settings
from tui.user_folders import conversations_dir
from tui.visuals.ask_text import finish_text, shown_cost
from tui.widgets.ask_pane import AskPane
from tui.widgets.deck import Deck

if TYPE_CHECKING:
    from tui.app_messages import EngineNews
    from tui.widgets.ask_answer import AnswerCode

__all__ = ["AskFlow"]

_SHOW_SECONDS = 0.08
"""Least time between two pictures of an answer that grows."""

Flow = Callable[[], Coroutine[None, None, None]]


class AskFlow:
    """The questions of one app.

    Args:
        app: Shows notices and sets timers.
        deck: The open files.
        pane: Shows the conversation; None where there is no such pane.
        link: The connection to the engine.
        settings: Returns the settings that hold now.
        root: The repository's folder.
        run: Runs something in the background.
        show_pane: Shows a pane and gives it the keyboard.
        leave: Gives the keyboard back to the editor.
        offer: Shows lines as a change of the lines from the first to the last, from 1.
        private_known: Whether all private patterns could be read; if not, no file is shown to a
            model.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        pane: AskPane | None,
        *,
        link: EngineLink,
        settings: Callable[[], Settings],
        root: Path,
        run: Callable[[Flow], Any],
        show_pane: Callable[[str], None],
        leave: Callable[[], None],
        offer: Callable[[int, int, str], None],
        private_known: bool = True,
    ) -> None:
        self._app = app
        self._deck = deck
        self._pane = pane
        self._link = link
        self._settings = settings
        self._root = root
        self._transcript = Transcript(conversations_dir(), root)
        self._run = run
        self._show_pane = show_pane
        self._leave = leave
        self._code = AskCode(app, deck, lambda file: request_path(file.path, root), offer)
        self._private_known = private_known
        self._model: ModelInfo | None = None
        self._conversation: Conversation | None = None
        self._keys: dict[AskedTurn, tuple[str, float]] = {}
        self._timed = False
        self._told = False
        self._writing = asyncio.Lock()

    # ── what the person wants ───────────────────────────────────────────────────────────────

    def open(self) -> None:
        """Show the conversation and go to the line for a question; from there, back."""
        if self._pane is None:
            self._app.notify("there is no pane for a conversation", severity="warning")
            return
        if self._pane.has_focus_within and self._pane.is_on_screen:
            self._leave()
            return
        self._show_pane(AskPane.NAME)
        if self._conversation is None:
            self._run(self._show_kept)

    def ask(self, question: str, *, statement: bool = False) -> None:
        """Ask a question about the selection, or about where the cursor is; shows the pane.

        Args:
            question: In a person's words.
            statement: Whether the statement at the cursor counts as selected where nothing is.
        """
        self._show_pane(AskPane.NAME)
        self._run(partial(self._ask, question, self._place(statement=statement)))

    def wish(self, event: AskPane.Wanted) -> None:
        """Do what a key in the pane says."""
        if event.wish == "ask":
            self._run(partial(self._ask, event.question, self._place()))
        elif self._conversation is not None and self._conversation.running is not None:
            self.stop()
        else:
            self._leave()

    def use(self, event: "AnswerCode.Used") -> None:
        """Do what a key says with a block of code."""
        self._code.use(event)

    def stop(self) -> None:
        """Stop the answer that is being written; what there is stays."""
        conversation = self._conversation
        if conversation is not None and conversation.request_id is not None:
            self._link.send(Cancel(conversation.request_id))
            self._end(conversation.stopped())

    def clear(self) -> None:
        """Forget the conversation, on the screen and on the disk."""
        self.stop()
        self._keys.clear()  # what is not written yet never will be
        self._run(self._clear)

    async def _clear(self) -> None:
        try:
            async with self._writing:
                await asyncio.to_thread(self._transcript.clear)
        except OSError as error:
            self._app.notify(
                f"the conversation cannot be removed: {error.strerror}", severity="error"
            )
            return
        self._conversation = Conversation()
        await self._show_turns()
        self._app.notify("the conversation is forgotten", timeout=3)

    async def _ask(self, question: str, place: AskedFrom) -> None:
        """Begin a turn: with the engine's answer, or with why there is none."""
        conversation = await self._load()
        if conversation.running is not None:
            self.stop()
        number = self._link.next_request()
        turn, earlier = conversation.begin(question, place, number)
        self._keys[turn] = secrets.token_hex(8), time.time()
        problem = await self._who_cannot()
        if not problem:
            settings = self._settings()
            read = settings.suggestions.repository_knowledge and self._private_known
            request = request_of(
                turn,
                earlier,
                str(self._root) if read else None,
                settings.privacy.extra_patterns,
            )
            sent = self._link.send(Ask(self._link.session, number, request))
            problem = "" if sent else "the engine is not there; ask again in a moment"
        if problem:
            conversation.failed(problem, number)
        await self._show_turns()
        await self._show(turn)
        self._keep(turn)

    async def _who_cannot(self) -> str:
        """Return why the model that serves answers no questions; empty if it does."""
        if self._model is None or not self._link.connected:
            return "the engine is still starting; ask again in a moment"
        if not self._model.follows_instructions:
            return await asyncio.to_thread(who_follows, self._model.name)
        return ""

    def _place(self, *, statement: bool = False) -> AskedFrom:
        """Return where the person stands; nothing of a file that no model may see."""
        file = self._deck.current
        if file is None or not self._private_known:
            return AskedFrom()
        path = request_path(file.path, self._root)
        if file.secret is not None:
            return AskedFrom(path)
        editor = file.editor
        selected = selected_lines(*editor.selection)
        if statement and not selected[0]:
            first, last = edited_lines(editor)
            selected = first + 1, last + 1
        return asked_from(path, editor.document.lines, editor.cursor_location, selected)

    # ── what the engine says ────────────────────────────────────────────────────────────────

    def takes(self, event: "EngineNews") -> bool:
        """Take an event of the engine; return whether it concerns nobody else."""
        conversation = self._conversation
        number = None if conversation is None else conversation.request_id
        match event:
            case AnswerReading(request_id, reading):
                if conversation is not None:
                    self._changed(conversation.reading(request_id, reading))
            case Answered(request_id, reply):
                if conversation is not None:
                    note = finish_text(reply.finish_reason)
                    self._end(conversation.answered(request_id, reply, note))
            case PartialText(request_id, text) if conversation and request_id == number:
                self._changed(conversation.wrote(request_id, text))
            case Failed(request_id, message) if conversation and request_id == number:
                self._end(conversation.failed(message, request_id))
            case _:
                self._note(event)
                return False
        return True

    def _note(self, event: "EngineNews") -> None:
        """Follow which model serves, and the end of the process."""
        from engine import EngineDown  # after the first paint

        match event:
            case EngineReady(model=model):
                self._model = model
            case EngineDown(reason=reason):
                self._model = None
                if self._conversation is not None:
                    self._end(self._conversation.failed(f"{reason}; ask again"))

    # ── the screen and the disk ─────────────────────────────────────────────────────────────

    async def _show_kept(self) -> None:
        """Show what is kept on the disk."""
        await self._load()

    async def _load(self) -> Conversation:
        """Return the conversation, read from the disk the first time."""
        if self._conversation is None:
            kept = await asyncio.to_thread(self._transcript.read)
            if self._conversation is None:
                self._conversation = Conversation(map(_turn, kept))
                await self._show_turns()
        return self._conversation

    def _changed(self, turn: AskedTurn | None) -> None:
        """Show a turn soon: not for every token."""
        if turn is not None and not self._timed:
            self._timed = True
            self._app.set_timer(_SHOW_SECONDS, partial(self._show_now, turn))

    def _show_now(self, turn: AskedTurn) -> None:
        self._timed = False
        self._run(partial(self._show, turn))

    def _end(self, turn: AskedTurn | None) -> None:
        """Show and keep a turn that has ended."""
        if turn is not None:
            self._run(partial(self._show, turn))
            self._keep(turn)

    async def _show(self, turn: AskedTurn) -> None:
        if self._pane is not None:
            await self._pane.follow(turn)

    async def _show_turns(self) -> None:
        if self._pane is not None and self._conversation is not None:
            await self._pane.show_turns(self._conversation.turns)

    def _keep(self, turn: AskedTurn) -> None:
        """Keep a turn on the disk, in the background."""
        key, asked_at = self._keys[turn]
        kept = KeptTurn(
            key,
            asked_at,
            turn.question,
            turn.answer,
            turn.parts,
            turn.note if turn.ended else "not answered: the app ended before",
            shown_cost(turn),
        )
        self._run(partial(self._write, kept))

    async def _write(self, kept: KeptTurn) -> None:
        try:
            async with self._writing:  # in order: the newest state of a turn is the last
                if not any(kept.key == key for key, _ in self._keys.values()):
                    return  # the conversation was forgotten meanwhile
                await asyncio.to_thread(self._transcript.keep, kept)
        except OSError as error:
            if not self._told:
                self._told = True
                reason = f"the conversation cannot be kept: {error.strerror}"
                self._app.notify(reason, severity="warning")


def _turn(kept: KeptTurn) -> AskedTurn:
    """Return a turn from the disk."""
    return AskedTurn(
        kept.question,
        answer=kept.answer,
        ended=True,
        note=kept.note,
        parts=kept.parts,
        cost=kept.cost,
    )
