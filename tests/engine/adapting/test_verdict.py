"""When enough questions were asked, and what a comparison counts."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.adapting import verdict
from engine.adapting.verdict import compare_answers, is_settled

scores = st.sampled_from([-1.0, 0.0, 1.0])


@given(st.lists(scores, min_size=1, max_size=60))
def test_where_nothing_is_gained_asking_ends(gained):
    if sum(gained) <= 0:
        assert is_settled(gained)


@pytest.mark.parametrize(
    ("better", "worse", "of", "settled"),
    [(18, 12, 400, False), (30, 12, 400, False), (26, 4, 400, True), (12, 18, 400, True)],
)
def test_a_gain_settles_it_from_three_standard_errors_on(better, worse, of, settled):
    gained = [1.0] * better + [-1.0] * worse + [0.0] * (of - better - worse)
    assert is_settled(gained) is settled


def compared(monkeypatch, before: str, after: str, look: int) -> dict[str, object]:
    """Compare two sides whose answers are right where their text has a 1."""

    def asked(kind, questions, sides, *, scored):
        assert not scored
        for _, number in questions:
            yield {
                "before": {"exact": before[number] == "1"},
                "after": {"exact": after[number] == "1"},
            }

    monkeypatch.setattr(verdict, "ask_both", asked)
    monkeypatch.setattr(verdict, "question_of", lambda kind, item: item)
    both = (SimpleNamespace(), SimpleNamespace())
    done: list[int] = []
    figures = compare_answers(both, "mid", range(len(before)), look, (), done.append, 0)
    assert done == list(range(1, figures["n"] + 1))
    return figures


def test_all_is_asked_while_it_is_open(monkeypatch):
    figures = compared(monkeypatch, "0000100000" * 4, "0100100000" * 2 + "0000100000" * 2, 10)
    assert (figures["n"], figures["before"], figures["after"]) == (40, 0.1, 0.15)
    assert (figures["gained"], figures["lost"]) == (2, 0)


def test_asking_ends_at_a_look_and_not_between(monkeypatch):
    assert compared(monkeypatch, "0" * 40, "1" * 4 + "0" * 36, 10)["n"] == 40
    assert compared(monkeypatch, "1" * 40, "0" * 40, 10)["n"] == 10
    assert compared(monkeypatch, "0" * 40, "1" * 40, 15)["n"] == 15
