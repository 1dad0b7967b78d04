"""Guessed tokens change how many passes a text takes, never the text, its logits or the cache."""

import hashlib
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.generation.generator import Generation, Generator
from engine.generation.sampling import greedy, make_sampler
from engine.generation.speculation import LONG_GUESS, MAX_GUESSED, Guess, Speculation

VOCABULARY = 6
quick = settings(max_examples=60, deadline=None, derandomize=True)


class SequenceRunner:
    """Logits that follow from all tokens before them, as a transformer's do."""

    context_length = 96
    contexts = 1

    def select(self, context, rows):
        assert (context, rows <= self.context_length) == (0, True)

    def context_bytes(self, rows):
        return 0

    def __init__(self):
        self.rows, self.passes = [], []

    @property
    def position(self):
        return len(self.rows)

    def rewind(self, position):
        assert 0 <= position <= len(self.rows)
        del self.rows[position:]

    def prefill(self, tokens):
        return self.verify(tokens, 1)[0]

    def decode(self, token):
        return self.verify(np.array([token], np.int32), 1)[0]

    def verify(self, tokens, last):
        assert 1 <= last <= len(tokens) <= 64
        self.rows += tokens.tolist()
        assert len(self.rows) <= self.context_length
        self.passes.append((len(tokens), last))
        return np.stack([self._logits(len(self.rows) - last + 1 + i) for i in range(last)])

    def _logits(self, end):
        seed = hashlib.blake2b(bytes(self.rows[:end]), digest_size=8).digest()
        random = np.random.default_rng(int.from_bytes(seed, "little"))
        return random.normal(0, 1, VOCABULARY).astype(np.float32)


class Eager(Speculation):
    """Verifies all that is guessed."""

    def ask(self, source, most):
        return source(min(most, MAX_GUESSED)) if most > 0 else ()

    def best(self, guesses):
        return guesses[0].tokens if guesses else ()


def written(prompt, pick, most, *, guess=None, stop=None, cancel=None, before=(), on=None):
    """The tokens, the logits they were chosen from, and the generator behind them."""
    speculation = on or (Eager() if guess else None)
    runner, seen, tokens, calls = SequenceRunner(), [], [], count()
    generator, generation = Generator(runner, speculation=speculation), Generation()

    def noted(logits):
        seen.append(logits.copy())
        return pick(logits)

    def cancelled():
        return cancel is not None and next(calls) >= cancel

    run = generator.run(prompt, noted, most, generation, cancelled, before, guess)
    for token in run:
        tokens.append(token)
        if stop is not None and len(tokens) >= stop:
            break
    run.close()
    return tokens, seen, generator, generation


@quick
@given(
    prompt=st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=70),
    most=st.integers(1, 20),
    share=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    temperature=st.sampled_from([0.0, 1.0]),
    stop=st.none() | st.integers(1, 20),
    cancel=st.none() | st.integers(0, 20),
    before=st.lists(st.integers(0, VOCABULARY - 1), max_size=3),
    seed=st.integers(0, 999),
)
def test_any_guesses_give_the_same_tokens_logits_and_cache(
    prompt, most, share, temperature, stop, cancel, before, seed
):
    def pick():
        return make_sampler(temperature, seed=7)

    plain = written(prompt, pick(), most, stop=stop, cancel=cancel, before=before)
    right, *_ = written(prompt, pick(), most, before=before)
    random, said = np.random.default_rng(seed), []

    def guess(limit):
        number = int(random.integers(0, limit + 1))
        tokens = [
            token if random.random() < share else int(random.integers(0, VOCABULARY))
            for token in right[len(said) : len(said) + number]
        ]
        return [Guess(tokens, ("oracle", 0), 0.5)]

    sampler = pick()

    def counted(logits):
        said.append(sampler(logits))
        return said[-1]

    fast = written(prompt, counted, most, guess=guess, stop=stop, cancel=cancel, before=before)

    assert fast[0] == plain[0]
    assert np.array_equal(np.array(fast[1]), np.array(plain[1]))
    assert fast[3].cancelled == plain[3].cancelled
    assert (fast[3].prompt_tokens, fast[3].cached_tokens) == (
        plain[3].prompt_tokens, plain[3].cached_tokens,
    )  # fmt: skip
    ended = [each[2]._runner.rows[: each[2].position] for each in (fast, plain)]
    if cancel is None or cancel > len(plain[0]):
        assert ended[0] == ended[1]
    assert fast[2]._held == fast[2]._runner.rows
    assert sum(step.used for step in fast[3].steps if step.logits > 1 or step.decode) <= most + 1


def guesser(right, said):
    return lambda limit: [Guess(right[len(said) : len(said) + limit], ("right", 0), 0.9)]


def test_right_guesses_save_passes():
    plain = written([1, 2, 3], greedy, 17)
    said = []

    def pick(logits):
        said.append(greedy(logits))
        return said[-1]

    fast = written([1, 2, 3], pick, 17, guess=guesser(plain[0], said))
    assert fast[0] == plain[0]
    assert len(plain[2]._runner.passes) == 17
    assert fast[2]._runner.passes == [(10, 8), (8, 8), (1, 1)]
    assert [(step.logits, step.used, step.decode) for step in fast[3].steps] == [
        (8, 8, False), (8, 8, True), (1, 1, True),
    ]  # fmt: skip


def test_nothing_is_guessed_beyond_the_last_token_or_the_context():
    asked = []

    def guess(limit):
        asked.append(limit)
        return []

    written([1] * 60, greedy, 5, guess=guess)
    assert asked == [4, 3, 2, 1]
    asked.clear()
    written([1] * 90, greedy, 6, guess=guess)
    assert asked[0] == 5


