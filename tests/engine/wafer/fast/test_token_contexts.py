"""Several KV caches of one model, and steps that are interrupted: the bits of a fresh cache."""

import threading

import numpy as np
import pytest

from engine.errors import EngineError, StepInterruptedError
from engine.generation.generator import Generation, Generator
from engine.generation.sampling import greedy
from engine.wafer.program import machine
from tests.tiny import tiny_model
from tests.wafers import opened


@pytest.fixture(scope="module")
def long_runner():
    """A tiny model with room for more positions than a cache gets at first."""
    return opened(tiny_model(seed=4, context=600), machine.get("small"))


def logits_of(runner, tokens):
    """The last logits of a sequence computed alone, in steps of 16 rows."""
    runner.select(31, len(tokens))
    runner.rewind(0)
    for start in range(0, len(tokens), 16):
        logits = runner.prefill(np.array(tokens[start : start + 16], np.int32))
    runner.release(31)
    return logits


def some_tokens(random, model, count):
    return [int(token) for token in random.integers(0, model.graph.vocabulary, count)]


def test_caches_do_not_touch_each_other(tiny_runner, tiny):
    random = np.random.default_rng(1)
    texts = [some_tokens(random, tiny, 9) for _ in range(3)]
    whole = [logits_of(tiny_runner, text) for text in texts]
    for context, text in enumerate(texts):
        tiny_runner.select(context, 9)
        tiny_runner.rewind(0)
        tiny_runner.prefill(np.array(text[:8], np.int32))
    for context, text in enumerate(texts):
        tiny_runner.select(context, 9)
        assert tiny_runner.position == 8
        assert np.array_equal(tiny_runner.decode(text[8]), whole[context])


def test_copied_rows_are_the_rows(tiny_runner, tiny):
    random = np.random.default_rng(2)
    text, other = some_tokens(random, tiny, 12), some_tokens(random, tiny, 3)
    tiny_runner.select(0, 12)
    tiny_runner.rewind(0)
    tiny_runner.prefill(np.array(text, np.int32))
    tiny_runner.copy_rows(0, 1, 7)
    assert tiny_runner.position == 12  # copying selects nothing
    tiny_runner.select(1, 10)
    assert tiny_runner.position == 7
    logits = tiny_runner.prefill(np.array(other, np.int32))
    assert np.array_equal(logits, logits_of(tiny_runner, [*text[:7], *other]))
    tiny_runner.select(0, 13)
    assert np.array_equal(tiny_runner.decode(other[0]), logits_of(tiny_runner, [*text, other[0]]))
    tiny_runner.release(1)
    tiny_runner.select(1, 1)
    assert tiny_runner.position == 0


def test_a_cache_grows_with_its_rows(long_runner):
    random = np.random.default_rng(3)
    text = [int(token) for token in random.integers(0, 200, 560)]
    whole = logits_of(long_runner, text)
    long_runner.select(0, 1)
    sizes = set()
    for start in range(0, 560, 56):
        logits = long_runner.prefill(np.array(text[start : start + 56], np.int32))
        sizes.add(long_runner.executor.contexts.selected.context)
    assert np.array_equal(logits, whole)
    assert len(sizes) == 3
    assert long_runner.context_bytes(10) < long_runner.context_bytes(300)


def test_a_tier_with_one_cache_refuses_another(tiny):
    from engine.wafer.plan.placed import TierRunner

    class One(TierRunner):
        position = 0

        def __init__(self):
            pass

        def move_to(self, position):
            pass

        def step(self, tokens):
            raise AssertionError

    one = One()
    one.select(0, 5)
    one.interrupt()
    assert (one.contexts, one.context_bytes(100)) == (1, 0)
    for refused in (lambda: one.select(1, 5), lambda: one.copy_rows(0, 1, 2)):
        with pytest.raises(EngineError, match="KV cache 1: this tier keeps one"):
            refused()


