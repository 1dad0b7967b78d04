import threading

import numpy as np
import pytest

from engine.completion.place import Place
from engine.completion.stop import StopRules
from engine.completion.writer import Writer
from engine.errors import EngineError, MachineError, ModelError, PromptError
from engine.generation.sampling import greedy
from engine.session import CompletionRequest, Session
from tests.canned import canned_session
from tests.engine_tokenizers import merging_tokenizer
from tests.tiny import write_tiny_model


def request(prefix="def f():\n    ", suffix="\n", **options):
    return CompletionRequest("a.py", prefix, suffix, **options)


def complete(text, prefix="def f():\n    ", suffix="\n", **options):
    return canned_session(text).complete(request(prefix, suffix, **options))


def test_the_text_the_model_says_is_the_completion():
    completion = complete("return 1")
    assert (completion.text, completion.finish_reason) == ("return 1", "stop")
    assert completion.completion_tokens == len("return 1")
    assert completion.cached_tokens == 0


def test_the_limit_of_tokens_is_said():
    completion = complete("return 1", max_tokens=3)
    assert (completion.text, completion.finish_reason) == ("ret", "length")
    assert completion.completion_tokens == 3


def test_text_that_a_rule_cuts_is_not_generated():
    completion = complete("return 1\n\nclass A:\n    pass\n")
    assert (completion.text, completion.finish_reason) == ("return 1", "trimmed")
    assert completion.completion_tokens == len("return 1\n\nc")


def test_a_single_line_ends_at_its_line_end():
    completion = complete("return 1\n    more", multi_line=False)
    assert (completion.text, completion.finish_reason) == ("return 1", "stop")
    assert completion.completion_tokens == len("return 1\n")


def test_nothing_to_say_is_an_empty_text():
    completion = complete("")
    assert (completion.text, completion.finish_reason) == ("", "stop")
    assert completion.completion_tokens == 0
    assert completion.host.tokens_per_second is None


def test_an_unfinished_character_is_left_out():
    assert complete("a€", max_tokens=3).text == "a"


def test_text_so_far_is_reported_as_it_grows():
    seen = []
    canned_session("x = 1 ").complete(request(), on_text=seen.append)
    assert seen == ["x", "x =", "x = 1"]


def test_wafer_figures_are_sums_over_the_steps():
    completion = complete("12")
    prompt = completion.prompt_tokens
    # Three decode steps would be one too many: the end token is chosen, not computed.
    positions = [prompt, prompt + 1]
    assert completion.wafer.cycles_prefill == 1000 * prompt
    assert completion.wafer.cycles_per_token == sum(1000 + p for p in positions) / 2
    assert completion.wafer.tokens_per_second == 1e9 / completion.wafer.cycles_per_token
    assert completion.wafer.mac_utilisation == pytest.approx(0.05)
    assert completion.wafer.sram_bytes_per_core_max == 10


def test_without_a_decode_step_the_figure_is_of_one_step_after_the_prompt():
    completion = complete("abc", max_tokens=1)
    assert completion.wafer.cycles_per_token == 1000 + completion.prompt_tokens
    assert completion.host.decode_ms == 0


def test_typing_on_keeps_the_cache():
    session = canned_session("return 1")
    first = session.complete(request("def f():\n    r"))
    second = session.complete(request("def f():\n    re"))
    assert second.cached_tokens == first.prompt_tokens


def test_a_cancelled_request_says_so_and_keeps_the_cache():
    session = canned_session("return 1")
    seen = []
    first = session.complete(request(), on_text=seen.append, cancelled=lambda: len(seen) == 2)
    assert (first.finish_reason, first.text) == ("cancelled", "re")
    assert session.complete(request()).cached_tokens == first.prompt_tokens - 1


def test_a_request_cancelled_before_it_began_computes_nothing():
    session = canned_session("return 1")
    completion = session.complete(request(), cancelled=lambda: True)
    assert (completion.finish_reason, completion.completion_tokens) == ("cancelled", 0)
    assert session.snapshot().work.prefill_tokens == 0


def test_a_private_file_is_refused():
    with pytest.raises(PromptError, match=r"\.env is private"):
        canned_session("x").complete(CompletionRequest("config/.env", "A=", ""))


def test_a_closed_session_refuses():
    session = canned_session("x")
    session.close()
    with pytest.raises(EngineError, match="closed"):
        session.complete(request())


def test_one_request_at_a_time():
    session = canned_session("a" * 5, step_seconds=0.005)
    done = []

    def run():
        done.append(session.complete(request()).text)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == ["a" * 5] * 4


def test_snapshots_count_the_work_and_telemetry_tells_an_interval():
    session = canned_session("12")
    before = session.snapshot()
    completion = session.complete(request())
    after = session.snapshot()
    assert after.work.prefill_tokens == completion.prompt_tokens
    assert after.work.decode_tokens == 2
    assert after.work.cycles == completion.wafer.cycles_prefill + 2 * (
        completion.wafer.cycles_per_token
    )
    assert not after.busy
    message = session.telemetry(1, before, after)
    assert message.position == completion.prompt_tokens + 2
    assert message.elapsed_cycles > 0
    assert message.throughput.decode_tokens == 2


