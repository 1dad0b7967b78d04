"""The conversation that asks for an edit: the lines, what stands around them, the instruction.

Pure text.  The lines are shown without the indentation they share, which small models copy wrongly,
and the answer is begun for the model: a block of code, so that it writes nothing else.
"""

from dataclasses import dataclass

from engine.chat.chat_styles import ChatTurn
from engine.chat.fence import Fence
from engine.protocol.editing import EditRequest

__all__ = ["LinesToEdit", "conversation"]

AROUND_CHARACTERS = 1600
"""Most text that is shown before the lines, and as much after them."""

_SYSTEM = (
    "You are a careful programmer who edits code. You rewrite the given lines as the instruction "
    "says, keep everything else as it is, and answer with all of the rewritten lines in one block "
    "of code, without any explanation."
)


@dataclass(frozen=True, slots=True)
class LinesToEdit:
    """The lines of a range, and the text around it."""

    before: str
    """All text above, with the line end before the range."""
    lines: list[str]
    after: str
    """All text below, from the line end of the range on."""
    indent: str
    """The white space that all lines that are not blank begin with."""

    @classmethod
    def of(cls, text: str, first: int, last: int) -> "LinesToEdit":
        """Return the lines ``first`` to ``last`` of a text, counted from 1.

        Raises:
            ValueError: The text has no such lines.
        """
        lines = text.split("\n")
        if not 1 <= first <= last <= len(lines):
            raise ValueError(f"lines {first}–{last} of a text of {len(lines)} lines")
        before = "".join(line + "\n" for line in lines[: first - 1])
        after = "".join("\n" + line for line in lines[last:])
        chosen = lines[first - 1 : last]
        return cls(before, chosen, after, _common_indent(chosen))

    @property
    def shown(self) -> str:
        """The lines without their common indentation."""
        return self.without_indent("\n".join(self.lines))

    def without_indent(self, text: str) -> str:
        """Return lines without the indentation that those of the range share."""
        return "\n".join(line.removeprefix(self.indent) for line in text.split("\n"))

    def alone(self, answer: str) -> str:
        """Return an answer without lines around the range that it begins or ends with again.

        Small models, which see what stands around, repeat it with what they were asked for.

        Args:
            answer: In the indentation of the lines.
        """
        return self._without_below(self._without_above(answer))

    def _without_below(self, answer: str) -> str:
        below = [line.rstrip() for line in self.after.split("\n") if line.strip()]
        lines = answer.split("\n")
        filled = [(row, line.rstrip()) for row, line in enumerate(lines) if line.strip()]
        own = {line.rstrip() for line in self.lines}
        for count in range(min(len(below), len(filled) - 1), 0, -1):
            again = [line for _, line in filled[-count:]]
            said = any(sign.isalnum() for sign in "".join(again))  # brackets may close twice
            if said and again == below[:count] and own.isdisjoint(again):
                return "\n".join(lines[: filled[-count][0]]).rstrip()
        return answer

    def _without_above(self, answer: str) -> str:
        above = [line.strip() for line in self.before.split("\n") if line.strip()]
        lines = answer.split("\n")
        begun = [(row, line.strip()) for row, line in enumerate(lines) if line.strip()]
        own = {line.strip() for line in self.lines}
        for count in range(min(len(above), len(begun) - 1), 0, -1):
            again = [line for _, line in begun[:count]]
            if again == above[-count:] and own.isdisjoint(again):
                rest = lines[begun[count][0] :]
                indent = _common_indent(rest)
                return self.indented("\n".join(line.removeprefix(indent) for line in rest))
        return answer

    def indented(self, answer: str) -> str:
        """Return an answer with the indentation that was taken from what it answers.

        An answer that has it already, because its writer saw the text around, is left as it is.
        """
        lines = answer.split("\n")
        if self.indent and _common_indent(lines).startswith(self.indent):
            return answer
        return "\n".join(self.indent + line if line.strip() else line for line in lines)


def conversation(request: EditRequest, lines: LinesToEdit, fence: Fence) -> list[ChatTurn]:
    """Return what is said before the answer."""
    above, below = _end(lines.before), _beginning(lines.after)
    parts = []
    if above.strip():
        parts.append(f"These lines come before, in `{request.path}`:\n{fence.block(above)}")
    if below.strip():
        parts.append(f"These lines come after:\n{fence.block(below)}")
    parts.append(f"Rewrite these lines:\n{fence.block(lines.shown)}")
    instructions = [*(turn.instruction for turn in request.earlier), request.instruction]
    parts.append(f"Instruction: {instructions[0].strip()}")
    turns = [ChatTurn("system", _SYSTEM), ChatTurn("user", "\n\n".join(parts))]
    for turn, following in zip(request.earlier, instructions[1:], strict=True):
        turns.append(ChatTurn("assistant", fence.block(lines.without_indent(turn.answer))))
        turns.append(ChatTurn("user", f"Instruction: {following.strip()}"))
    return turns


def _common_indent(lines: list[str]) -> str:
    filled = [line for line in lines if line.strip()]
    if not filled:
        return ""
    shortest = min((line[: len(line) - len(line.lstrip(" \t"))] for line in filled), key=len)
    return shortest if all(line.startswith(shortest) for line in filled) else ""


def _end(text: str) -> str:
    """Return the last whole lines of a text, at most `AROUND_CHARACTERS`."""
    if len(text) > AROUND_CHARACTERS:
        text = text[-AROUND_CHARACTERS:].partition("\n")[2]
    return text.rstrip("\n")


def _beginning(text: str) -> str:
    """Return the first whole lines of a text, at most `AROUND_CHARACTERS`."""
    text = text.lstrip("\n")
    if len(text) > AROUND_CHARACTERS:
        text = text[:AROUND_CHARACTERS].rpartition("\n")[0]
    return text.rstrip("\n")
