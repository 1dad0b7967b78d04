import pytest

from engine.completion.syntax import Syntax, is_python


def reads(code: str, text: str) -> bool:
    """Whether ``text`` fits at the bar of ``code``."""
    return Syntax.of(*code.split("|")).reads(text)


METHOD = "class A:\n    def f(self):\n        |\n\n    def g(self):\n        return 1\n"
LIST = 'x = 1\n\nNAMES = [\n    "a",\n    |\n    "b",\n]\ny = 2\n'


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("|", "import os"),
        (METHOD, "return self.g()"),
        (LIST, '"c",'),
        ("def f(a):\n    try:\n        g()\n    |\n        h()\n", "except ValueError:"),
        ("def f(a):\n    |\n        h()\n", "if a:"),
        ("def f(a):\n    return (|)\n", "a, 1"),
        ("def f(a):\n    x = a.|\n    return x\n", "strip()"),
        ("if 1:\n\tdef f(a):\n\t\t|\n\t\treturn a\n", "a += 1"),
        (
            "    return old\n\ndef f(a):\n    |\n",
            "return a",
        ),  # the window begins inside of something
    ],
)
def test_code_that_stands_complete(code: str, text: str) -> None:
    assert reads(code, text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (METHOD, "return )"),
        (METHOD, "else:"),
        (METHOD, '"""'),
        (LIST, "return 1"),
        ("def f(a):\n    |\n        h()\n", "a = 1"),
        ("def f(a):\n    return (|)\n", "a :"),
        ("def f(a):\n    h()\n|\n    return 1\n", "x = 1"),
        ("def f():\n    if a:\n        b\n    |\n", "    elif c:"),
    ],
)
def test_code_that_could_not_be_read(code: str, text: str) -> None:
    assert not reads(code, text)


@pytest.mark.parametrize(
    "text",
    [
        "for a in b:",
        "try:",
        "match a:",
        "@property",
        "@cache(",
        "def h(",
        "def h(a,",
        "x = f(",
        "if a and (b or",
        "x = {",
        "with open(a) as b:",
    ],
)
def test_what_follows_may_yet_be_written(text: str) -> None:
    assert reads("def f():\n    |\n", text)
    assert reads("x = 1\n|", text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a = 1\n    b = 2", "a = 1\n    b = 2"),
        ("a = 1\n    if a:", "a = 1\n    if a:"),
        ("a = f(\n        1,\n    )\n    b = f(", "a = f(\n        1,\n    )\n    b = f("),
        ("a = 1\n        b = 2\n    c = 3", "a = 1"),
        ("a = 1\n\n        b = 2", "a = 1"),
        ("a = )\n    b = 2", "a = )"),
        ("a = 1\n    b = 2\n    c = )", "a = 1\n    b = 2"),
        ("", ""),
    ],
)
def test_of_several_lines_those_stay_that_can_be_read(text: str, kept: str) -> None:
    assert Syntax.of("def f():\n    ", "\n").readable(text) == kept


def test_a_mistake_elsewhere_does_no_harm() -> None:
    broken = "def a(:\n    pass\n\n"
    code = f"{broken}def f():\n    |\n\n{broken}"
    assert reads(code, "return 1")
    assert not reads(code, "return )")


def test_a_mistake_around_the_cursor_lets_nothing_through() -> None:
    assert not reads("def f(:\n    |\n", "return 1")


@pytest.mark.parametrize("text", ["x = '\0'", "(" * 5000, "x" * 200_000 + " y"])
def test_nothing_is_raised(text: str) -> None:
    assert not reads("|", text)


def test_names_of_python_files() -> None:
    assert is_python("a/b.py")
    assert is_python("b.pyi")
    assert not is_python("b.pyx")
    assert not is_python("py")


def test_names_that_the_file_does_not_bind() -> None:
    syntax = Syntax.of("import os\n\ndef f(a):\n    ", "\n\ndef g(b):\n    pass\n")
    assert syntax.unbound("return os.path.join(a, g(") == []
    assert syntax.unbound("return b + c") == ["b", "c"]
    assert syntax.unbound("return b)") == []  # it cannot be read at all


def test_of_half_a_file_nothing_is_said_about_names() -> None:
    long = "x = 1\n" * 8000
    assert Syntax.of(f"{long}def f(a):\n    ", "\n").unbound("b") == []
    assert Syntax.of("def f(a):\n    ", f"\n{long}").unbound("b") == []
    assert Syntax.of("def f(a:\n    ", "\n").unbound("b") == []
