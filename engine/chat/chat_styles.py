"""How families write a conversation: control tokens, roles and ends of turns.  Pure; runs no model.

The forms are written down here.  A template from a model's file is a program and is never run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.errors import PromptError
from engine.tokenizer import Tokenizer

__all__ = ["CHAT_STYLES", "ChatStyle", "ChatTurn", "find_chat_style", "needed_chat_style"]


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """What one side said."""

    role: str
    """``system``, ``user`` or ``assistant``."""
    text: str


@dataclass(frozen=True, slots=True)
class ChatStyle:
    """The form of a family's conversations; each turn is opens, role, named, text, closes, after.

    `opens`, `closes` and `named` are control tokens; the rest is text.
    """

    name: str
    opens: str
    closes: str
    """Where the model says it, its answer ends."""
    named: str = ""
    """Behind the role; empty for none."""
    before: str = "\n"
    """White space in front of the text."""
    after: str = "\n"
    """White space behind a turn."""
    ends: tuple[str, ...] = ()
    """Further control tokens that end an answer."""
    assistant: str = "assistant"
    system: bool = True
    """Whether there is a turn for the system; if not, the first person's turn begins with it."""

    def encode(self, tokenizer: Tokenizer, turns: Sequence[ChatTurn], answer: str) -> list[int]:
        """Return the ids of a conversation that ends with the beginning of an answer.

        Args:
            tokenizer: The model's; it has the style's tokens.
            turns: What was said, the oldest first.
            answer: The words that the answer begins with.
        """
        ids = [*tokenizer.roles.start]
        for is_marker, pieces in groupby(self._pieces(turns, answer), key=lambda piece: piece[0]):
            words = [text for _, text in pieces]
            if is_marker:
                ids += [found for word in words if (found := tokenizer.special(word)) is not None]
            else:  # all text between two control tokens is cut into tokens together
                ids += tokenizer.encode_part("".join(words))
        return ids

    def ends_in(self, tokenizer: Tokenizer) -> frozenset[int]:
        """Return the ids that end an answer."""
        found = [tokenizer.special(name) for name in (self.closes, *self.ends)]
        return frozenset(i for i in [*found, tokenizer.roles.end] if i is not None)

    def fits(self, tokenizer: Tokenizer) -> bool:
        """Return whether a vocabulary has the style's control tokens."""
        needed = filter(None, (self.opens, self.named, self.closes))
        return all(tokenizer.special(name) is not None for name in needed)

    def _pieces(self, turns: Sequence[ChatTurn], answer: str) -> Iterator[tuple[bool, str]]:
        """Yield (whether it is a control token, its name or the text)."""
        for turn in self._with_system(turns):
            yield from self._opening(self.assistant if turn.role == "assistant" else turn.role)
            yield False, turn.text
            yield True, self.closes
            yield False, self.after
        yield from self._opening(self.assistant)
        yield False, answer

    def _opening(self, role: str) -> Iterator[tuple[bool, str]]:
        yield True, self.opens
        yield False, role
        if self.named:
            yield True, self.named
        yield False, self.before

    def _with_system(self, turns: Sequence[ChatTurn]) -> Sequence[ChatTurn]:
        if self.system or len(turns) < 2 or turns[0].role != "system":
            return turns
        first, second, *others = turns
        return [ChatTurn(second.role, f"{first.text}\n\n{second.text}"), *others]


CHAT_STYLES: tuple[ChatStyle, ...] = (
    ChatStyle("chatml", "<|im_start|>", "<|im_end|>", ends=("<|endoftext|>",)),
    ChatStyle(
        "llama3", "<|start_header_id|>", "<|eot_id|>", "<|end_header_id|>", "\n\n", "",
        ends=("<|end_of_text|>",),
    ),
    ChatStyle("gemma", "<start_of_turn>", "<end_of_turn>", assistant="model", system=False),
)  # fmt: skip
"""Every style; the first whose tokens a vocabulary has is the one."""


def find_chat_style(tokenizer: Tokenizer) -> ChatStyle | None:
    """Return the style in which a model holds conversations; None: it only completes."""
    return next((style for style in CHAT_STYLES if style.fits(tokenizer)), None)


def needed_chat_style(style: ChatStyle | None, model: str, what: str) -> ChatStyle:
    """Return the form of a model that has one.

    Args:
        style: What `find_chat_style` returned for it.
        model: Its name.
        what: What it is needed for, and by what kind of model: "questions take a model that …".

    Raises:
        PromptError: It has none; names a model that has.
    """
    if style is None:
        names = ", ".join(style.name for style in CHAT_STYLES)
        raise PromptError(
            f"{model} only completes; {what} (its vocabulary has the tokens of {names}), such as "
            "qwen2.5-coder-0.5b"
        )
    return style
