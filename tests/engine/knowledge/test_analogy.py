import doctest

import pytest

from engine.knowledge import analogy
from engine.knowledge.analogy import Analogy, common_words, typed_words


def rewritten(line, *pairs):
    return Analogy([common_words(there, here) for there, here in pairs])(line)


@pytest.mark.parametrize(
    ("line", "there", "here", "wanted"),
    [
        ("return self._width", "def width(self):", "def height(self):", "return self._height"),
        ("self.set_width(1)", "width = 1", "max_height = 1", "self.set_max_height(1)"),
        ("class WidthError:", "width: int", "height: int", "class HeightError:"),
        ("MAX_WIDTH = 3", "width: int", "height: int", "MAX_HEIGHT = 3"),
        ("getWidth()", "setWidth(x)", "setHeight(x)", "getHeight()"),
        ("return x", "def f(x):", "def f(y):", "return y"),
        ("for a in b:", "if a:", "while a:", "for a in b:"),  # grammar stands for nothing
    ],
)
def test_words_that_differ_are_replaced(line, there, here, wanted):
    assert rewritten(line, (there, here)) == wanted


def test_the_first_evidence_counts():
    assert rewritten("f(a)", ("x = a", "x = b"), ("x = a", "x = c")) == "f(b)"


def test_a_word_that_is_the_same_around_stays():
    # `name` is `title` in one place, but `self.name` itself is said here too
    assert rewritten("self.name", ("f(self.name)", "f(self.name)"), ("name", "title")) == (
        "self.name"
    )


def test_lines_of_another_build_say_nothing():
    assert common_words("return a", "x = [1, 2, 3]") == []
    assert common_words("f(a, b)", "f(a, b, c)") == [("f", "f"), ("a", "a"), ("b", "b")]


def test_tables_are_not_compared():
    row = "[" + "1, 2, " * 100 + "]"
    assert common_words("a = " + row, "b = " + row) == []
    assert common_words("a = [1]", "b = [1]")


def test_what_is_typed_is_compared_with_a_beginning():
    assert typed_words("self.a = a", "self.b = ") == ([("self", "self"), ("a", "b")], [])
    assert typed_words("self.a = a", "self.b") == ([("self", "self")], [("a", "b")])
    assert typed_words("self.a = a", "") == ([], [])
    assert typed_words("self.a = a", "self[") is None
    assert typed_words("a", "a b c") is None


def test_examples():
    assert doctest.testmod(analogy).failed == 0
