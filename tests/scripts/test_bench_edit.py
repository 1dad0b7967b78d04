from types import SimpleNamespace

import pytest

from scripts import bench_edit

ONE = bench_edit.request(10)


class PaperSession:
    """Rewrites in so many seconds of a clock that only it moves."""

    def __init__(self, clock: list[float], seconds: float, accepted: int) -> None:
        self.clock, self.seconds = clock, seconds
        self.host = SimpleNamespace(
            accepted_tokens=accepted, guessed_tokens=60, decode_ms=seconds * 1e3
        )

    def rewrite(self, asked: object) -> SimpleNamespace:
        assert asked is ONE
        self.clock[0] += self.seconds
        return SimpleNamespace(text="x", completion_tokens=100, host=self.host)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch):
    """Return a function that measures as if a round took 100 seconds."""
    clock = [0.0]
    monkeypatch.setattr(bench_edit, "perf_counter", lambda: clock[0])
    sessions = {False: PaperSession(clock, 75, 0), True: PaperSession(clock, 25, 50)}
    return lambda rounds, seconds: bench_edit.measure(sessions, ONE, rounds, seconds)[0]


def test_no_round_begins_that_would_end_too_late(measured):
    assert len(measured(9, 250)[True]) == 2
    assert len(measured(9, 10)[False]) == 1
    assert len(measured(3, 1e9)[True]) == 3


def test_a_pass_gives_more_than_one_token_where_guesses_were_right(measured):
    rounds = measured(1, 0)
    assert rounds[False][0]["tokens_per_pass"] == 1.0
    assert rounds[True][0]["tokens_per_pass"] == 2.0
