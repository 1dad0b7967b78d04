import numpy as np
import pytest

from engine.completion.scoring import follow, score
from engine.errors import PromptError
from engine.protocol.completion import CompletionRequest
from tests.canned import VOCABULARY, canned_completer

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
