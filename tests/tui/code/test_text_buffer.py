"""The buffer against plain strings, and its tree against a fresh parse."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.code.highlights import grammar, query_rows
from tui.code.text_buffer import TextBuffer, newlines_only

TEXT = st.text("ab字😀 \n\t\x0c\u2028():\"'", max_size=40)
PYTHON = grammar("python")
assert PYTHON is not None


def _offset(text: str, place: tuple[int, int]) -> int:
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: place[0]]) + place[1]


def _places(buffer: TextBuffer) -> list[tuple]:
    """Return kind and place of every node of the tree."""
    nodes = [buffer._tree.root_node]
    for node in nodes:
        nodes.extend(node.children)
    return [(node.type, node.start_point, node.end_point, node.end_byte) for node in nodes]


@given(TEXT, st.lists(st.tuples(TEXT, st.data()), max_size=4), st.booleans())
def test_edits_equal_those_of_a_string(text, edits, parsed):
    buffer = TextBuffer(text, PYTHON.language if parsed else None)
    for new, data in edits:
        ends = []
        for _ in range(2):
            row = data.draw(st.integers(0, buffer.line_count - 1))
            ends.append((row, data.draw(st.integers(0, len(buffer[row])))))
        start, end = sorted((_offset(text, ends[0]), _offset(text, ends[1])))
        replaced = text[start:end]
        assert buffer.get_text_range(*ends) == replaced
        result = buffer.replace_range(*ends, new)
        text = text[:start] + new + text[end:]
        assert buffer.text == text
        assert result.replaced_text == replaced
        assert _offset(text, result.end_location) == start + len(new)
        assert buffer.get_size(4) == TextBuffer(text).get_size(4)
        assert buffer._byte_lengths == [len(line.encode()) + 1 for line in text.split("\n")]
        row, before = buffer._mark
        assert before == sum(buffer._byte_lengths[:row])
    if parsed:
        assert buffer.parse()
        fresh = TextBuffer(text, PYTHON.language)
        assert _places(buffer) == _places(fresh)


def test_places_outside_the_text_mean_the_nearest_inside():
    buffer = TextBuffer("one\ntwo")
    assert buffer.get_text_range((0, 2), (9, 9)) == "e\ntwo"
    buffer.replace_range((1, 0), (2, 0), "")
    assert buffer.lines == ["one", ""]


def test_typing_leaks_nothing():
    """A parser that reads through a function keeps a reference to all that it was given."""
    buffer = TextBuffer("def f(a):\n    return [a, 'b']\n\n" * 700, PYTHON.language)

    def type_and_delete(row, typed):
        buffer.replace_range((row, 4), (row, 4), typed)
        buffer.parse()
        lines = typed.split("\n")
        end = (row + len(lines) - 1, len(lines[-1]) + (4 if len(lines) == 1 else 0))
        buffer.replace_range((row, 4), end, "")
        buffer.parse()

    for typed in ("'", '"""', "x", "(\n(", "é"):
        type_and_delete(700, typed)
        before = sys.getallocatedblocks()
        for _ in range(5):
            type_and_delete(700, typed)
        assert sys.getallocatedblocks() - before < 20, typed


def test_a_parse_that_may_take_no_time_leaves_the_old_tree_in_place():
    text = "x = [1, 2]\n" * 3_000
    buffer = TextBuffer(text, PYTHON.language)
    numbers = {span for span in query_rows(buffer, PYTHON, 12, 13)[12] if span[2] == "number"}
    assert numbers == {(5, 6, "number"), (8, 9, "number")}
    buffer.replace_range((10, 0), (11, 2), "(((\n\n\n\n")
    assert not buffer.parse(-1.0)
    assert numbers == {
        span for span in query_rows(buffer, PYTHON, 15, 16)[15] if span[2] == "number"
    }
    assert buffer.parse()
    assert buffer.parse(0.0)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [("a\r\nb\rc\n", "a\nb\nc\n"), ("a\0b", "ab"), ("a\ud800b", "a?b"), ("plain", "plain")],
)
def test_text_from_outside_is_cleaned(raw, clean):
    assert newlines_only(raw) == clean
