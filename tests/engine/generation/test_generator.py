import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PromptError
from engine.generation.generator import PREFILL_CHUNK, Generation, Generator
from engine.generation.kept_prompts import common_length
from engine.generation.sampling import greedy
from tests.canned import FIRST_BYTE_TOKEN, CannedRunner


def generate(generator, prompt, max_tokens=3, cancelled=lambda: False):
    generation = Generation()
    tokens = list(generator.run(prompt, greedy, max_tokens, generation, cancelled))
    return tokens, generation


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_common_length(a, b):
    n = common_length(a, b)
    assert a[:n] == b[:n]
    assert n == min(len(a), len(b)) or a[n] != b[n]


def test_tokens_are_what_the_runner_says():
    tokens, generation = generate(Generator(CannedRunner("abc")), [1, 2], 3)
    assert bytes(token - FIRST_BYTE_TOKEN for token in tokens) == b"abc"
    assert (generation.prompt_tokens, len(tokens)) == (2, 3)
    assert [step.decode for step in generation.steps] == [False, True, True]


def test_a_text_is_taken_up_at_another_of_its_tokens():
    runner, generation = CannedRunner("abcd"), Generation()
    generator = Generator(runner)
    list(generator.run([1, 2], greedy, 3, generation))
    runner.calls.clear()
    kept = FIRST_BYTE_TOKEN + ord("a")
    list(generator.run([1, 2], greedy, 3, generation, written=[kept, 9]))
    assert runner.calls == [("rewind", 3), ("decode", 9)]
    assert list(generator.run([1, 2], greedy, 2, generation, written=[kept, 9])) == []


def test_the_last_token_is_not_computed():
    runner = CannedRunner("abc")
    generate(Generator(runner), [1], 3)
    assert [name for name, _ in runner.calls].count("decode") == 2


def test_leaving_the_loop_computes_nothing_more():
    runner = CannedRunner("abc")
    for _ in Generator(runner).run([1], greedy, 9, Generation()):
        break
    assert [name for name, _ in runner.calls].count("decode") == 0


def test_a_long_prompt_goes_in_chunks():
    runner = CannedRunner("a")
    generate(Generator(runner), list(range(150)), 1)
    assert [n for name, n in runner.calls if name == "prefill"] == [64, 64, 22]


def test_a_shared_beginning_is_not_computed_again():
    runner = CannedRunner("ab")
    generator = Generator(runner)
    generate(generator, [*range(100), 1, 2], 1)
    runner.calls.clear()
    _, generation = generate(generator, [*range(100), 7], 1)
    assert runner.calls == [("rewind", 100), ("prefill", 1)]
    assert generation.cached_tokens == 100


def test_generated_tokens_count_as_cached_when_the_next_prompt_has_them():
    runner = CannedRunner("abcdef")
    generator = Generator(runner)
    tokens, _ = generate(generator, [1, 2], 5)
    _, generation = generate(generator, [1, 2, *tokens[:4], 9], 1)
    assert generation.cached_tokens == 6


def test_the_same_prompt_again_costs_one_row():
    runner = CannedRunner("ab")
    generator = Generator(runner)
    generate(generator, list(range(80)), 1)
    runner.calls.clear()
    _, generation = generate(generator, list(range(80)), 1)
    assert runner.calls == [("rewind", 79), ("prefill", 1)]
    assert generation.cached_tokens == 79


@pytest.mark.parametrize("steps", range(5))
def test_a_cancel_is_heard_between_steps_and_keeps_the_cache(steps):
    runner = CannedRunner("abcdef")
    generator = Generator(runner)
    done = []
    generator = Generator(runner, on_step=done.append)
    prompt = list(range(2 * PREFILL_CHUNK))
    _, generation = generate(generator, prompt, 6, lambda: len(done) >= steps)
    assert generation.cancelled
    assert len(done) == steps
    computed = sum(step.rows for step in done)
    assert generator.position == runner.position == computed
    _, again = generate(generator, prompt, 1)
    assert again.cached_tokens == min(computed, len(prompt) - 1)


def test_a_runner_that_fails_costs_the_cache_and_not_the_next_request():
    class Failing(CannedRunner):
        def decode(self, token: int) -> np.ndarray:
            raise RuntimeError("broken")

    runner = Failing("abc")
    generator = Generator(runner)
    with pytest.raises(RuntimeError):
        generate(generator, [1, 2, 3], 2)
    _, generation = generate(generator, [1, 2, 3], 1)
    assert generation.cached_tokens == 0
    assert runner.position == 3


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "message"),
    [([], 1, "empty"), ([1], 0, "below 1"), ([1] * 500, 13, "context of 512")],
)
def test_an_impossible_request_is_refused(prompt, max_tokens, message):
    with pytest.raises(PromptError, match=message):
        generate(Generator(CannedRunner("a")), prompt, max_tokens)


def test_a_full_context_is_possible():
    tokens, _ = generate(Generator(CannedRunner("a" * 600)), [1] * 500, 12)
    assert len(tokens) == 12


def test_what_is_dictated_is_computed_in_one_pass_with_the_prompt():
    runner, rows = CannedRunner("abc"), []
    said = [FIRST_BYTE_TOKEN + byte for byte in b"abc"]

    def pick(logits: np.ndarray) -> int:
        rows.append(int(logits.argmax()))
        return said[len(rows) - 1]

    run = Generator(runner).run([1, 2], pick, 3, Generation(), dictated=said)
    assert list(run) == rows == said
    assert [call for call in runner.calls if call[0] != "rewind"][-1:] == [("verify", 4)]
    assert "decode" not in {name for name, _ in runner.calls}


def test_what_is_picked_counts_and_not_what_is_dictated():
    runner = CannedRunner("abc")
    said = [FIRST_BYTE_TOKEN + byte for byte in b"axc"]
    run = Generator(runner).run([1, 2], greedy, 3, Generation(), dictated=said)
    assert bytes(token - FIRST_BYTE_TOKEN for token in run) == b"abc"
