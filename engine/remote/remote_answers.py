"""RemoteAnswers: questions about the code, answered by a model elsewhere that converses.

It is shown what a model on the wafer would be shown: never a private or an ignored file.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.asking.ask_prompt import AskPrompt, fit_prompt
from engine.asking.excerpts import find_excerpts
from engine.chat.chat_styles import ChatTurn
from engine.errors import PromptError
from engine.protocol.asking import AskReply, AskRequest, Reading
from engine.remote.remote_model import RemoteModel
from engine.remote.remote_rewriter import messages

__all__ = ["RemoteAnswers"]

_TURN_TOKENS = 8
"""What the form of a turn adds to its text, about."""


@dataclass(frozen=True, slots=True)
class _Conversation:
    """Turns, and about how many tokens they have."""

    turns: Sequence[ChatTurn]
    tokens: int

    def __len__(self) -> int:
        return self.tokens


class RemoteAnswers:
    """Answers with one model elsewhere.

    Args:
        model: How it is asked, and what of it is counted.
    """

    def __init__(self, model: RemoteModel) -> None:
        self._model = model

    def ask(
        self,
        request: AskRequest,
        on_reading: Callable[[Reading], None],
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> AskReply:
        """Return the answer to a question.

        Raises:
            PromptError: As of `engine.asking.answer_writer.AnswerWriter.ask`.
            ServerError: The host cannot be reached, or refuses.
        """
        if not self._model.abilities.chats:
            name = self._model.source.address.model
            raise PromptError(f"{name} only completes; questions take a model that converses")
        prompt = self._prompt(request, cancelled)
        on_reading(Reading(prompt.parts, prompt.left_out, len(prompt.encoded)))

        def tell(text: str) -> bool:
            on_text(text.lstrip())
            return False

        turns = messages([*prompt.encoded.turns])
        written = self._model.source.stream(
            "/chat/completions",
            {"messages": turns, "max_tokens": prompt.most_tokens, "temperature": 0},
            sum(len(turn["content"]) for turn in turns),
            tell,
            cancelled,
        )
        generation = self._model.prices.generation(
            written.prompt_tokens, written.cached_tokens, written.tokens, written.seconds
        )
        self._model.work.add(generation, self._model.prices)
        return AskReply(
            text=written.text.strip(),
            finish_reason="cancelled" if cancelled() else written.ended or "length",
            asked=prompt.asked,
            forgotten=prompt.forgotten,
            parts=prompt.parts,
            left_out=prompt.left_out,
            model=self._model.source.address.model,
            prompt_tokens=written.prompt_tokens,
            cached_tokens=written.cached_tokens,
            completion_tokens=written.tokens,
            host=written.host_stats(),
            wafer=self._model.prices.stats(generation),
        )

    def _prompt(
        self, request: AskRequest, cancelled: Callable[[], bool]
    ) -> AskPrompt[_Conversation]:
        size = self._model.source.size

        def encode(turns: Sequence[ChatTurn]) -> _Conversation:
            tokens = sum(size(turn.text) + _TURN_TOKENS for turn in turns)
            return _Conversation(tuple(turns), tokens)

        found = find_excerpts(request, cancelled)
        return fit_prompt(request, found, self._model.abilities.context_length, encode, size)
