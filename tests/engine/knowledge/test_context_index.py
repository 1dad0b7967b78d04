import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.knowledge.context_index import DEPTH, SEPARATOR, ContextIndex

TEXTS = st.lists(st.lists(st.integers(0, 3), max_size=60), min_size=1, max_size=4)


def joined(texts):
    tokens = [SEPARATOR]
    for text in texts:
        tokens += [*text, SEPARATOR]
    return np.array(tokens, np.int32)


def places(tokens, context):
    """Where ``context`` stands right in front, found by looking everywhere."""
    size = len(context)
    return [i for i in range(size, len(tokens)) if list(tokens[i - size : i]) == context]


@settings(max_examples=150, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_every_length_has_the_places_that_looking_everywhere_finds(texts, context):
    tokens = joined(texts)
    index = ContextIndex(tokens)
    ranges = index.match(context)
    for length, (low, high) in enumerate(ranges, 1):
        found = sorted(index.order[low:high].tolist())
        assert found == places(tokens, context[-length:])
    if len(ranges) < min(len(context), DEPTH):
        assert places(tokens, context[-len(ranges) - 1 :]) == []


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 5))
def test_few_enough_places_end_the_search(texts, context, enough):
    index = ContextIndex(joined(texts))
    ranges, some = index.match(context), index.match(context, enough)
    assert some == ranges[: len(some)]
    assert all(high - low > enough for low, high in some[:-1])
    assert len(some) == len(ranges) or some[-1][1] - some[-1][0] <= enough


def test_a_long_copy_is_found_up_to_the_greatest_depth():
    text = list(range(50))
    index = ContextIndex(joined([text, text]))
    ranges = index.match(text[:40])
    assert len(ranges) == DEPTH
    assert ranges[-1][1] - ranges[-1][0] == 2


def test_nothing_is_found_in_nothing():
    assert ContextIndex(np.zeros(0, np.int32)).match([1]) == []
    assert ContextIndex(joined([[1, 2]])).match([]) == []
    assert ContextIndex(joined([[1, 2]])).match([9]) == []
