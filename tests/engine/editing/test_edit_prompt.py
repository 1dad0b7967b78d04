"""What is asked of a model that edits, as a person can read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chat.fence import Fence
from engine.editing.edit_prompt import LinesToEdit, conversation
from engine.protocol.editing import EditRequest, EditTurn

TEXT = """\
import math


class Circle:
    def area(self):
        r = self.radius

        return math.pi * r * r


def last():
    pass
"""

ASKED = """\
These lines come before, in `shapes.py`:
```python
import math


class Circle:
    def area(self):
```

These lines come after:
```python
def last():
    pass
```

Rewrite these lines:
```python
r = self.radius

return math.pi * r * r
```

Instruction: Use one line."""


def request(**changes: object) -> EditRequest:
    plain = {"path": "shapes.py", "text": TEXT, "first": 6, "last": 8}
    return EditRequest(**plain | {"instruction": " Use one line.\n"} | changes)  # type: ignore


def asked(request: EditRequest) -> list[tuple[str, str]]:
    lines = LinesToEdit.of(request.text, request.first, request.last)
    turns = conversation(request, lines, Fence.around(request.text, request.path))
    return [(turn.role, turn.text) for turn in turns]


def test_a_model_is_shown_the_lines_and_what_stands_around_them() -> None:
    system, user = asked(request())
    assert system[0] == "system"
    assert user == ("user", ASKED)


def test_a_second_instruction_follows_what_was_written_for_the_first() -> None:
    steered = request(
        instruction="No, name it radius.", earlier=(EditTurn("Use one line.", "        return 1"),)
    )
    assert asked(steered)[1:] == [
        ("user", ASKED),
        ("assistant", "```python\nreturn 1\n```"),
        ("user", "Instruction: No, name it radius."),
    ]


def test_much_text_around_is_cut_at_lines() -> None:
    text = "".join(f"line_{number} = {number}\n" for number in range(1000))
    shown = asked(request(text=text, first=500, last=500))[1][1]
    assert "line_498 = 498" in shown
    assert "line_500 = 500" in shown
    assert "line_10 =" not in shown
    assert "line_990 =" not in shown
    assert all(line.startswith(("line_", "`", "These", "Rewrite", "Instruction", ""))
               for line in shown.split("\n"))  # fmt: skip
    assert len(shown) < 4000


def test_the_indentation_comes_back() -> None:
    lines = LinesToEdit.of(TEXT, 6, 8)
    assert lines.indented("if x:\n    y\n\nz") == "        if x:\n            y\n\n        z"
    kept = "        if x:\n            y"
    assert lines.indented(kept) == kept


def test_lines_of_different_indentation_share_none() -> None:
    lines = LinesToEdit.of("\ta\n    b\n", 1, 2)
    assert (lines.indent, lines.shown) == ("", "\ta\n    b")


@given(st.text(st.sampled_from("a \t\n"), max_size=60), st.data())
def test_lines_that_stay_give_the_same_text(text: str, data: st.DataObject) -> None:
    count = text.count("\n") + 1
    first = data.draw(st.integers(1, count))
    last = data.draw(st.integers(first, count))
    lines = LinesToEdit.of(text, first, last)
    assert lines.before + "\n".join(lines.lines) + lines.after == text
    assert EditRequest("a", text, first, last, "").applied("\n".join(lines.lines)) == text
    back = [line.rstrip() for line in lines.indented(lines.shown).split("\n")]
    assert back == [line.rstrip() for line in lines.lines]


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 3)])
def test_other_lines_there_are_none(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="of a text of 2 lines"):
        LinesToEdit.of("a\nb", first, last)


IF_R = "        if r:\n            r"


@pytest.mark.parametrize(
    ("answer", "alone"),
    [
        ("        return 1", "        return 1"),
        ("    def area(self):\n        return 1", "        return 1"),
        ("class Circle:\n    def area(self):\n        if r:\n            r", IF_R),
        (f"        class Circle:\n{' ' * 12}def area(self):\n{' ' * 16}r = 2", "        r = 2"),
        ("    def area(self):", "    def area(self):"),
        ("    def other(self):\n        return 1", "    def other(self):\n        return 1"),
        ("import math\n        return 1", "import math\n        return 1"),
    ],
    ids=["none", "head", "heads", "heads, deeper", "head alone", "another", "not the last ones"],
)  # fmt: skip
def test_lines_above_that_come_again_are_cut(answer: str, alone: str) -> None:
    assert LinesToEdit.of(TEXT, 6, 8).alone(answer) == alone


def test_lines_of_the_range_that_also_stand_above_are_kept() -> None:
    lines = LinesToEdit.of("x = 1\nx = 1\ny = 2\n", 2, 3)
    assert lines.alone("x = 1\ny = 3") == "x = 1\ny = 3"