def test_a_single_token_asks_for_no_guess():
    def guess(limit):
        raise AssertionError("asked")

    assert len(written([1, 2], greedy, 1, guess=guess)[0]) == 1


def test_a_run_that_was_left_open_does_not_disturb_the_next():
    runner = SequenceRunner()
    generator = Generator(runner, speculation=Eager())
    right, *_ = written([1, 2], greedy, 9)
    left = generator.run([1, 2], greedy, 9, Generation(), guess=guesser(right, []))
    next(left)
    again = list(generator.run([1, 2], greedy, 9, Generation()))
    held = list(runner.rows)
    left.close()
    assert again == right
    assert runner.rows == held


# ── what is worth it ────────────────────────────────────────────────────────────────────────


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def learnt(*, costs, shares, passes=400):
    """A session in which a pass of m rows takes ``costs[m]`` and guesses are right as often."""
    clock = Clock()
    speculation = Speculation(clock)
    random = np.random.default_rng(1)
    spent = chosen = 0.0
    lengths = []
    while chosen < passes:
        guesses = (
            [Guess([1] * MAX_GUESSED, (name, 0), 0.6) for name in shares]
            if speculation.ask(lambda most: [Guess([1], ("", 0), 0.5)], 7)
            else []
        )
        taken = speculation.best(guesses)
        kind = next((g for g in guesses if g.tokens[: len(taken)] == taken), None)
        share = shares[kind.kind[0]] if kind and taken else 0.0
        used = 1
        while used <= len(taken) and random.random() < share:
            used += 1
        seconds = costs(1 + len(taken))
        speculation.note_pass(1 + len(taken), seconds, used)
        for guess in guesses:
            hits = [1 if random.random() < shares[guess.kind[0]] else 0 for _ in range(used)]
            speculation.note_chosen([guess], hits)
        lengths.append(len(taken))
        spent, chosen = spent + seconds, chosen + used
    return chosen / spent * costs(1), lengths, speculation


def test_cheap_passes_and_right_guesses_are_used_in_full():
    speed, lengths, _ = learnt(costs=lambda rows: 0.9 + 0.1 * rows, shares={"a": 0.9})
    assert speed > 2.5
    assert np.mean(lengths[-20:]) > 4


@pytest.mark.parametrize("slope", [0.1, 0.5, 1.0])
def test_wrong_guesses_cost_less_than_3_percent(slope):
    speed, lengths, _ = learnt(
        costs=lambda rows: 1 - slope + slope * rows, shares={"a": 0.02}, passes=600
    )
    assert speed > 0.97
    assert sum(lengths[-100:]) <= 10


def test_no_more_is_risked_than_the_account_holds():
    speculation = Speculation(Clock())
    speculation.note_pass(1, 1.0, 1)
    guess = Guess([1] * MAX_GUESSED, ("a", 0), 0.9)
    lost = 0.0
    while taken := speculation.best([guess]):
        rows = 1 + len(taken)
        lost += 0.5 * len(taken)
        speculation.note_pass(rows, 1.0 + 0.5 * len(taken), 1)
    assert 0.0 < lost <= 1.5  # what a session begins with, and less than a further row


def test_dear_passes_are_not_used():
    speed, lengths, _ = learnt(costs=lambda rows: rows, shares={"a": 0.7})
    assert speed > 0.97
    assert np.mean(lengths[-50:]) < 0.2


def test_a_better_kind_of_guess_is_preferred():
    speculation = Speculation(Clock())
    speculation.note_pass(1, 1.0, 1)
    bad, good = Guess([1, 2], ("bad", 0), 0.5), Guess([3, 4], ("good", 0), 0.5)
    for _ in range(20):
        speculation.note_chosen([bad, good], [3, 4])
    assert speculation.best([bad, good]) == [3, 4]
    assert speculation.best([bad]) == ()


def test_looking_that_takes_long_and_finds_nothing_is_given_up():
    clock = Clock()
    speculation = Speculation(clock)
    asked = 0

    def slow(most):
        nonlocal asked
        asked += 1
        clock.now += 0.2
        return []

    for _ in range(500):
        speculation.ask(slow, 5)
        speculation.note_pass(1, 1.0, 1)
    assert asked * 0.2 < 0.03 * 500


def test_a_slow_moment_of_the_computer_is_forgotten():
    speculation = Speculation(Clock())
    speculation.note_pass(1, 1.0, 1)
    speculation.note_pass(2, 50.0, 1)
    assert speculation.cost(2) <= 2.2
    for _ in range(20):
        speculation.note_pass(2, 1.1, 2)
    assert speculation.cost(2) < 1.2


def test_longer_guesses_are_tried_once_shorter_ones_all_held():
    def cost(rows):
        return 0.7 + 0.3 * rows

    speculation = Speculation(Clock())
    speculation.note_pass(1, cost(1), 1)
    lengths = []
    for _ in range(60):
        guess = Guess([1] * LONG_GUESS, ("a", 0), 0.9)
        taken = speculation.best([guess])
        rows = 1 + len(taken)
        speculation.note_pass(rows, cost(rows), rows)
        speculation.note_chosen([guess], [1] * rows)
        lengths.append(len(taken))
    assert lengths[0] <= 2
    assert max(lengths[:12]) >= 12
    assert min(lengths[-10:]) >= 20


def test_a_pass_that_took_long_for_another_reason_stops_no_longer_ones():
    speculation = Speculation(Clock())
    speculation.note_pass(1, 1.0, 1)
    speculation.note_pass(9, 9.0, 9)
    speculation.note_pass(12, 3.0, 12)
    assert speculation.cost(9) == speculation.cost(12) == 3.0
    assert speculation.cost(10) == 3.0
