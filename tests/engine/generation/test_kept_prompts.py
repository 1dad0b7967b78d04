"""Which cache a prompt is computed in, with caches that hold tokens for rows."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.generation.generator import Generation, Generator
from engine.generation.kept_prompts import SMALL_LOSS, KeptPrompts, common_length
from engine.generation.sampling import greedy
from tests.canned import CannedRunner


class Rows:
    """Caches whose rows are the tokens themselves."""

    def __init__(self, contexts=4, row_bytes=10):
        self.contexts = contexts
        self.row_bytes = row_bytes
        self.rows = {0: []}
        self.room = {}
        self.selected = 0
        self.copied = 0

    def rewind(self, position):
        assert position <= len(self.rows[self.selected])
        del self.rows[self.selected][position:]

    def select(self, context, rows):
        assert 0 <= context < self.contexts
        self.selected = context
        self.rows.setdefault(context, [])
        self.room[context] = max(rows, self.room.get(context, 0))

    def copy_rows(self, source, target, rows):
        assert rows <= len(self.rows[source])
        self.rows[target] = self.rows[source][:rows]
        self.copied += rows

    def release(self, context):
        del self.rows[context], self.room[context]

    def context_bytes(self, rows):
        return self.row_bytes * rows

    @property
    def size_bytes(self):
        return sum(map(self.context_bytes, self.room.values()))


def compute(kept, rows, prompt, more=0):
    """Bring a cache to a prompt; return how many rows were computed."""
    begun = kept.begin(prompt, len(prompt) - 1, len(prompt) + more)
    assert kept.tokens == prompt[:begun] == rows.rows[rows.selected]
    kept.tokens.extend(prompt[begun:])
    rows.rows[rows.selected].extend(prompt[begun:])
    kept.note_prompt(len(prompt))
    return len(prompt) - begun


def text(seed, length=100):
    return random.Random(seed).choices(range(1000), k=length)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 90), st.integers(0, 2)), max_size=40),
    st.integers(1, 4),
    st.integers(0, 3000),
)
@settings(max_examples=60)
def test_a_cache_holds_what_it_is_said_to_hold(prompts, contexts, budget):
    rows = Rows(contexts)
    kept = KeptPrompts(rows, budget)
    for which, length, other in prompts:
        prompt = text(which)[:length] + [other] * other
        held = kept.held(prompt)
        assert compute(kept, rows, prompt, more=5) == len(prompt) - min(held, len(prompt) - 1)
        assert kept.size_bytes == rows.size_bytes
        alone = rows.context_bytes(rows.room[rows.selected])
        assert kept.size_bytes <= max(budget, alone)
        assert rows.rows[rows.selected] == prompt


def test_files_that_are_returned_to_cost_one_row():
    rows = Rows()
    kept = KeptPrompts(rows, 10_000)
    for file in (1, 2, 3):
        assert compute(kept, rows, text(file)) == 100
    assert [compute(kept, rows, text(file)) for file in (1, 2, 3, 2)] == [1, 1, 1, 1]
    assert kept.contexts == 3


def test_what_was_used_longest_ago_goes():
    rows = Rows()
    kept = KeptPrompts(rows, 2_000)  # two prompts of 100 rows
    for file in (1, 2, 1, 3):
        compute(kept, rows, text(file))
    assert kept.size_bytes == 2_000
    assert compute(kept, rows, text(1)) == 1
    assert compute(kept, rows, text(2)) == 100


def test_a_shared_beginning_is_copied():
    rows = Rows()
    kept = KeptPrompts(rows, 10_000)
    first = text(1)
    second = [*first[:60], *text(2, 40)]
    compute(kept, rows, first)
    assert compute(kept, rows, second) == 40
    assert rows.copied == 60
    assert compute(kept, rows, first) == 1


def test_typing_stays_in_its_cache_and_so_do_a_few_tokens_taken_back():
    rows = Rows()
    kept = KeptPrompts(rows, 10_000)
    prompt = text(1)
    compute(kept, rows, prompt)
    kept.tokens.extend(range(50))  # what was generated may go
    rows.rows[0].extend(range(50))
    assert compute(kept, rows, [*prompt, 7]) == 1
    assert compute(kept, rows, [*prompt[: 1 - SMALL_LOSS], 8]) == 1
    assert (kept.contexts, rows.copied) == (1, 0)
    compute(kept, rows, prompt)
    compute(kept, rows, [*prompt[: -SMALL_LOSS - 1], 8])
    assert (kept.contexts, rows.copied) == (2, 100 - SMALL_LOSS - 1)


@pytest.mark.parametrize(("contexts", "budget"), [(1, 10_000), (4, 0), (4, 1_500)])
def test_without_room_for_two_there_is_one(contexts, budget):
    rows = Rows(contexts)
    kept = KeptPrompts(rows, budget)
    for file in (1, 2, 1):
        assert compute(kept, rows, text(file)) == 100
        assert not kept.has_room_beside(100)
    assert kept.contexts == 1


@given(
    st.lists(st.integers(0, 3), max_size=200), st.lists(st.integers(0, 3), max_size=9), st.data()
)
def test_the_common_length_of_long_lists(a, tail, data):
    at = data.draw(st.integers(0, len(a)))
    b = [*a[:at], *tail]
    n = common_length(a, b)
    assert a[:n] == b[:n]
    assert n == min(len(a), len(b)) or a[n] != b[n]


# ── a generator with several caches ─────────────────────────────────────────────────────────


def test_a_prompt_is_computed_ahead_beside_the_one_in_use():
    runner = CannedRunner("ab", contexts=3)
    generator = Generator(runner, budget_bytes=1_000)
    first, second = list(range(100)), list(range(200, 300))
    list(generator.run(first, greedy, 2, Generation()))
    assert generator.prefill(second, 8, lambda: False)
    for prompt in (first, second):
        generation = Generation()
        list(generator.run(prompt, greedy, 1, generation))
        assert generation.cached_tokens == 99


def test_a_prompt_ahead_stops_and_goes_on():
    runner = CannedRunner("ab", contexts=3)
    generator = Generator(runner, budget_bytes=1_000)
    list(generator.run([1, 2], greedy, 1, Generation()))
    ahead = list(range(5, 205))
    answers = iter([False, False, False, True])  # at first, and before each of three chunks
    assert not generator.prefill(ahead, 8, lambda: next(answers))
    assert generator.kept.held(ahead) == 128
    runner.calls.clear()
    assert generator.prefill(ahead, 8, lambda: False)
    assert [n for name, n in runner.calls if name == "prefill"] == [64, 8]


def test_nothing_is_computed_ahead_where_it_would_cost_the_prompt_in_use():
    for runner, budget in ((CannedRunner("a"), 1_000), (CannedRunner("a", contexts=3), 150)):
        generator = Generator(runner, budget_bytes=budget)
        list(generator.run([1, 2], greedy, 1, Generation()))
        assert not generator.prefill(list(range(150)), 8, lambda: False)
        assert generator.kept.held([1, 2]) == 2
