"""The conversation that a model is shown for a question, cut to its context.

Earlier turns stand first and word for word as they were asked, so that a conversation that goes on
only appends to its prompt and what the KV cache holds of it is used again.  What has no room is
named.  Runs no model.
"""

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.asking.excerpts import Excerpt, Excerpts
from engine.asking.passages import Passage
from engine.asking.pointing import pointed_at
from engine.chat.chat_styles import ChatTurn
from engine.chat.fence import Fence
from engine.errors import PromptError
from engine.protocol.asking import AskRequest, AskTurn, ReadPart

__all__ = ["READ_TOKENS", "AskPrompt", "fit_prompt"]

READ_TOKENS = 1_000
"""Most tokens of excerpts beside the selection: half a billion parameters read about 100 a second
on two cores, so that the first word of an answer takes ten seconds, of a follow-up one or two."""

LEAST_TOKENS = 60
"""An excerpt that would be cut to fewer tokens is left out."""

TURN_TOKENS = 16
"""What the form of a turn adds to its text at most."""

JOINT_TOKENS = 4
"""What joins an excerpt to the next."""

ANSWER_SHARE = 3
"""An answer has at most one part in so many of the context."""

_SYSTEM = (
    "You are a careful programmer who answers questions about a repository. Answer the question "
    "briefly and exactly, from the excerpts of code that are given. If they do not tell, say so. "
    "Put code into fenced blocks."
)
_TITLES = {
    "selected": "These lines are selected in `{path}`, lines {first} to {last}:",
    "open": "The open file, `{path}`, lines {first} to {last}:",
    "defines": "From `{path}`, lines {first} to {last}:",
    "similar": "From `{path}`, lines {first} to {last}:",
}
_NEAREST_LAST = ("similar", "open", "defines", "selected")
"""The order of excerpts: what matters most stands next to the question."""


_Encoded = TypeVar("_Encoded", bound=Sized)
"""A conversation as a model takes it; its length is in tokens."""


@dataclass(frozen=True, slots=True)
class AskPrompt(Generic[_Encoded]):
    """A conversation that fits, and what it holds."""

    encoded: _Encoded
    most_tokens: int
    """How long the answer may be."""
    asked: str
    """The last turn: excerpts and question."""
    forgotten: int
    """Earliest turns that had no room."""
    parts: tuple[ReadPart, ...]
    left_out: tuple[str, ...]


