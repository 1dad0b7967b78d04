import numpy as np
import pytest

from engine.completion.code.languages import language_of
from engine.completion.code.surroundings import Surroundings
from engine.completion.rules.openings import OpeningRules
from engine.completion.rules.trim import trim
from tests.engine_tokenizers import byte_tokenizer

TOKENIZER = byte_tokenizer()


@pytest.mark.parametrize(
    ("path", "comment"),
    [
        ("a.py", "#"), ("web/a.tsx", "//"), ("a.rs", "//"), ("q.sql", "--"), ("Makefile", "#"),
        ("x/Dockerfile", "#"), ("a.css", "/*"), ("a.lua", "--"), ("A.PY", "#"),
    ],
)  # fmt: skip
def test_a_name_tells_the_comment(path: str, comment: str) -> None:
    assert language_of(path).comments[0] == comment


@pytest.mark.parametrize("path", ["", "a", "a.md", "a.json", ".py"])
def test_other_names_tell_nothing(path: str) -> None:
    assert language_of(path).comments == ()


def barred(path: str, prefix: str) -> set[str]:
    """Which signs must not open a line."""
    around = Surroundings.of(prefix, "", path)
    found = OpeningRules(TOKENIZER).barred(path, prefix, around, one_line=True, silence=True)
    logits = np.zeros(TOKENIZER.vocabulary, np.float32)
    masked = logits if found is None else found.mask(logits, b"")
    return {sign for sign in "#/-x" if not np.isfinite(masked[TOKENIZER.encode_part(sign)[0]])}


def test_a_remark_nobody_began_is_barred_in_the_languages_own_sign() -> None:
    assert barred("a.py", "x = 1\n") == {"#"}
    assert barred("Makefile", "all:\n") == {"#"}
    assert barred("a.c", "int x;\n") == set()  # "/" alone may divide, "//" is a token elsewhere
    assert barred("a.md", "x\n") == set()


def test_inside_a_comment_of_several_lines_nothing_is_barred() -> None:
    language = language_of("a.c")
    assert language.inside_prose("/* some\n * text\n")
    assert not language.inside_prose("/* some */\nint x;\n")
    python = language_of("a.py")
    assert not python.inside_prose("/*")
    assert python.inside_prose('x = """a')
    assert python.remarks("x = [\n") == ("#",)
    assert '"""' in python.remarks("x = [\n]\n")


@pytest.mark.parametrize(
    ("path", "before", "text", "kept"),
    [
        ("a.rb", "def f", "\n  1\nend\ndef g\n", "\n  1\nend"),
        ("a.lua", "function f()", "\n  return 1\nend\nlocal x = 1\n", "\n  return 1\nend"),
        ("a.sh", "if [ -f x ]; then", "\n  rm x\nfi\necho y\n", "\n  rm x\nfi"),
        ("a.py", "def f():", "\n    pass\nend\n", "\n    pass"),
        ("a.js", "function f() {", "\n  return 1;\n}\nf();\n", "\n  return 1;\n}"),
        ("a.go", "if x {", "\n\ty()\n} else {\n\tz()\n}\nw()\n", "\n\ty()\n} else {\n\tz()\n}"),
    ],
)
def test_a_block_ends_with_its_closing_word_or_bracket(path, before, text, kept) -> None:
    assert trim(text, Surroundings.of(before, "\n", path)) == kept
