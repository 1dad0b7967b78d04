"""Golden tables: a function's head, the suggestion, whether it may stay."""

import pytest

from engine.completion.code.syntax import Syntax

CLASS = "class Money:\n    minor = 0\n\n    "


def contradicts(head: str, text: str, above: str = CLASS) -> bool:
    """Whether a suggestion in the body of a function, a method by default, is kept back."""
    return Syntax(f"{above}{head}\n        ", "\n").readable(text) == ""


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("def __lt__(self, other) -> bool:", "return Money(self.minor - other.minor)"),
        ("def __lt__(self, other) -> bool:", "return self.minor - other.minor"),
        ("def is_zero(self) -> bool:", "return str(self.minor)"),
        ("def is_zero(self) -> bool:", "return 0"),
        ("def is_zero(self) -> 'bool':", "return"),
        ("def cents(self) -> int:", 'return f"{self.minor}"'),
        ("def cents(self) -> int:", "return None"),
        ("def cents(self) -> float:", "return [self.minor]"),
        ("def name(self) -> str:", "return 0"),
        ("def name(self) -> str:", "return self.minor == 0"),
        ("def names(self) -> list[str]:", "return {self.minor: 1}"),
        ("def names(self) -> dict[str, int]:", "return []"),
        ("def add(self, other) -> None:", "return self.minor"),
        ("def add(self, other) -> None:", "return Money(1)"),
        # Python's own rules
        ("def __init__(self, minor):", "return minor"),
        ("def __repr__(self):", "return self.minor < 1"),
        ("def __len__(self):", 'return "1"'),
        # what the name or the docstring says
        ("def is_zero(self):", "return Money(0)"),
        ("def _has_cents(self):", 'return "cents"'),
        ('def zero(self):\n        """Return whether nothing is left."""', "return [self.minor]"),
        ('def zero(self):\n        """True if nothing is left."""', "return self.minor + 1"),
        ("def test_zero(self):", "return self.minor"),
    ],
)
def test_a_body_that_the_head_rules_out(head: str, text: str) -> None:
    assert contradicts(head, text)


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("def is_zero(self) -> bool:", "return self.minor == 0"),
        ("def is_zero(self) -> bool:", "return not self.minor"),
        ("def is_zero(self) -> bool:", "return self.minor and True"),
        ("def is_zero(self) -> bool:", "return self.minor & 1"),
        ("def __eq__(self, other) -> bool:", "return NotImplemented"),
        ("def cents(self) -> int:", "return True"),
        ("def cents(self) -> float:", "return 1"),
        ("def cents(self) -> int:", "return Cents(1)"),  # may derive from int
        ("def cents(self) -> int | None:", "return None"),
        ("def name(self) -> str:", 'return "%d" % self.minor'),
        ("def name(self) -> str:", "return self.minor + self.minor"),
        ("def name(self) -> Name:", "return 1"),
        ("def add(self, other) -> None:", "return self.is_zero(other)"),
        ("def add(self, other) -> None:", "return"),
        ("def is_zero(self):", "return None"),
        ("def is_zero(self):", "return 1"),
        ("def items(self) -> None:", "yield 1\n        return 2"),
        ("def test_zero(self):", "def f():\n            return 1"),
        ("def zero(self) -> bool:", "f = lambda: 1"),
        ("def zero(self) -> str:", "return ("),  # not written yet
    ],
)
def test_a_body_that_may_be_right(head: str, text: str) -> None:
    assert not contradicts(head, text)


def test_a_function_in_a_test_is_no_test() -> None:
    head = "def test_a():\n    def test_b():"
    assert not contradicts(head, "return 1", above="")


def test_what_the_person_returns_is_not_judged() -> None:
    view = "def f() -> bool:\n    return 1\n    |\n\ndef g() -> int:\n    return ''\n"
    assert Syntax(*view.split("|")).flaws("pass") == []


def test_where_tests_return_something_their_names_tell_nothing() -> None:
    assert contradicts("def test_gif(h):", "return 'gif'")
    assert not contradicts(
        "def test_gif(h):", "return 'gif'", "def test_png(h): return 1\n" + CLASS
    )
