"""The colours of rows, taken from the tree."""

from tui.code.highlights import grammar, query_rows
from tui.code.text_buffer import TextBuffer

PYTHON = grammar("python")
assert PYTHON is not None


def test_colours_of_some_rows_are_those_of_the_whole():
    text = 'def f():\n    """字\n    two\n    """\n    return f"{x!r} 字" + None  # end\n' * 30
    buffer = TextBuffer(text, PYTHON.language)
    whole = query_rows(buffer, PYTHON, 0, buffer.line_count)
    parts = {}
    for top in range(0, buffer.line_count, 7):
        parts |= query_rows(buffer, PYTHON, top, top + 7)
    assert parts == whole
    assert {span for span in whole[1] if span[2] == "string"} == {(4, 8, "string")}
    assert {span for span in whole[2] if span[2] == "string"} == {(0, 7, "string")}
    assert whole[4].index((11, 21, "string")) < whole[4].index((13, 18, "none"))
