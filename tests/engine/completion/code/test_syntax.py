import pytest

from engine.completion.code.syntax import Syntax, is_python


def reads(code: str, text: str) -> bool:
    """Whether ``text`` fits at the bar of ``code``."""
    return Syntax(*code.split("|")).reads(text)


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
        ("def f(a):\n    |\n        h()\n    return a\n", "try:"),
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
        (LIST, "return 1"),
        ("def f(a):\n    |\n        h()\n", "a = 1"),
        ("def f(a):\n    |\n        h()\n", "try: g()"),
        ("def f(a):\n    return (|)\n", "a :"),
        ("def f(a):\n    h()\n|\n    return 1\n", "x = 1"),
        ("def f():\n    if a:\n        b\n    |\n", "    elif c:"),
        ("def f():\n    try:\n        x = 1\n        |\n", "y = )"),
        ("x = foo(\n    |\n", "return 1"),
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
        ("try:\n        a = 1\n        b = 2", "try:\n        a = 1\n        b = 2"),
        ("", ""),
    ],
)
def test_of_several_lines_those_stay_that_can_be_read(text: str, kept: str) -> None:
    assert Syntax("def f():\n    ", "\n").readable(text) == kept


def test_a_mistake_elsewhere_does_no_harm() -> None:
    broken = "def a(:\n    pass\n\n"
    code = f"{broken}def f():\n    |\n\n{broken}"
    assert reads(code, "return 1")
    assert not reads(code, "return )")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("def f(:\n    |\n", "return 1"),
        ("def f(:\n    |\n", "return )"),
        ("D = [\n" + "    1,\n" * 450 + "    |\n", "2,"),
        ('def f(a):\n    """Do.\n\n    |\n', "Args:"),
    ],
)
def test_where_something_around_is_unfinished_nothing_can_be_told(code: str, text: str) -> None:
    assert reads(code, text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("def f():\n    try:\n        |\n", "x = g()"),
        ("def f():\n    try:\n        try:\n            x = 1\n            |\n", "y = 2"),
        ("x = foo(\n    |\n", "a,"),
        ("def f(\n    a,\n    |\n", "b: int,"),
        ('def f():\n    |\n    x = """\ntext\n"""\n', "y = 1"),
        ('def f():\n    """Do.\n\n    def g(x):\n        return x\n    """\n    |\n', "y = 1"),
        ("def f(a):\n    # compute |\n", "the sum"),
        ("def f(a):\n    if a:\n        # of a |\n    return 1\n", "kind"),
        ("def f(a):\n    |\n", "if a:  # note"),
        ("x = |  # note\n", "f(a)"),
        ("if (\n        |\n    ):\n    pass\n", "a and"),
        ("x = (\n    |\n)\n", '"a" +'),
        ("x = (\n    |\n)\n", "a if b"),
        ("x = [\n    a\n    |\n]\n", "for a in"),
        ("x = {\n    |\n}\n", '"a":'),
        ("x = {\n    |\n}\n", '"a"'),
        ("def f():\n    |\n", 'sql = """SELECT'),
        ('def f():\n    """Return |\n', "the sum of all"),
        ("def f(a):\n    |\n", "assert a, \\"),
        ("\ufeffimport os\n|\n", "import re"),
    ],
)
def test_more_that_can_be_read_or_may_yet_be_finished(code: str, text: str) -> None:
    assert reads(code, text)


@pytest.mark.parametrize("text", ["x = '\0'", "(" * 5000, "x" * 200_000 + " y", "\ud800"])
def test_nothing_is_raised(text: str) -> None:
    assert not reads("|", text)
    assert Syntax("", "").flaws(text) == []


def test_code_deeper_than_the_stack_says_nothing_of_names() -> None:
    deep = "x = 1" + " + 1" * 3000 + "\n"
    assert Syntax(deep, "").flaws("y" + " + y" * 3000) == []


def unbound(syntax: Syntax, text: str) -> list[str]:
    """The names that a suggestion uses and the file does not bind."""
    end = " is not bound here"
    return [flaw.what.removesuffix(end) for flaw in syntax.flaws(text) if flaw.what.endswith(end)]


def test_names_around_the_cursor_are_not_blamed_on_the_text() -> None:
    assert unbound(Syntax("x = np.", "\n"), "array(1)") == []
    assert unbound(Syntax("x = np.", "\n"), "array(a)") == ["a"]
    assert unbound(Syntax("x = wid", "\n"), "th") == ["width"]
    assert unbound(Syntax("x = ", " + missing\n"), "1") == []
    assert unbound(Syntax("é = é or np.", "\n"), "a(b)") == ["b"]


def test_names_of_python_files() -> None:
    assert is_python("a/b.py")
    assert is_python("b.pyi")
    assert not is_python("b.pyx")
    assert not is_python("py")


def test_names_that_the_file_does_not_bind() -> None:
    syntax = Syntax("import os\n\ndef f(a):\n    ", "\n\ndef g(b):\n    pass\n")
    assert unbound(syntax, "return os.path.join(a, g(") == []
    assert unbound(syntax, "return b + c") == ["b", "c"]
    assert unbound(syntax, "return b)") == []  # it cannot be read at all


def test_of_half_a_file_nothing_is_said_about_names() -> None:
    long = "x = 1\n" * 8000
    assert unbound(Syntax(f"{long}def f(a):\n    ", "\n"), "b") == []
    assert unbound(Syntax("def f(a):\n    ", f"\n{long}"), "b") == []
    assert unbound(Syntax("def f(]:\n    ", "\n"), "b") == []


def test_flaws_are_found_where_the_rest_of_the_file_cannot_be_read() -> None:
    broken = "def a(:\n    pass\n\n"
    above = broken + "def f():\n    return {\n        1: 2,\n        "
    assert Syntax(above, "\n    }\n").readable("1: 3,") == ""
    assert Syntax(broken + "def f() -> bool:\n    ", "\n").readable("return [1]") == ""


def test_a_flaw_tells_its_line_counted_from_the_cursor() -> None:
    (flaw,) = Syntax("\n\nx = {\n    1: 2,\n    ", "\n}\n").flaws("3: 4,\n    1: 5,")
    assert flaw.at == (1, 4)


def test_in_a_comment_or_a_long_string_nothing_is_a_flaw() -> None:
    assert Syntax('x = """\n', "").flaws('a"""\nimport os\nimport os') == []
    assert Syntax("# of ", "\n").flaws("nothing\nx = {1: 1, 1: 2}") == []
