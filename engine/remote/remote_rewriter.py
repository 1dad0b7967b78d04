"""RemoteRewriter: lines rewritten as an instruction says, by a model elsewhere that converses.

The conversation and the checks are those of a model on the wafer.  The answer cannot be begun for
the model, so the block of code is found in what it says.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from msgspec.structs import replace

from engine.chat.chat_styles import ChatTurn
from engine.chat.fence import Fence
from engine.editing.asked_part import text_of_answer
from engine.editing.edit_checks import parses, why_refused
from engine.editing.edit_prompt import LinesToEdit, conversation
from engine.editing.rewriter import SPARE_TOKENS, lines_of
from engine.editing.second_attempt import complaint
from engine.errors import PromptError
from engine.protocol.editing import Edit, EditRequest, EditTurn
from engine.remote.remote_model import RemoteModel
from engine.remote.remote_text import RemoteText
from engine.repository.closed_files import refuse_closed

__all__ = ["RemoteRewriter", "messages"]

_OPENING = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n", re.MULTILINE)
NO_BLOCK = "it wrote no block of code"


def messages(turns: list[ChatTurn]) -> list[dict[str, str]]:
    """Return a conversation as `/chat/completions` takes it."""
    return [{"role": turn.role, "content": turn.text} for turn in turns]


class RemoteRewriter:
    """Rewrites lines with one model elsewhere.

    Args:
        model: How it is asked, and what of it is counted.
    """

    def __init__(self, model: RemoteModel) -> None:
        self._model = model

    def rewrite(
        self,
        request: EditRequest,
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Edit:
        """Return the lines as they should be; a faulty edit goes back to the model once.

        Raises:
            PromptError: The file is private or ignored by git, there are no such lines, the
                instruction is empty, or the model holds no conversation.
            ServerError: The host cannot be reached, or refuses.
        """
        refuse_closed(request.path, request.repository, request.private_patterns)
        if not self._model.abilities.chats:
            name = self._model.source.address.model
            raise PromptError(f"{name} only completes; editing takes a model that converses")
        if not request.instruction.strip():
            raise PromptError("the instruction is empty; say what should change")
        edit = self._written(request, on_text, cancelled)
        wrong = None if cancelled() else complaint(request, edit)
        if wrong is None:
            return edit
        turn = EditTurn(request.instruction, edit.text)
        again = replace(request, earlier=(*request.earlier, turn), instruction=wrong)
        second = _with_work_of(edit, self._written(again, on_text, cancelled))
        chosen = second if second.refused is None or cancelled() else edit
        on_text(chosen.text)
        return chosen

    def _written(
        self,
        request: EditRequest,
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Edit:
        lines = lines_of(request)
        turns = messages(conversation(request, lines, Fence.around(request.text, request.path)))
        block = _Block(lines, on_text)
        most = ceil(1.5 * self._model.source.size(lines.shown)) + SPARE_TOKENS
        written = self._model.source.stream(
            "/chat/completions",
            {"messages": turns, "max_tokens": most, "temperature": 0},
            sum(len(turn["content"]) for turn in turns),
            block,
            cancelled,
        )
        return self._edit(request, lines, block, written, cancelled())

    def _edit(
        self,
        request: EditRequest,
        lines: LinesToEdit,
        block: "_Block",
        written: RemoteText,
        cancelled: bool,
    ) -> Edit:
        found = block.found
        text = "\n".join(lines.lines) if found is None else text_of_answer(request, lines, found)
        closed = block.closed or written.ended == "stop"
        refused = (
            why_refused(request.path, request.text, request.applied(text),
                        closed=closed, tokens=written.tokens)
            if found is not None
            else NO_BLOCK
        )  # fmt: skip
        generation = self._model.prices.generation(
            written.prompt_tokens, written.cached_tokens, written.tokens, written.seconds
        )
        self._model.work.add(generation, self._model.prices)
        return Edit(
            text=text,
            refused="stopped" if cancelled else refused,
            parses=parses(request.path, request.text, request.applied(text)),
            model=self._model.source.address.model,
            prompt_tokens=written.prompt_tokens,
            completion_tokens=written.tokens,
            host=written.host_stats(),
            wafer=self._model.prices.stats(generation),
        )


@dataclass
class _Block:
    """Finds the block of code in an answer while it grows."""

    lines: LinesToEdit
    on_text: Callable[[str], None]
    found: str | None = None
    """What stands in the block so far; None: none was begun."""
    closed: bool = False

    def __call__(self, said: str) -> bool:
        opening = _OPENING.search(said)
        if opening is None:
            return False
        inside, self.closed = Fence(opening[1], "").inside(said[opening.end() :])
        begun = not self.closed and opening[1].startswith(inside.rpartition("\n")[2])
        inside = inside.rpartition("\n")[0] if begun else inside
        if inside != self.found:
            self.found = inside
            self.on_text(self.lines.indented(inside))
        return self.closed


def _with_work_of(first: Edit, second: Edit) -> Edit:
    """Return the second edit with the tokens and the host time of both."""
    return replace(
        second,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        host=replace(
            second.host,
            prefill_ms=first.host.prefill_ms + second.host.prefill_ms,
            decode_ms=first.host.decode_ms + second.host.decode_ms,
            first_text_ms=first.host.first_text_ms,
        ),
    )
