"""Which file a cursor is in, where the client does not say."""

import pytest

from engine.protocol.completion import TextChunk
from engine.server.http.file_names import guess_path

LINES = "alpha = compute(1)\nbeta = compute(2)\ngamma = compute(3)\n"


def test_a_stretch_of_the_same_file_names_it():
    chunks = [TextChunk("a.rb", LINES), TextChunk("b.rb", "something else entirely\n")]
    assert guess_path(LINES, "", chunks) == "a.rb"
    assert guess_path("", LINES, [TextChunk("", LINES), TextChunk("c.rb", LINES)]) == "c.rb"
    assert guess_path("one line alone\n", "", chunks) == ""


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("def f(a):\n    return ", "untitled.py"),
        ("for a in b:\n", "untitled.py"),
        ("import os\n", "untitled.py"),
        ("function f(a) {\n  return 1;\n}\n", ""),
        ("class A {\n  void f() {\n}\n", ""),
        ("#include <a.h>\nint a;\n", ""),
        ("fn main() {\n    for a in b {\n", ""),
        ("jobs:\n  test:\n    with:\n      a: b\n", ""),
        ("some words\n", ""),
        ("", ""),
    ],
)
def test_python_is_known_by_its_look(text, path):
    assert guess_path(text, "", ()) == path
