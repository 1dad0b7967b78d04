"""What becomes of text that is deeper than Python can read at the cursor."""

import pytest

from engine.completion.code.in_place import in_place
from engine.completion.code.syntax import Syntax


@pytest.mark.parametrize(
    ("code", "text", "placed"),
    [
        ("x = 1\n|", "    if x == 0:", "if x == 0:"),
        ("x = 1\n|\ny = 2\n", "    y = 3\n    z = 4", "y = 3\nz = 4"),
        ("x = 1\n|", "\n\n    def f():\n        return 1", "\n\ndef f():\n    return 1"),
        ("x = 1\n|", "        return self.x", ""),
        ("import os\n|", "    yield 1\n", ""),
        ("class A:\n    x = 1\n    |", "    y = 1", "y = 1"),
        ("def f():\n    return 1\n|", "        x = )", ""),
        # what stands as it is
        ("def f():\n|", "    return 1", "    return 1"),
        ("class A:\n    x = 1\n|", "    y = 1", "    y = 1"),
        ("x = [\n|", "        1,\n    ]", "        1,\n    ]"),
        ("x = |", "    1", "    1"),
        ("    |\nx = 1\n", "def f():", "def f():"),
        ('"""\n|', "    Indented words.", "    Indented words."),
        ("|", "", ""),
        ("x = 1\n|", "\n", "\n"),
    ],
)
def test_a_text_is_as_deep_as_it_can_be_read(code: str, text: str, placed: str) -> None:
    syntax = Syntax(*code.split("|"))
    assert in_place(text, syntax) == placed
    assert in_place(placed, syntax) == placed
