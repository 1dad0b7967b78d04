import pytest

from engine.completion.code.brackets import brackets, closers, depths


def found(text: str, before: str = "", **options: bool) -> str:
    return "".join(sign for _, sign in brackets(text, before, **options))


def test_strings_and_comments_hold_none() -> None:
    assert found("f('(', \"[\") # ]\n}") == "()}"
    assert found(r"'\'(' (") == "("
    assert found("# (\n(") == "("


def test_a_string_ends_with_its_line() -> None:
    assert found("'(\n(") == "("
    assert found("'\\\n(") == "("


def test_what_stands_before_opens_a_string_and_is_not_told() -> None:
    assert found("(' (", "(x = '") == "("
    assert list(brackets(")", "f(")) == [(0, ")")]


def test_not_everywhere_a_hash_begins_a_comment() -> None:
    assert found("this.#f(", comments=False) == "("


@pytest.mark.parametrize(
    ("text", "depth", "lowest"), [("", 0, 0), ("f(", 1, 0), (")(", 0, -1), ("([])]", -1, -1)]
)
def test_depths(text: str, depth: int, lowest: int) -> None:
    assert depths(text) == (depth, lowest)


@pytest.mark.parametrize(
    ("text", "missing"), [("", ""), ("f(x, [{1", "}])"), ("f(x)", ""), (") (", ")"), ("f('(", ")")]
)
def test_closers(text: str, missing: str) -> None:
    assert closers(text) == missing
