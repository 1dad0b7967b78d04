import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.knowledge.advice import merge
from engine.knowledge.forecast import DISCOUNT, blend
from engine.knowledge.text_index import TextIndex

FOLLOWERS = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=30), min_size=1, max_size=8)


def followers(*lists):
    return [(len(lists) - i, np.array(each, np.int32)) for i, each in enumerate(lists)]


@settings(deadline=None)
@given(FOLLOWERS)
def test_the_shares_of_a_forecast_sum_to_one(lists):
    forecast = blend(followers(*lists))
    assert forecast.shares.sum() == pytest.approx(1.0)
    assert (forecast.shares >= 0).all()
    assert len(set(forecast.tokens.tolist())) == len(forecast.tokens)


def test_longer_contexts_leave_the_discount_to_shorter_ones():
    forecast = blend(followers([5, 5, 5, 7], [5, 5, 5, 7, 8, 8]))
    shares = dict(zip(forecast.tokens.tolist(), forecast.shares.tolist(), strict=True))
    short = np.array([3 - DISCOUNT, 1 - DISCOUNT, 2 - DISCOUNT])
    short = short / short.sum()
    left = 2 * DISCOUNT / 4
    assert shares[5] == pytest.approx((3 - DISCOUNT) / 4 + left * short[0])
    assert shares[8] == pytest.approx(left * short[2])
    assert (forecast.length, forecast.count, forecast.kinds, forecast.purity) == (2, 4, 2, 0.75)


def test_without_continuations_there_is_no_forecast():
    assert blend([]) is None


def test_several_shelves_together_say_what_one_of_both_says(tokenizer):
    texts = [("a.py", "x = area(1)\ny = area(2)\n"), ("b.py", "z = area(1)\nshape = Shape()\n")]
    whole = TextIndex(tokenizer, texts)
    parts = [TextIndex(tokenizer, [text]) for text in texts]
    context = tokenizer.encode_part("w = area(")
    together = merge([part.followers(context) for part in parts])
    expected = whole.followers(context)
    lengths = {depth: sorted(tokens.tolist()) for depth, tokens in together}
    for depth, tokens in expected:
        assert lengths[depth] == sorted(tokens.tolist())


def test_a_hidden_text_says_nothing(tokenizer):
    index = TextIndex(tokenizer, [("a.py", "area(width)\n"), ("b.py", "area(height)\n")])
    context = tokenizer.encode_part("area(")
    both = {token for _, tokens in index.followers(context) for token in tokens.tolist()}
    one = {token for _, tokens in index.followers(context, ["a.py"]) for token in tokens.tolist()}
    assert one == {tokenizer.encode_part("height")[0]}
    assert one < both
