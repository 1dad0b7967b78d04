"""The rules on code that people wrote: they find next to nothing to hold against it.

A question is a cursor in a module of the standard library, with the text that really follows.
"""

import importlib
import inspect
import random
from collections.abc import Iterator

import pytest

from engine.completion.code.surroundings import Surroundings
from engine.completion.code.syntax import Syntax
from engine.completion.rules import repeated_text, trim

MODULES = ("reprlib", "sched", "graphlib", "shelve", "linecache", "fnmatch", "getopt", "netrc")
EACH = 13
FEW = EACH * len(MODULES) // 100
"""Other versions of Python have other modules, so one question in a hundred may go wrong."""


def questions() -> Iterator[tuple[str, str, str]]:
    """Yield (text before the cursor, what follows up to the end of a line, text below)."""
    chance = random.Random(0)
    for module in MODULES:
        lines = inspect.getsource(importlib.import_module(module)).splitlines(keepends=True)
        for _ in range(EACH):
            row = chance.choice([i for i, line in enumerate(lines) if line.strip()])
            indent = len(lines[row]) - len(lines[row].lstrip())
            column = chance.choice([indent, chance.randrange(indent, len(lines[row]))])
            end = row + chance.choice([1, 1, 2, 4, 8])
            yield (
                "".join(lines[:row]) + lines[row][:column],
                (lines[row][column:] + "".join(lines[row + 1 : end])).rstrip(),
                "\n" + "".join(lines[end:]),
            )


def test_what_a_person_wrote_makes_sense() -> None:
    wrong = [text for before, text, below in questions() if Syntax(before, below).flaws(text)]
    assert len(wrong) <= FEW, wrong


@pytest.mark.parametrize(
    "rule",
    [
        repeated_text.before_lines_below,
        trim.before_dead_code,
        trim.before_remark,
        trim.before_fence,
        repeated_text.without_lines_below,
        repeated_text.without_line_above,
        trim.without_extra_indent,
    ],
    ids=lambda rule: rule.__name__,
)
def test_of_what_a_person_wrote_nothing_is_cut_but_remarks(rule: trim.Rule) -> None:
    cut = []
    for before, text, below in questions():
        around = Surroundings.of(before, below, "a.py")
        remark = rule is trim.before_remark and text.startswith(("#", '"""'))
        if not remark and rule(text, around) != text:
            cut.append(text)
    assert len(cut) <= FEW, cut