@pytest.mark.parametrize("seed", range(3))
def test_any_prompts_in_any_caches_give_the_logits_of_a_fresh_one(tiny_runner, tiny, seed):
    random = np.random.default_rng(400 + seed)
    budget = tiny_runner.context_bytes(40) * 3
    generator = Generator(tiny_runner, budget_bytes=budget)
    stems = [some_tokens(random, tiny, 30) for _ in range(3)]
    seen = []
    for _ in range(25):
        stem = stems[random.integers(3)]
        prompt = [*stem[: random.integers(1, 31)], *some_tokens(random, tiny, random.integers(3))]
        if random.random() < 0.3:
            generator.interrupt()  # for nobody: the step is computed again
        got = []

        def pick(logits, got=got):
            got.append(logits)
            return greedy(logits)

        list(generator.run(prompt, pick, 2, Generation()))
        seen.append((prompt, got))
        assert generator.kept.size_bytes <= budget
    assert max(len(prompt) for prompt, _ in seen) > 24
    for prompt, got in seen:
        assert np.array_equal(got[0], logits_of(tiny_runner, prompt))
        assert np.array_equal(got[1], logits_of(tiny_runner, [*prompt, greedy(got[0])]))


# ── interrupted steps ───────────────────────────────────────────────────────────────────────


def test_an_interrupted_step_leaves_the_cache_as_it_was(tiny_runner, tiny):
    text = np.array(some_tokens(np.random.default_rng(5), tiny, 12), np.int32)
    whole = logits_of(tiny_runner, text.tolist())
    tiny_runner.select(0, 12)
    tiny_runner.rewind(0)
    tiny_runner.prefill(text[:4])
    counted = tiny_runner.placed.counts
    tiny_runner.interrupt()
    with pytest.raises(StepInterruptedError):
        tiny_runner.prefill(text[4:])
    assert tiny_runner.position == 4
    assert tiny_runner.placed.counts is counted
    half = tiny_runner.executor.step_by_instruction(text[::-1].copy()[:8])
    for _ in range(len(tiny_runner.placed.program.instructions) // 2):
        next(half)  # a step that ends in the middle
    assert np.array_equal(tiny_runner.prefill(text[4:]), whole)


def test_the_loop_looks_at_the_flag_before_every_instruction(tiny_runner):
    """The flag lies in what the first instruction writes, so only a later look can see it."""
    executor = tiny_runner.executor
    memory = executor._memory
    names = [buffer.name for buffer in executor.program.buffers]
    at = int(memory.buffers[names.index("embed"), 0])
    at += at % 2  # the flag has the size of two numbers
    memory.values[:] = 0
    flag = memory.values[at : at + 2].view(np.int64)
    tokens = np.array([3, 4], np.int32)
    cache = executor.contexts.selected
    assert executor._loop(1, memory._replace(cache=cache), tokens, 0)
    memory.values[:] = 0
    assert not executor._loop(1, memory._replace(stop=flag, cache=cache), tokens, 0)
    assert not memory.values[int(memory.buffers[names.index("logits"), 0]) :][:8].any()


def test_a_request_that_is_cancelled_inside_a_step_ends_and_the_next_one_is_right(
    tiny_runner, tiny
):
    random = np.random.default_rng(6)
    text = some_tokens(random, tiny, 40)
    whole = logits_of(tiny_runner, text)
    generator = Generator(tiny_runner, budget_bytes=1 << 20)
    cancelled = threading.Event()
    generation, seen = Generation(), []
    asked = iter([False, False])  # at first and before the only chunk; then the step is cut

    def is_cancelled():
        if (answer := next(asked, True)) is False:
            generator.interrupt()
        return answer

    assert list(generator.run(text, greedy, 3, generation, is_cancelled)) == []
    assert generation.cancelled
    assert generation.steps == []
    assert generator.position == 0

    def pick(logits):
        seen.append(logits)
        return 1

    list(generator.run(text, pick, 1, Generation(), cancelled.is_set))
    assert np.array_equal(seen[0], whole)
