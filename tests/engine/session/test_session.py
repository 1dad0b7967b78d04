import threading

import numpy as np
import pytest

from engine.errors import EngineError, MachineError, ModelError
from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import WatchedCores
from engine.session import Session
from tests.canned import canned_session
from tests.tiny import write_tiny_model


def request(prefix="def f():\n    ", suffix="\n", **options):
    return CompletionRequest("a.py", prefix, suffix, **options)


def test_a_request_cancelled_before_it_began_computes_nothing():
    session = canned_session("return 1")
    completion = session.complete(request(), cancelled=lambda: True)
    assert (completion.finish_reason, completion.completion_tokens) == ("cancelled", 0)
    assert session.snapshot().work.prefill_tokens == 0


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
    message = session.telemetry(1, before, after, session.view(None))
    assert message.position == completion.prompt_tokens + 2
    assert message.elapsed_cycles > 0
    assert message.throughput.decode_tokens == 2


def test_a_snapshot_can_be_taken_while_it_works():
    session = canned_session("abc")
    busy = []
    session.complete(request(), on_text=lambda text: busy.append(session.snapshot().busy))
    assert busy == [True] * 3


# ── the real parts, with a tiny model ───────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", context=192))


@pytest.fixture(scope="module")
def reference(folder):
    # Guesses depend on measured times, and how a token came about decides its cycles.
    return Session.open(folder, tier="reference", threads=1, speculation=False)


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
    fast = Session.open(folder, threads=1, speculation=False, on_progress=progress.append)
    assert [p.stage for p in progress[:2]] == ["model", "model"]
    assert progress[-1].stage == "kernels"
    assert progress[-1].done == progress[-1].total
    for ours, theirs in zip(texts(fast), texts(reference), strict=True):
        assert ours.text == theirs.text
        assert ours.completion_tokens == theirs.completion_tokens
        assert ours.wafer.cycles_per_token == theirs.wafer.cycles_per_token
    before = fast.snapshot()
    completion = fast.complete(CompletionRequest("a.txt", "y", "\n"))  # nothing is taken back
    cores = WatchedCores(0, 0, 9000, 6000, 9, 6)
    message = fast.telemetry(1, before, fast.snapshot(), fast.view(cores))
    decoded = fast.snapshot().work.since(before.work)
    assert message.elapsed_cycles == decoded.cycles
    assert decoded.decode_tokens >= completion.completion_tokens - 1
    cells = np.frombuffer(message.cell_states, "<u8").reshape(-1, 6)
    assert len(cells) == 54
    assert cells.sum(axis=0).tolist() == np.sum(message.states_by_region, axis=0).tolist()
    assert cells.sum() == message.elapsed_cycles * fast.machine.cores_used


def test_the_cycle_tier_says_the_same_and_simulates_its_cycles(reference, folder):
    simulated = Session.open(folder, threads=1, tier="cycle", speculation=False)
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
