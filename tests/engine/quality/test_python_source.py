import ast

import pytest

from engine.quality.python_source import MAX_CHARACTERS, MIN_CHARACTERS, parse_python


def parsed(text: str):
    code = parse_python(text)
    assert code is not None
    return code


def rows_of(text: str) -> list[str]:
    """The lines of non-trivial code."""
    code = parsed(text)
    return [text[slice(*code.line(row))] for row in code.rows]


@pytest.mark.parametrize(
    ("line", "trivial"),
    [
        ("x" * MIN_CHARACTERS, False),
        ("x" * (MIN_CHARACTERS - 1), True),
        ("x" * MAX_CHARACTERS, False),
        ("x" * (MAX_CHARACTERS + 1), True),
        ("import something", True),
        ("from a import something", True),
        ("# only a comment here", True),
        ("'only a string here'", True),
        ("[[[]]], [[[]]]", True),
        ("()()()()()", True),
    ],
)
def test_a_line_of_code_says_something(line: str, trivial: bool):
    assert rows_of(f"a\n{line}\nb") == ([] if trivial else [line])


@pytest.mark.parametrize("word", ["else", "try", "finally"])
def test_a_lone_keyword_says_nothing(word: str):
    texts = {
        "else": "while something:\n    pass\nelse       :\n    pass\n",
        "try": "try        :\n    pass\nfinally:\n    pass\n",
        "finally": "try:\n    pass\nfinally    :\n    pass\n",
    }
    assert not any(word in line for line in rows_of(texts[word]))


@pytest.mark.parametrize(
    "statement",
    [
        "from something import (\n    first_name,\n    second_name,\n)",
        "import something_long, \\\n    and_something_else",
        '"""A docstring\nof several lines\nthat ends here."""',
        'value = """\nsome text in here\n"""',
    ],
)
def test_statements_without_code_of_their_own_end_where_they_end(statement: str):
    assert rows_of(f"value = 1\n{statement}\nother = 2\n") == ["value = 1", "other = 2"]


def test_cuts_are_where_tokens_meet_inside_a_line():
    text = "  \n\nif ready(now):  # a comment\n    pass"
    (row,) = parsed(text).rows
    start = text.index("if")
    cuts = [text[start:cut] for cut in parsed(text).bounds[row]]
    assert cuts == ["if", "if ", "if ready", "if ready(", "if ready(now", "if ready(now)"]


def test_places_count_characters():
    text = "x = 'ä→'; function(argument)\n"
    code = parsed(text)
    call = code.tree.body[1]
    assert isinstance(call, ast.Expr)
    assert text[code.start(call) : code.end(call)] == "function(argument)"


def test_a_line_knows_its_indentation():
    code = parsed("if a:\n    \tlonger_name = 1\n")
    assert code.line(1) == (6, 26)
    assert code.indent_end(1) == 11
    assert code.starts == (0, 6, 27, 28)
