"""Answers of real models that write what stands around the lines again, cut to what was asked."""

import pytest

from engine.editing.asked_part import text_of_answer
from engine.editing.edit_prompt import LinesToEdit
from engine.protocol.editing import EditRequest

SHOP = '''\
"""A small shop."""

from dataclasses import dataclass, field


@dataclass
class Item:
    name: str
    price: float
    count: int = 1


class Basket:
    """What a customer wants to buy."""

    def __init__(self, owner):
        self.owner = owner
        self.items = []

    def add(self, item):
        self.items.append(item)

    def total(self):
        result = 0
        for item in self.items:
            result += item.price * item.count
        return result

    def names(self):
        return [item.name for item in self.items]


def discount(basket, percent):
    total = basket.total()
    return total * (100 - percent) / 100
'''
_, _, WITHOUT_NAMES = SHOP.partition("\n\n")
WITHOUT_NAMES = WITHOUT_NAMES.partition("    def names")[0].rstrip()
"""What qwen2.5-coder-0.5b answered to “add type hints” for `names`: all that stands above it."""


def taken(answer: str, first: int, last: int, text: str = SHOP, path: str = "shop.py") -> str:
    """Return what an answer puts in the place of lines."""
    request = EditRequest(path, text, first, last, "Do it.")
    return text_of_answer(request, LinesToEdit.of(text, first, last), answer)


def lines(first: int, last: int) -> str:
    return "\n".join(SHOP.split("\n")[first - 1 : last])


def test_an_answer_that_is_only_what_stands_around_changes_nothing() -> None:
    assert taken(WITHOUT_NAMES, 29, 30) == lines(29, 30)


@pytest.mark.parametrize("head", ["", '    """What a customer wants to buy."""\n\n'])
def test_the_class_around_a_method_is_taken_off(head: str) -> None:
    answer = f"class Basket:\n{head}    def names(self) -> list[str]:\n        return [1]"
    assert taken(answer, 29, 30) == "    def names(self) -> list[str]:\n        return [1]"


def test_all_of_the_file_is_cut_to_the_method_with_its_comment() -> None:
    method = "    # In their order.\n    def names(self):\n        return sorted(self.items)"
    answer = SHOP.replace(lines(29, 30), method)
    assert taken(answer, 29, 30) == method
    assert taken(answer.replace("add(self, item)", "add(self, it)"), 29, 30) == method


def test_a_new_method_stays_and_a_neighbour_goes() -> None:
    new = "    def names(self):\n        return []\n\n    def count(self):\n        return 0"
    answer = f"{lines(20, 21)}\n\n{new}\n\n"
    assert taken(answer, 29, 30) == new
    assert taken(f"class Basket:\n{lines(20, 21)}\n\n{new}", 29, 30) == new


def test_a_function_around_statements_is_taken_off() -> None:
    answer = (
        "def total(self):\n    result = 0\n    for item in self.items:\n"
        "        result += item.price\n    return result"
    )
    loop = "        for item in self.items:\n            result += item.price"
    assert taken(answer, 25, 26) == loop


def test_a_loop_around_a_statement_is_taken_off() -> None:
    answer = "for item in self.items:\n    result += item.price"
    assert taken(answer, 26, 26) == "            result += item.price"


@pytest.mark.parametrize(
    "answer",
    [
        "def names(self):\n    self.items.sort()\n    return self.items",
        "@property\ndef names(self):\n    return self.items",
        "def names(self):\n    def add(item):\n        return item\n    return add(1)",
        "def names(self:",
    ],
    ids=["right", "decorated", "defines a neighbour's name inside", "unreadable"],
)
def test_what_was_asked_for_stays_as_it_is(answer: str) -> None:
    indented = "\n".join(f"    {line}" for line in answer.split("\n"))
    assert taken(answer, 29, 30) == indented


def test_a_statement_that_stands_beside_the_lines_may_come_again() -> None:
    said = "total = 1\ntotal = basket.total()\nreturn total"
    assert taken(said, 35, 35) == "    total = 1\n    total = basket.total()\n    return total"


def test_the_line_below_is_not_written_twice() -> None:
    assert taken("total = 1\nreturn total * (100 - percent) / 100", 34, 34) == "    total = 1"


def test_a_class_that_is_asked_for_stays_whole() -> None:
    answer = f"class Basket:\n{lines(16, 18)}"
    assert taken(answer, 13, 30) == answer


def test_other_languages_are_left_as_they_are() -> None:
    text = "class A { f() { return 1 } }\n"
    assert taken("class A { f() { return 2 } }", 1, 1, text, "a.js") == text.replace("1", "2")[:-1]
