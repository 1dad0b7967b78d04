import numpy as np
import pytest

from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.line_proposals import Proposal, Proposals, find_proposals
from engine.knowledge.line_search import SHARPNESS
from engine.knowledge.text_index import IndexView, TextIndex

TEXT = "class A:\n    def a(self):\n        return self.a\n\n    def b(self):\n        pass\n"


SCORES = {b"return self\n": 1.0, b"return None\n": 0.9, b"pass\n": 0.5}


@pytest.fixture
def proposals(tokenizer):
    return Proposals(tokenizer, [Proposal(v, k) for k, v in SCORES.items()], typed=0)


def first(tokenizer, text: str) -> int:
    return tokenizer.encode_part(text)[0]


def test_proposals_vote_by_their_scores(tokenizer, proposals):
    votes = proposals.forecast(b"", 0).votes
    shares = dict(zip(votes.tokens.tolist(), votes.shares.tolist(), strict=True))
    weights = {text: np.exp(SHARPNESS * score) for text, score in SCORES.items()}
    assert sum(shares.values()) == pytest.approx(1.0)
    expected = weights[b"pass\n"] / sum(weights.values())
    assert shares[first(tokenizer, "pass")] == pytest.approx(expected)


def test_those_that_disagree_drop_out(proposals):
    before, after = proposals.forecast(b"", 0), proposals.forecast(b"return", 1)
    assert after.left < before.left == pytest.approx(1.0)
    assert proposals.forecast(b"yield", 1) is None


def test_the_bytes_of_healing_are_said_again(tokenizer):
    index = TextIndex(tokenizer, [("a.py", TEXT)])
    cursor = CursorLines.of("class B:\n    def a(self):\n        ret", "", b"ret", one_line=True)
    streams = [p.stream for p in find_proposals([IndexView(index)], tokenizer, cursor)]
    assert b"return self.a\n" in streams
    assert all(stream.startswith(b"ret") for stream in streams)
