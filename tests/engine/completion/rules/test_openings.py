import numpy as np
import pytest

from engine.completion.code.surroundings import Surroundings
from engine.completion.rules.openings import OpeningRules
from tests.engine_tokenizers import byte_tokenizer, merging_tokenizer, quoting_tokenizer

TOKENIZER = byte_tokenizer()


def opens_with(
    prefix: str,
    suffix: str = "",
    path: str = "a.py",
    *,
    silence: bool = False,
    one_line: bool = True,
) -> set[str]:
    """Which of some openings are possible at a cursor; ``end`` is the end token."""
    around = Surroundings.of(prefix, suffix)
    barred = OpeningRules(TOKENIZER).barred(
        path, prefix, around, one_line=one_line, silence=silence
    )
    logits = np.zeros(TOKENIZER.vocabulary, np.float32)
    masked = logits if barred is None else barred.mask(logits, b"")
    ids = {sign: TOKENIZER.encode_part(sign)[0] for sign in ("#", "\n", "x", " ")}
    ids["end"] = TOKENIZER.special("<|endoftext|>")
    return {sign for sign, token in ids.items() if np.isfinite(masked[token])}


def test_code_and_spaces_are_always_possible() -> None:
    assert opens_with("def f():\n    ") == {"x", " "}


@pytest.mark.parametrize(("prefix", "suffix"), [("x", ""), ("x = 1  ", "\n"), ("    ", " + 1\n")])
def test_nothing_is_barred_where_the_line_has_text(prefix: str, suffix: str) -> None:
    assert opens_with(prefix, suffix) == {"#", "\n", "x", " ", "end"}


def test_remarks_belong_into_texts_and_into_files_of_other_languages() -> None:
    assert "#" in opens_with('"""Some\n')
    assert "#" in opens_with("'''Some\n")
    assert "#" not in opens_with('"""Some."""\n')
    assert "#" in opens_with("x\n", path="a.md")


def test_the_end_is_an_answer_where_nothing_decides_what_is_shown() -> None:
    assert opens_with("x\n", silence=True) == {"\n", "x", " ", "end"}
    assert opens_with("x\n", path="a.md", silence=True) == {"#", "\n", "x", " ", "end"}


def test_several_lines_may_open_with_a_blank_one() -> None:
    assert opens_with("x\n", one_line=False) == {"\n", "x", " "}


def test_behind_bytes_that_are_said_again() -> None:
    tokenizer = merging_tokenizer()
    barred = OpeningRules(tokenizer).barred(
        "a.py", "x\n", Surroundings.of("x\n", ""), one_line=True, silence=True
    )
    assert barred is not None
    hashed, plain = (tokenizer.encode_part(sign)[0] for sign in "#x")
    logits = np.full(tokenizer.vocabulary, -np.inf, np.float32)
    logits[[hashed, plain]] = 0.0
    # "#" and "x" here stand for tokens that say one byte of healing and nothing else.
    assert np.isfinite(barred.mask(logits, b"?")).sum() == 2
    assert np.isfinite(barred.mask(logits, b"")).sum() == 1


def test_where_nothing_else_is_possible_all_is() -> None:
    barred = OpeningRules(TOKENIZER).barred("a.py", "", Surroundings(), one_line=True, silence=True)
    assert barred is not None
    logits = np.full(TOKENIZER.vocabulary, -np.inf, np.float32)
    logits[TOKENIZER.encode_part("#")[0]] = 0.0
    assert np.array_equal(barred.mask(logits, b""), logits)


@pytest.mark.parametrize(
    ("above", "barred"),
    [
        ("def f():\n    ", True),
        ("def f():\n    # why\n    ", True),
        ("", True),
        ("x = 1\n", True),
        ("x = dedent(\n    ", False),
    ],
)
def test_docstrings_stand_outside_brackets(above: str, barred: bool) -> None:
    tokenizer = quoting_tokenizer()
    (quotes,) = tokenizer.encode_part('"""')
    found = OpeningRules(tokenizer).barred(
        "a.py", above, Surroundings.of(above, ""), one_line=True, silence=True
    )
    assert found is not None
    masked = found.mask(np.zeros(tokenizer.vocabulary, np.float32), b"")
    assert np.isfinite(masked[quotes]) == (not barred)