def test_a_snapshot_can_be_taken_while_it_works():
    session = canned_session("abc")
    busy = []
    session.complete(request(), on_text=lambda text: busy.append(session.snapshot().busy))
    assert busy == [True] * 3


def test_bytes_left_out_of_the_prompt_are_said_first_and_not_shown():
    tokenizer = merging_tokenizer()
    rules = StopRules(Place.of("    ret", "\n"))
    writer = Writer(tokenizer, greedy, b"ret", rules)
    (whole,) = tokenizer.encode_part("return")
    (plus,) = tokenizer.encode_part("+")
    logits = np.zeros(tokenizer.vocabulary, np.float32)
    logits[plus], logits[whole] = 3.0, 2.0
    assert writer.pick(logits) == whole  # what is likelier does not begin like the text
    writer.push()
    assert writer.text == "urn"
    assert writer.pick(logits) == plus


def test_bytes_left_out_may_take_several_tokens():
    tokenizer = merging_tokenizer()
    writer = Writer(tokenizer, greedy, b"ret", StopRules(Place.of("ret", "")))
    logits = np.zeros(tokenizer.vocabulary, np.float32)
    for said in "re", "t", "x":
        (token,) = tokenizer.encode_part(said)
        logits[token] = logits.max() + 1
        assert writer.pick(logits) == token
        writer.push()
    assert writer.text == "x"


def test_line_ends_of_another_kind_make_no_difference():
    session = canned_session("x = 1")
    plain = session.complete(request("a\n    ", "\nb\n"))
    other = session.complete(request("a\r\n    ", "\r\nb\r\n"))
    assert other.prompt_tokens == plain.prompt_tokens
    assert other.cached_tokens == plain.prompt_tokens - 1


# ── the real parts, with a tiny model ───────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", context=192))


@pytest.fixture(scope="module")
def reference(folder):
    return Session.open(folder, tier="reference", threads=1)


def texts(session, **options):
    """Completions with sampling, so that a random model says all kinds of tokens."""
    return [
        session.complete(
            request("def f():\n    return ", temperature=0.8, seed=seed, max_tokens=8, **options)
        )
        for seed in range(4)
    ]


def test_the_reference_tier_completes(reference):
    completions = texts(reference)
    assert reference.model.name == "tiny"
    assert reference.model.vocabulary == 288
    assert {completion.finish_reason for completion in completions} <= {
        "stop", "length", "trimmed",
    }  # fmt: skip
    assert [completion.cached_tokens > 0 for completion in completions] == [False] + [True] * 3


def test_the_fast_tier_says_the_same(reference, folder):
    progress = []
    fast = Session.open(folder, threads=1, on_progress=progress.append)
    assert [p.stage for p in progress[:2]] == ["model", "model"]
    assert progress[-1].stage == "kernels"
    assert progress[-1].done == progress[-1].total
    for ours, theirs in zip(texts(fast), texts(reference), strict=True):
        assert ours.text == theirs.text
        assert ours.completion_tokens == theirs.completion_tokens
        assert ours.wafer.cycles_per_token == theirs.wafer.cycles_per_token
    before = fast.snapshot()
    completion = fast.complete(CompletionRequest("a.txt", "y", "\n"))  # nothing is taken back
    message = fast.telemetry(1, before, fast.snapshot())
    decoded = fast.snapshot().work.since(before.work)
    assert message.elapsed_cycles == decoded.cycles
    assert decoded.decode_tokens >= completion.completion_tokens - 1
    assert len(message.core_states) == 24 * fast.machine.cores_used


def test_the_cycle_tier_says_the_same_and_simulates_its_cycles(reference, folder):
    simulated = Session.open(folder, threads=1, tier="cycle")
    for ours, theirs in zip(texts(simulated), texts(reference), strict=True):
        assert ours.text == theirs.text
        assert ours.completion_tokens == theirs.completion_tokens
        assert ours.wafer.program == theirs.wafer.program
        assert ours.wafer.cycles_per_token == pytest.approx(theirs.wafer.cycles_per_token, rel=0.05)
    assert any(
        ours.wafer.cycles_per_token != theirs.wafer.cycles_per_token
        for ours, theirs in zip(texts(simulated), texts(reference), strict=True)
    )


def test_an_unknown_tier_machine_or_model_is_a_clear_error(folder):
    with pytest.raises(EngineError, match="no tier 'slow'"):
        Session.open(folder, tier="slow")
    with pytest.raises(MachineError, match="wse9"):
        Session.open(folder, "wse9")
    with pytest.raises(ModelError, match="no model"):
        Session.open("no-such-model")
