import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.quality.scores import edit_similarity, interval, mean, ratio_interval

TEXTS = st.text(alphabet="ab (\n", max_size=12)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("", "", 1.0),
        ("", "abc", 0.0),
        ("abc", "abc", 1.0),
        ("kitten", "sitting", 2 * 4 / 13),  # i, t, t, n
        ("abcd", "badc", 0.5),  # b, d; a matcher of blocks would find less
    ],
)
def test_edit_similarity_of_hand_worked_pairs(a: str, b: str, expected: float) -> None:
    assert edit_similarity(a, b) == pytest.approx(expected)


def longest_common_subsequence(a: str, b: str) -> int:
    if not a or not b:
        return 0
    if a[-1] == b[-1]:
        return longest_common_subsequence(a[:-1], b[:-1]) + 1
    return max(longest_common_subsequence(a[:-1], b), longest_common_subsequence(a, b[:-1]))


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_edit_similarity_is_twice_the_common_part_of_both(a: str, b: str) -> None:
    total = len(a) + len(b)
    expected = 2 * longest_common_subsequence(a, b) / total if total else 1.0
    assert edit_similarity(a, b) == pytest.approx(expected)


@given(TEXTS, TEXTS)
def test_edit_similarity_is_symmetric_and_a_share(a: str, b: str) -> None:
    assert edit_similarity(a, b) == edit_similarity(b, a)
    assert 0.0 <= edit_similarity(a, b) <= 1.0
    assert (edit_similarity(a, b) == 1.0) == (a == b)


def test_the_mean_of_nothing_is_not_zero() -> None:
    assert mean([]) is None
    assert mean([1.0, 0.0]) == 0.5
    assert interval([], 0) is None


def test_an_interval_of_equal_values_is_that_value() -> None:
    assert interval([1.0] * 10, 0) == [1.0, 1.0]


def test_an_interval_is_that_of_a_share() -> None:
    low, high = interval([1.0] * 30 + [0.0] * 70, 0) or [0.0, 0.0]
    # ± 1.96·√(p(1−p)/n) about 0.3
    assert low == pytest.approx(0.21, abs=0.02)
    assert high == pytest.approx(0.39, abs=0.02)


def test_an_interval_narrows_with_the_root_of_the_number() -> None:
    few = interval([1.0, 0.0] * 20, 0) or [0.0, 0.0]
    many = interval([1.0, 0.0] * 320, 0) or [0.0, 0.0]
    assert (few[1] - few[0]) / (many[1] - many[0]) == pytest.approx(4, rel=0.2)


def test_an_interval_is_the_same_for_a_seed_only() -> None:
    values = [i**0.5 for i in range(50)]
    assert interval(values, 3) == interval(values, 3)
    assert interval(values, 3) != interval(values, 4)


def test_the_interval_of_a_ratio_weighs_groups_by_their_size() -> None:
    low, high = ratio_interval([0.0, 90.0], [10.0, 90.0], 0) or [0.0, 0.0]
    # Samples of two groups: the small one twice, both, the large one twice.
    assert (low, high) == (0.0, 1.0)
    assert ratio_interval([9.0, 90.0], [10.0, 100.0], 0) == [pytest.approx(0.9), pytest.approx(0.9)]
