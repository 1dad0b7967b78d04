"""Whatever is typed, the rows in view have the colours of a text that was just opened."""

import ast
from pathlib import Path
from random import Random

import pytest
from textual import events

from tests.tui.widgets.conftest import Bench
from tui.code.highlights import Span
from tui.code.row_colours import RowColours
from tui.code.text_buffer import TextBuffer

PYTHON = "\n".join(Path(ast.__file__).read_text(encoding="utf-8").split("\n")[:150])
MARKDOWN = "# A *b*\n\n```python\ndef f(x):\n    return 'x'\n```\n\n- `c` [d](e)\n\n" * 8
KEYS = [*"xi ", '"', '"', '"', "'", "(", ")", "[", "{", ":", "#", "=", "`", "字", "enter", "enter"]
KEYS += [
    "backspace",
    "delete",
    "ctrl+z",
    "ctrl+z",
    "ctrl+y",
    "home",
    "end",
    "down",
    "pageup",
    "tab",
]
PASTED = 'def p(q: int) -> str:\n    """Two\n    rows."""\n    return f"{q!r}"\n'


@pytest.mark.parametrize(("text", "path"), [(PYTHON, "a.py"), (MARKDOWN, "a.md")], ids=["py", "md"])
async def test_after_each_key(editing, text, path):
    rng = Random(path)
    async with editing(text, path=path, size=(60, 20)) as bench:
        bench.editor.pairs = True
        for _ in range(6):
            bench.editor.go_to(rng.randint(1, bench.editor.document.line_count), rng.randint(1, 40))
            for _ in range(6):
                await _press(bench, rng)
                assert _shown(bench) == _fresh(bench), bench.editor.text


async def _press(bench: Bench, rng: Random) -> None:
    if rng.random() < 0.08:
        driver = bench.app._driver
        assert driver is not None
        driver.send_message(events.Paste(PASTED).set_sender(bench.app))
        await bench.settle()
    else:
        await bench.keys(rng.choice(KEYS))


def _visible(bench: Bench) -> range:
    top = bench.editor.scroll_offset.y
    height = bench.editor.scrollable_content_region.height
    return range(top, min(top + height, bench.editor.document.line_count))


def _shown(bench: Bench) -> list[list[list[str]]]:
    return [_columns(bench.editor._spans(row)) for row in _visible(bench)]


def _fresh(bench: Bench) -> list[list[list[str]]]:
    grammar = bench.editor._grammar
    assert grammar is not None
    buffer = TextBuffer(bench.editor.text, grammar.language)
    colours = RowColours(buffer, grammar, fenced=bench.editor.language_name == "markdown")
    return [_columns(colours.spans(row)) for row in _visible(bench)]


def _columns(spans: tuple[Span, ...]) -> list[list[str]]:
    """Return what lies on each column from the bottom up: spans side by side have no order."""
    width = max((end for _, end, _ in spans), default=0)
    return [[name for a, b, name in spans if a <= column < b] for column in range(width)]