def fit_prompt(
    request: AskRequest,
    found: Excerpts,
    context: int,
    encode: Callable[[Sequence[ChatTurn]], _Encoded],
    size: Callable[[str], int],
) -> AskPrompt[_Encoded]:
    """Return the conversation for a question.

    Args:
        request: The question and the turns before it.
        found: What to show, the most important first.
        context: Tokens that the model can hold, the answer's included.
        encode: Returns a conversation that an answer follows, as the model takes it.
        size: Returns about how many tokens a text has.

    Raises:
        PromptError: The question is empty, or has no room itself.
    """
    question = request.question.strip()
    if not question:
        raise PromptError("the question is empty; say what you want to know")
    if request.instructions is None:
        question = f"Question: {question}"
        if any(each.why == "open" for each in found.wanted):  # of a private file not even names
            question = "\n".join(filter(None, [pointed_at(request), question]))
    most = max(1, min(request.max_tokens, context // ANSWER_SHARE))
    told = _SYSTEM if request.instructions is None else request.instructions
    room = context - most - size(told) - size(_message(question, [])) - 3 * TURN_TOKENS
    if room < 0:
        raise PromptError(
            f"the question has {size(question)} tokens, and the model holds {context} with its "
            f"answer; ask in at most {max(0, room + size(question))}"
        )
    earlier = _kept_turns(request.earlier, room, size)
    room -= sum(_turn_size(turn, size) for turn in earlier)
    shown, skipped = _chosen(found.wanted, earlier, room, size)
    while True:
        asked = _message(question, [each for each in shown if not _known(each, earlier)])
        if request.instructions is not None:
            asked = question
        encoded = encode(_turns(told, earlier, asked))
        if len(encoded) + most <= context:
            break
        # Texts that are joined may have more tokens than each alone.
        if shown:
            skipped.append(shown.pop())
        elif earlier:
            earlier = earlier[1:]
        else:
            raise PromptError(f"the model holds {context} tokens, too few for this question")
    forgotten = len(request.earlier) - len(earlier)
    left_out = [*found.left_out, *_told(skipped), *_told_turns(forgotten)]
    parts = tuple(each.part for each in shown)
    return AskPrompt(encoded, most, asked, forgotten, parts, tuple(left_out))


# ── the conversation ────────────────────────────────────────────────────────────────────────


def _turns(told: str, earlier: Sequence[AskTurn], asked: str) -> list[ChatTurn]:
    turns = [ChatTurn("system", told)] if told else []
    for turn in earlier:
        turns += [ChatTurn("user", _as_asked(turn)), ChatTurn("assistant", turn.answer)]
    return [*turns, ChatTurn("user", asked)]


def _as_asked(turn: AskTurn) -> str:
    return turn.asked or f"Question: {turn.question}"


def _turn_size(turn: AskTurn, size: Callable[[str], int]) -> int:
    return size(_as_asked(turn)) + size(turn.answer) + 2 * TURN_TOKENS


def _kept_turns(
    earlier: Sequence[AskTurn], room: int, size: Callable[[str], int]
) -> Sequence[AskTurn]:
    """Return the latest turns that have room.

    Where not all have, half of the room is enough: the next questions then find a conversation
    that begins as it did, and with it their rows in the KV cache.
    """
    sizes = [_turn_size(turn, size) for turn in earlier]
    if sum(sizes) <= room:
        return earlier
    first = 0
    while first < len(sizes) and sum(sizes[first:]) > room // 2:
        first += 1
    return earlier[first:]


def _message(question: str, shown: Sequence[Excerpt]) -> str:
    """Return what the person says: the excerpts, the words of the question last."""
    ordered = sorted(shown, key=lambda each: _NEAREST_LAST.index(each.why))
    return "\n\n".join([*map(_block, ordered), question])


def _block(excerpt: Excerpt) -> str:
    """Return an excerpt with its title."""
    passage = excerpt.passage
    title = _TITLES[excerpt.why].format(path=passage.path, first=passage.first, last=passage.last)
    return f"{title}\n{Fence.around(passage.text, passage.path).block(passage.text)}"


def _known(excerpt: Excerpt, earlier: Sequence[AskTurn]) -> bool:
    """Return whether the earlier turns show the file, and each line of an excerpt already.

    What is selected is shown again: "this code" is then what stands above the question.
    """
    if excerpt.why == "selected":
        return False
    passage = excerpt.passage
    asked = [turn.asked for turn in earlier if f"`{passage.path}`" in turn.asked]
    shown = {line for text in asked for line in text.split("\n")}
    return bool(asked) and shown.issuperset(line for line in passage.lines if line.strip())


# ── what has room ───────────────────────────────────────────────────────────────────────────


def _chosen(
    wanted: Sequence[Excerpt],
    earlier: Sequence[AskTurn],
    room: int,
    size: Callable[[str], int],
) -> tuple[list[Excerpt], list[Excerpt]]:
    """Return the excerpts that have room, the most important first, and those without."""
    shown: list[Excerpt] = []
    skipped: list[Excerpt] = []
    spare = READ_TOKENS
    for excerpt in wanted:
        if _known(excerpt, earlier):
            shown.append(excerpt)
            continue
        limit = (room if excerpt.why == "selected" else min(room, spare)) - JOINT_TOKENS
        fitting = _fitting(excerpt, limit, size)
        if fitting is None or len(fitting.passage.lines) < len(excerpt.passage.lines):
            skipped.append(_rest(excerpt, fitting))
        if fitting is None:
            continue
        shown.append(fitting)
        taken = size(_block(fitting)) + JOINT_TOKENS
        room -= taken
        spare -= 0 if excerpt.why == "selected" else taken
    return shown, skipped


def _fitting(excerpt: Excerpt, limit: int, size: Callable[[str], int]) -> Excerpt | None:
    """Return an excerpt, or its first lines, in at most ``limit`` tokens; None: too few."""
    if size(_block(excerpt)) <= limit:
        return excerpt
    if limit < LEAST_TOKENS:
        return None
    passage = excerpt.passage
    used, count = size(_block(Excerpt(Passage(passage.path, passage.first, ()), excerpt.why))), 0
    for line in passage.lines:
        used += size(line + "\n")
        if used > limit:
            break
        count += 1
    if not count:
        return None
    return Excerpt(Passage(passage.path, passage.first, passage.lines[:count]), excerpt.why)


def _rest(excerpt: Excerpt, fitting: Excerpt | None) -> Excerpt:
    """Return the lines of an excerpt that are not shown."""
    passage = excerpt.passage
    count = 0 if fitting is None else len(fitting.passage.lines)
    rest = Passage(passage.path, passage.first + count, passage.lines[count:])
    return Excerpt(rest, excerpt.why)


def _told(skipped: Sequence[Excerpt]) -> list[str]:
    """Return for a person what had no room."""
    places = [f"{each.passage.path}:{each.passage.first}-{each.passage.last}" for each in skipped]
    return [f"for lack of room: {', '.join(places)}"] if places else []


def _told_turns(forgotten: int) -> list[str]:
    if not forgotten:
        return []
    turns = "the first turn" if forgotten == 1 else f"the first {forgotten} turns"
    return [f"{turns} of this conversation: the model's context has no room"]
