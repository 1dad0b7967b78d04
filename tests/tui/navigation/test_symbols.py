"""The symbols of a text in each language, and the queries that find them."""

import pytest

from tui.navigation.symbols import SYMBOL_LANGUAGES, symbols_of

TEXTS = {
    "python": (
        "X = 1\nclass A:\n    def f(self):\n        def g(): pass\n\ndef h(): pass\n",
        ["X variable 0", "A class 0", "f function 1", "g function 2", "h function 0"],
    ),
    "javascript": (
        "class A { m() {} }\nfunction f() {}\nconst g = (x) => x;\nconst n = 1;\n",
        ["A class 0", "m method 1", "f function 0", "g function 0"],
    ),
    "rust": (
        "struct S;\nimpl S { fn f(&self) {} }\nenum E { A }\ntrait T {}\nconst C: i32 = 1;\n",
        ["S struct 0", "S impl 0", "f function 1", "E enum 0", "T trait 0", "C constant 0"],
    ),
    "go": (
        "package p\ntype T struct {}\nfunc (t T) M() {}\nfunc F() {}\nconst C = 1\n",
        ["T type 0", "M method 0", "F function 0", "C constant 0"],
    ),
    "java": (
        "class A { A() {} void m() {} }\ninterface I {}\nenum E { X }\n",
        ["A class 0", "A constructor 1", "m method 1", "I interface 0", "E enum 0"],
    ),
    "bash": ("f() { :; }\nfunction g { :; }\n", ["f function 0", "g function 0"]),
    "css": ("a, b { c: d }\n.x { }\n", ["a, b rule 0", ".x rule 0"]),
    "markdown": (
        "# One\n\n## Two\n\nThree\n=====\n",
        ["One heading 0", "Two heading 0", "Three heading 0"],
    ),
    "toml": ("[a]\nx=1\n[b.c]\n[[d]]\n", ["a table 0", "b.c table 0", "d table 0"]),
    "yaml": ("a: 1\nb:\n  c: 2\n", ["a key 0", "b key 0"]),
    "json": ('{"a": 1, "b": {"c": 2}}', ['"a" key 0', '"b" key 0']),
}


@pytest.mark.parametrize("language", sorted(SYMBOL_LANGUAGES))
def test_symbols_of_a_language(language: str) -> None:
    text, expected = TEXTS[language]
    found = [f"{each.name} {each.kind} {each.depth}" for each in symbols_of(text, language)]
    assert found == expected


def test_places_count_characters() -> None:
    (symbol,) = symbols_of("é = 1\n", "python")
    assert (symbol.row, symbol.column) == (0, 0)
    _, inner = symbols_of("class Ä:\n    ä = 'é'; b = 1\n    def ö(): 0\n", "python")
    assert (inner.name, inner.row, inner.column) == ("ö", 2, 8)


def test_a_language_that_is_not_known_has_none() -> None:
    assert symbols_of("anything", "sql") == []
    assert symbols_of("anything", "nosuch") == []
