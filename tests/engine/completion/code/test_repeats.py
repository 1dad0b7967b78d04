"""Golden tables: the cursor, the suggestion, what is kept of it.  ``|`` is the cursor."""

import pytest

from engine.completion.code.syntax import Syntax


def check(view: str, text: str, kept: str) -> None:
    syntax = Syntax(*view.split("|"))
    assert syntax.readable(text) == kept
    assert syntax.flaws(kept) == []


def flaws(view: str, text: str) -> list[str]:
    return [flaw.what for flaw in Syntax(*view.split("|")).flaws(text)]


COLOURS = 'COLOURS = {\n    "red": 1,\n    "green": 2,\n    |\n}\n'
CALL = "draw(\n    width=1,\n    |\n)\n"
POINT = "@dataclass\nclass Point:\n    x: int\n    y: int\n    |\n"
CLASS = "class A:\n    def area(self): pass\n\n    |\n\n    def name(self): pass\n"
MATCH = "match a:\n    case 1:\n        b()\n    |\n"
TRY = "try:\n    a()\nexcept OSError:\n    pass\n|\n"
IF = "if a == 1:\n    b()\n|\n"


@pytest.mark.parametrize(
    ("view", "text", "what"),
    [
        (COLOURS, '"red": 3,', "repeats a key"),
        ("COLOURS = {'red': 1, |", "'red': 2}", "repeats a key"),
        ("COLOURS = {RED: 1, |", "RED: 2}", "repeats a key"),
        ("COLOURS = {|'red': 1}", "'red': 2, ", "repeats a key"),
        ("COLOURS = {'red', |", "'red'}", "repeats a set element"),
        (CALL, "width=2,", "repeats a keyword argument"),
        ("def f(a, |", "a):", "repeats a parameter"),
        ("from a import b, |", "b", "repeats an imported name"),
        ("__all__ = ['a', |", "'a']", "repeats an exported name"),
        (TRY, "except OSError:", "repeats a handler"),
        (MATCH, "case 1:", "repeats a case"),
        (IF, "elif a == 1:", "repeats a condition"),
        ("class A(B, |", "B):", "repeats a base class"),
        (POINT, "y: float", "repeats a field"),
        (CLASS, "def area(self):", "repeats a definition"),
        (CLASS, "def name(self):", "repeats a definition"),
        ("def f(): pass\n\n|", "def f():", "repeats a definition"),
    ],
)
def test_what_stands_there_already_is_not_written_again(view: str, text: str, what: str) -> None:
    assert what in flaws(view, text)
    check(view, text, "")


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (COLOURS, '"blue": 3,'),
        ("COLOURS = {f(): 1, |", "f(): 2}"),
        ("COLOURS = {'red': 1, 'red': |", "2}"),  # the person wrote the key
        ("COLOURS = ['red', |", "'red']"),
        (CALL, "height=1,"),
        ("draw(width=1, width=|)", "2"),
        (MATCH, "case 1 if c:"),
        ("if f():\n    b()\n|\n", "elif f():"),
        (CLASS, "@area.setter\n    def area(self, value):"),
        ("if a:\n    def f(): pass\nelse:\n    |\n", "def f(): pass"),
        ("a = 1\n|", "a = 2"),
    ],
)
def test_what_may_come_twice(view: str, text: str) -> None:
    assert not [what for what in flaws(view, text) if what.startswith("repeats")]


def test_of_several_lines_those_above_the_copy_stay() -> None:
    check(COLOURS, '"blue": 3,\n    "grey": 4,\n    "red": 5,', '"blue": 3,\n    "grey": 4,')
    check(POINT, "z: int\n    x: int", "z: int")
    check("|", 'D = {\n    "a": 1,\n    "a": 2,\n}', "D = {")


LOCAL = "def f():\n    import os\n\ndef g():\n    import os"


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("import os\n|", "import os", ""),
        ("import os\n|", "import re\nimport os\nimport sys", "import re"),
        ("from a import b, c\n\n|", "from a import c", ""),
        ("from a import (\n    b,\n    c,\n)\n|", "from a import b", ""),
        ("|\nimport os\n", "import os", ""),
        ("def f():\n    import os\n    if a:\n        |\n\na = 1\n", "import os", ""),
        ("import os\nimport o|", "s", ""),
        # something else is bound
        ("import os\n|", "import os.path", "import os.path"),
        ("from a import b\n|", "from a import b, c", "from a import b, c"),
        ("from a import b\n|", "from a import b as c", "from a import b as c"),
        ("try:\n    import a\nexcept ImportError:\n    |\n", "import a", "import a"),
        ("def f():\n    import os\n\ndef g():\n    |\n", "import os", "import os"),
        ("|", LOCAL, LOCAL),
    ],
)
def test_an_import_of_the_file_is_not_written_again(view: str, text: str, kept: str) -> None:
    check(view, text, kept)


def test_a_functions_own_import_of_what_the_module_imports_is_doubtful() -> None:
    syntax = Syntax("import os\n\ndef f():\n    ", "\n")
    (flaw,) = syntax.flaws("import os")
    assert flaw.doubtful
    assert syntax.readable("import os") == "import os"
    assert syntax.readable("print()\n    import os") == "print()"


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("def f(a):\n    b = [\n        a,\n    ]\n    |\n", "b = [a]", ""),
        ("def f(a):\n    |\n    b = [\n        a,\n    ]\n", "b = [a]", ""),
        ("def f(a):\n    b = a\n    |\n", "c = a\n    c = a", "c = a"),
        ("a = 1\nb = a\nb |", "= a", ""),
        # what changes something may be meant twice
        ("def f(a):\n    a()\n    |\n", "a()", "a()"),
        ("def f(a):\n    a += 1\n    |\n", "a += 1", "a += 1"),
        ("def f(a):\n    b = a\n    |\n", "a = b\n    b = a", "a = b\n    b = a"),
    ],
)
def test_a_statement_is_not_repeated(view: str, text: str, kept: str) -> None:
    check(view, text, kept)


TESTS = """
def test_add():
    assert add(1, 2) == 3

def test_sub():
    |

def add(a, b):
    return a + b
"""


def test_a_test_does_what_its_neighbours_do_not() -> None:
    check(TESTS, "assert add(1, 2) == 3", "")
    check(TESTS, "assert add(3, -2) == 1", "assert add(3, -2) == 1")
    check(TESTS.replace("test_sub", "sub"), "assert add(1, 2) == 3", "assert add(1, 2) == 3")
