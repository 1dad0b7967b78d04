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
    return Proposals(tokenizer, [Proposal(v, k) for k, v in SCORES.items()], typed=3)


def first(tokenizer, text: str) -> int:
    return tokenizer.encode_part(text)[0]


def shares_of(forecast) -> dict[int, float]:
    votes = forecast.votes
    return dict(zip(votes.tokens.tolist(), votes.shares.tolist(), strict=True))


def test_proposals_vote_by_their_scores(tokenizer, proposals):
    shares = shares_of(proposals.forecast(b"", 0))
    weights = {text: np.exp(SHARPNESS * score) for text, score in SCORES.items()}
    assert sum(shares.values()) == pytest.approx(1.0)
    expected = weights[b"pass\n"] / sum(weights.values())
    assert shares[first(tokenizer, "pass")] == pytest.approx(expected)


def test_those_that_disagree_drop_out(proposals):
    before, after = proposals.forecast(b"", 0), proposals.forecast(b"return", 1)
    assert after.left < before.left == pytest.approx(1.0)
    assert proposals.forecast(b"yield", 1) is None


def test_those_that_remain_vote_for_what_follows(tokenizer, proposals):
    shares = shares_of(proposals.forecast(b"return", 1))
    assert set(shares) == {first(tokenizer, " self\n"), first(tokenizer, " None\n")}
    odds = np.exp(SHARPNESS * 0.1)
    assert shares[first(tokenizer, " self\n")] == pytest.approx(odds / (1 + odds))


def test_a_forecast_knows_how_much_there_is_to_it(proposals):
    whole, rest = proposals.forecast(b"", 0), proposals.forecast(b"pa", 2)
    assert (whole.best, whole.steps, whole.typed, whole.found) == (1.0, 0, 3, 3)
    assert (rest.best, rest.steps, rest.typed, rest.found) == (0.5, 2, 3, 3)
    weights = [np.exp(SHARPNESS * score) for score in SCORES.values()]
    assert rest.left == pytest.approx(weights[-1] / sum(weights))


def test_the_rest_of_the_best_that_remains(proposals):
    rest, share = proposals.rest(b"")
    weights = np.array([np.exp(SHARPNESS * score) for score in SCORES.values()])
    assert (rest, share) == (b"return self\n", pytest.approx(weights[0] / weights.sum()))
    assert proposals.rest(b"return N") == (b"one\n", pytest.approx(1.0))
    assert proposals.rest(b"pass\n") is None
    assert proposals.rest(b"yield") is None


def test_a_proposal_that_is_said_has_no_vote(proposals):
    assert proposals.forecast(b"pass", 1) is not None
    assert proposals.forecast(b"pass\n", 2) is None


def test_proposals_with_the_same_first_token_vote_together(tokenizer):
    both = Proposals(tokenizer, [Proposal(1.0, b"ab"), Proposal(1.0, b"ac")], typed=0)
    assert shares_of(both.forecast(b"", 0)) == {first(tokenizer, "a"): pytest.approx(1.0)}


def test_tokens_with_half_a_character_may_be_said(tokenizer):
    # The rest of the proposal begins inside a character: no UTF-8, but still a vote.
    (vote,) = shares_of(
        Proposals(tokenizer, [Proposal(1.0, "é\n".encode())], 0).forecast(b"\xc3", 1)
    )
    assert vote == first(tokenizer, "�\n")


def test_without_proposals_there_is_no_forecast(tokenizer):
    assert Proposals(tokenizer, [], typed=0).forecast(b"", 0) is None


# ── from indexed lines ──────────────────────────────────────────────────────────────────────


def streams(tokenizer, prefix: str, healing: bytes, *, one_line: bool = True) -> list[bytes]:
    index = TextIndex(tokenizer, [("a.py", TEXT)])
    cursor = CursorLines.of(prefix, "", healing, one_line=one_line)
    found = find_proposals([IndexView(index)], tokenizer, cursor)
    scores = [proposal.score for proposal in found]
    assert scores == sorted(scores, reverse=True)
    return [proposal.stream for proposal in found]


def test_the_bytes_of_healing_are_said_again(tokenizer):
    found = streams(tokenizer, "class B:\n    def a(self):\n        ret", b"ret")
    assert b"return self.a\n" in found
    assert all(stream.startswith(b"ret") for stream in found)


def test_a_proposal_goes_on_where_several_lines_are_wanted(tokenizer):
    prefix = "class A:\n    "
    assert streams(tokenizer, prefix, b"")[0] == b"def a(self):\n"
    several = streams(tokenizer, prefix, b"", one_line=False)
    assert several[0].startswith(b"def a(self):\n        return self.a\n")
