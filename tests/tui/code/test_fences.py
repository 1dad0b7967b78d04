"""Code in Markdown has the colours of its language."""

import pytest

from tui.code.fences import fence_rows
from tui.code.highlights import grammar, query_rows
from tui.code.text_buffer import TextBuffer

CODE = 'def f():\n    return "x"'


@pytest.mark.parametrize("name", ["python", "py", "Python"])
def test_a_block_has_the_colours_of_its_language(name):
    markdown, python = grammar("markdown"), grammar("python")
    assert markdown is not None
    assert python is not None
    buffer = TextBuffer(f"# Head\n\n```{name}\n{CODE}\n```\n\ntext\n", markdown.language)
    alone = query_rows(TextBuffer(CODE, python.language), python, 0, 2)
    found = fence_rows(buffer, markdown.language, 0, buffer.line_count)
    assert found == {3: alone[0], 4: alone[1]}
    assert fence_rows(buffer, markdown.language, 4, 5) == {4: alone[1]}


@pytest.mark.parametrize("name", ["nothing-known", "c++", ""])
def test_a_language_without_a_grammar_has_none(name):
    markdown = grammar("markdown")
    assert markdown is not None
    buffer = TextBuffer(f"```{name}\n{CODE}\n```\n", markdown.language)
    assert fence_rows(buffer, markdown.language, 0, 4) == {}
