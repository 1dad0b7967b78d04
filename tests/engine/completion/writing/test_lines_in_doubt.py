"""Unfinished lines that are not shown yet, because they may repeat what the file holds."""

import pytest

from engine.completion.writing.lines_in_doubt import LinesInDoubt

PREFIX = "class Store:\n    def get(self):\n        pass\n\n    "
BELOW = ["    def put(self, key):", "        self.entries[key] = 'one'", "        x = 1"]
SUFFIX = "\n" + "\n".join(BELOW) + "\n"


def shown(text: str, prefix: str = PREFIX, *, python: bool = True) -> str:
    return LinesInDoubt(prefix, BELOW, SUFFIX, python=python).without(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("def", ""),
        ("def g", ""),
        ("def get", ""),
        ("def get(self, key", ""),
        ("def getter", "def getter"),
        ("def find(self", "def find(self"),
        ("def pu", ""),
        ("def put(self", ""),
        ("x = 2\n    def ge", "x = 2"),
        ("x = 2\n    def get(self):\n        return", "x = 2\n    def get(self):\n        return"),
    ],
)
def test_a_definition_shows_once_its_name_is_new(text: str, kept: str) -> None:
    assert shown(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x = 2\n        self.ent", "x = 2"),
        ('x = 2\n        self.entries[key]= "one', "x = 2"),
        ("x = 2\n        self.entry", "x = 2\n        self.entry"),
        ("x = 2\n    self.ent", "x = 2\n    self.ent"),
        ("x = 2\n        x", "x = 2\n        x"),
        ("x = 2\n", "x = 2\n"),
    ],
)
def test_a_line_shows_once_it_is_another_than_those_below(text: str, kept: str) -> None:
    assert shown(text) == kept


def test_what_the_person_typed_of_the_line_counts() -> None:
    prefix = PREFIX + "    self.en"
    assert shown("tries", prefix) == ""
    assert shown("trance", prefix) == "trance"


def test_a_name_that_the_person_repeats_is_theirs() -> None:
    assert shown("(self, key", PREFIX + "def get") == "(self, key"
    assert shown("elf, key", PREFIX + "def get(s") == "elf, key"
    assert shown("t", PREFIX + "def ge") == ""


def test_other_languages_define_a_name_as_often_as_they_like() -> None:
    assert shown("def get(self", python=False) == "def get(self"


TWO = (
    "class Point:\n    def length(self):\n        pass\n\n\nclass Segment:\n    end: Point\n\n    "
)


def test_a_name_of_another_block_is_another_name() -> None:
    assert shown("def len", TWO) == "def len"
    assert shown("def length(self", TWO) == "def length(self"
    assert shown("def len", TWO[: TWO.index("class Seg")] + "    ") == ""
    below = LinesInDoubt("class A:\n    ", (), "\n\nclass B:\n    def put(self):\n", python=True)
    assert below.without("def put(self") == "def put(self"


def test_what_is_written_may_begin_another_block() -> None:
    prefix = "class A:\n    def get(self):\n        pass\n\n"
    assert shown("    def get(self", prefix) == ""
    text = "class B:\n    def get(self"
    assert shown(text, prefix) == text
