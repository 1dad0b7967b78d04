import numpy as np
import pytest

from engine.completion.completer import Completer
from engine.completion.scoring import follow, score
from engine.completion.stats import WaferMeter
from engine.errors import PromptError
from engine.generation.generator import Generator
from engine.protocol.completion import CompletionRequest
from tests.canned import (
    VOCABULARY,
    CannedWafer,
    canned_completer,
    canned_machine_info,
    canned_model_info,
)
from tests.engine_tokenizers import tokenizer_with

REQUEST = CompletionRequest("a.py", "def f():\n    ", "\n", multi_line=False)
CERTAIN = np.log2(1 + (VOCABULARY - 1) * np.exp(-9.0))
"""Bits of a token that the canned model says."""


def test_a_score_sums_the_bits_of_each_token():
    completer = canned_completer("pass")
    right = score(completer, REQUEST, "pass")
    assert (right.tokens, right.bits) == (4, pytest.approx(4 * CERTAIN, abs=1e-4))
    wrong = score(completer, REQUEST, "past")
    assert wrong.bits == pytest.approx(4 * CERTAIN + 9 / np.log(2), abs=1e-4)


def test_a_text_is_followed_to_its_end():
    steps = list(follow(canned_completer("pass"), REQUEST, "pa"))
    spoken = [step.token for step in steps]
    assert spoken[-1] is None
    assert [int(step.logits.argmax()) for step in steps[:2]] == spoken[:2]
    assert all(step.allowed is None and step.advice is None for step in steps)


def test_following_computes_each_token_once():
    completer = canned_completer("pass")
    list(follow(completer, REQUEST, "pa"))
    before = completer.generator.position
    list(follow(completer, REQUEST, "pa"))
    assert completer.generator.position == before


def test_a_text_that_exceeds_the_context_is_refused():
    with pytest.raises(PromptError, match="leaves no room"):
        score(canned_completer("x"), REQUEST, "x" * 600)


def test_line_ends_of_another_kind_make_no_difference():
    other = CompletionRequest("a.py", "def f():\r\n    ", "\r\n", multi_line=False)
    rows = []
    for request in (REQUEST, other):
        completer = canned_completer("pass")
        score(completer, request, "pass")
        rows.append(completer.generator.position)
    assert rows[0] == rows[1]


# ── a vocabulary whose tokens hold a bracket and the line break behind it ────────────────────

WORDS = (")\n", ")\n\n", ")\r\n", "):\n")


def followed(text: str, suffix: str = "\n", *, multi_line: bool = False) -> list[list[bytes]]:
    """The tokens that count as right before each token of a text."""
    tokenizer = tokenizer_with("<|endoftext|>", words=WORDS)
    wafer = CannedWafer("x")
    meter = WaferMeter(canned_machine_info(), wafer.placed, wafer.context_length)
    completer = Completer(canned_model_info(), tokenizer, Generator(wafer), meter, None)
    request = CompletionRequest("a.py", "f(x", suffix, multi_line=multi_line)
    return [
        sorted(map(tokenizer.token_bytes, step.right.tolist()))
        for step in follow(completer, request, text)
    ]


def test_the_last_token_of_a_line_holds_its_end_whatever_the_line_break():
    last = [b")\n", b")\n\n", b")\r", b")\r\n"]  # and not "):⏎"
    assert followed("y)") == [[b"y"], last]


def test_a_line_whose_last_token_holds_no_end_has_one_of_its_own():
    assert followed("y") == [[b"y"], []]
    assert followed("") == [[]]


def test_where_the_line_goes_on_behind_the_cursor_no_token_ends_it():
    assert followed("y)", suffix=" + 1\n") == [[b"y"], [b")"], []]


def test_a_text_of_several_lines_is_dictated_as_it_is():
    assert followed("y)\nz)", multi_line=True)[-2:] == [[b")"], []]
