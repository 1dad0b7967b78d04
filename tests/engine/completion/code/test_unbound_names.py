import ast

import pytest

from engine.completion.code.piece import Piece
from engine.completion.code.syntax import Syntax
from engine.completion.code.unbound_names import unbound_names


def found(code: str) -> list[str]:
    """The names that nobody binds, in the lines with a mark."""
    marked = [i for i, line in enumerate(code.splitlines(), 1) if "#!" in line]
    piece = Piece(ast.parse(code), (min(marked), 0), (max(marked) + 1, 0))
    return [flaw.what.removesuffix(" is not bound here") for flaw in unbound_names(piece)]


@pytest.mark.parametrize(
    "code",
    [
        "import os.path, re as r\nfrom a import b as c\nos, r, c #!",
        "print(len([])) #!",
        "x: int = 1\ny = [z] = 1\nfor a in (): pass\nx, y, z, a #!",
        "def f(a, /, b, *c, d=1, **e):\n    a, b, c, d, e, f #!",
        "def f(a):\n    def g():\n        return a #!",
        "def f():\n    return g() #!\ndef g(): pass",
        "def f():\n    global a\n    a = 1\n    a #!",
        "[a + b for a in () for b in a] #!",
        "{a: b for a, b in ()} #!",
        "f = lambda a, *b: (a, b) #!",
        "try:\n    pass\nexcept ValueError as error:\n    error #!",
        "with open('a') as (a, b):\n    a, b #!",
        "if (a := 1):\n    a #!",
        "match 1:\n    case [a, *b] if a: #!\n        a, b #!",
        "match 1:\n    case {'k': c, **d} as e:\n        c, d, e #!",
        "class A:\n    a = 1\n    b = a #!",
        "class A:\n    def f(self):\n        return __class__ #!",
        "from x import *\nanything #!",
        "def f():\n    global a\n    a = 1\ndef g():\n    return a #!",
        "f = lambda: (a := 1) + a #!",
        "async def f():\n    async for a in b(): #!\n        a #!\ndef b(): pass",
        "@f #!\ndef f(): pass",
        "def f(a):\n    a = a + 1 #!",
        "def f():\n    a = 1\n    a += 1 #!",
        "def f():\n    for a in (): a = a + 1 #!",
        "def f():\n    a = lambda: a() #!",
        "def f():\n    a = [a for a in ()] #!",
        "def f():\n    nonlocal a\n    a += 1 #!",
        "a = 1\nclass A:\n    a = a #!",
    ],
)
def test_names_that_are_bound(code: str) -> None:
    assert found(code) == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a #!", ["a"]),
        ("a = b + c #!", ["b", "c"]),
        ("def f(a): pass\na #!", ["a"]),
        ("def f():\n    a = 1\ndef g():\n    return a #!", ["a"]),
        ("class A:\n    a = 1\n    def f(self):\n        return a #!", ["a"]),
        ("[a for a in ()]\nf = lambda b: b\nb #!", ["b"]),
        ("def f(a=b, *, c: d = e) -> g: pass #!", ["b", "e", "d", "g"]),
        ("class A(b, c=d): pass #!", ["b", "d"]),
        ("@a #!\ndef f(): pass", ["a"]),
        ("def f():\n    a = a + 1 #!", ["a"]),
        ("def f():\n    a += 1 #!", ["a"]),
        ("a = 1\ndef f():\n    a = a #!", ["a"]),
        ("def f():\n    nothing_of_this\n    a #!\n    nor_this", ["a"]),
    ],
)
def test_names_that_nobody_binds(code: str, names: list[str]) -> None:
    assert found(code) == names


METHOD = """
class A{}:
    b = 1
    def __init__(self):
        self.c = 1
    def f(self, other):
        {} #!
"""


@pytest.mark.parametrize(
    "use", ["self.b", "self.c", "self.f", "other.d", "self.d = 1", "self.__d__"]
)
def test_attributes_that_a_class_has(use: str) -> None:
    assert found(METHOD.format("", use)) == []


def test_attributes_that_it_has_not() -> None:
    assert found(METHOD.format("", "return self.radius")) == ["self.radius"]
    assert found(METHOD.format("(object)", "g = lambda: self.d")) == ["self.d"]


@pytest.mark.parametrize("bases", ["(B)", "(metaclass=B)", "(B[int])"])
def test_a_base_may_bring_any_attribute(bases: str) -> None:
    assert "self.d" not in found("from b import B\n" + METHOD.format(bases, "self.d"))


def test_a_class_that_is_not_all_there_is_to_its_objects() -> None:
    code = METHOD.format("", "self.d")
    assert found(code) == ["self.d"]
    assert found(code + "class B(A): pass\n") == []
    assert found(code.replace("class A", "class TheMixin")) == []
    assert found(code.replace("class A", "@decorator\nclass A")) == []


@pytest.mark.parametrize(
    "more",
    [
        "def __getattr__(self, name): pass",
        "def g(self): setattr(self, 'x', 1)",
        "def g(self): self.__dict__.update(x=1)",
        "__slots__ = 'c d'",
        "@staticmethod\n    def g(self): self.d #!",
        "def g(self):\n        def h(self): self.d #!",
        "def g(self):\n        self = other(); self.d #!\ndef other(): pass",
        "def g(self): self._A__d #!",
        "@classmethod\n    def g(cls): cls.mro #!",
    ],
)
def test_where_a_class_may_have_any_attribute_none_is_missed(more: str) -> None:
    use = "pass" if "#!" in more else "self.d #!"
    code = METHOD.replace("#!", "").format("", use) + f"    {more}"
    assert found(code) == []


BOOKS = """class Books:
    def __init__(self, path):
        self.entries = []

    @classmethod
    def load(cls, path):
        |

def add(total, price):
    return total + price
"""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("book = cls(path)\n        self.entries.append(book)", "book = cls(path)"),
        ("self.entries = []", ""),
        ("return total + path", ""),
        ("return [price for path in path]", ""),
        ("return [entry for entry in path]", "return [entry for entry in path]"),
        # nothing of the file binds it: an import may yet be written
        ("return json.loads(path)", "return json.loads(path)"),
        ("book = cls(path)\n        return json.loads(book)", "book = cls(path)"),
    ],
)
def test_names_of_another_scope_came_with_a_copied_line(text: str, kept: str) -> None:
    assert Syntax(*BOOKS.split("|")).readable(text) == kept


def test_an_open_bracket_may_become_a_comprehension() -> None:
    above = "def f(books):\n    "
    for text in ("return [\n        book.title", "return sum(book.price", "return {\n  book: 1"):
        assert Syntax(above, "\n").flaws(text) == []
    for text in ("return [\n        books, book.title", "return sum(book.price)"):
        assert len(Syntax(above, "\n").flaws(text)) == 1
    assert len(Syntax(above + "return sum(", ")\n").flaws("book")) == 1
