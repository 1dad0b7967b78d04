"""What ``wafer predict vector`` answers and refuses, as a function."""

import pytest

from engine.errors import PredictionError
from engine.wafer.figures.targets import core_targets
from engine.wafer.figures.vector_question import vector


def test_the_answer_says_what_decided():
    answer = vector("wse3", elements=5_124, apart=16).as_json()

    assert answer["cycles"] == 10_254
    assert answer["bank_conflict"] is True
    assert answer["elements_per_cycle"] == 1.0


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"elements": 0}, "elements is 0"),
        ({"elements": 6_145}, "49160 bytes.*49152 bytes of SRAM: use at most 6144 elements"),
        ({"elements": 8, "kind": "fdivs"}, "unknown kind 'fdivs'"),
        ({"elements": 8, "apart": -4}, "apart is -4"),
    ],
)
def test_what_makes_no_sense_is_refused(question, words):
    with pytest.raises(PredictionError, match=words):
        vector("wse3", **question)


def test_the_targets_hold():
    rows = list(core_targets.vectors())

    assert [row.holds for row in rows] == [True, True]
