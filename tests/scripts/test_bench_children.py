"""Children of benchmarks: answers, deaths, and loops that never outlive what they were for."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.bench.beside import endless_loops
from scripts.bench.workers import ROOT, Worker, WorkerDied
from tests.scripts.bench_children import python, stand_in

LOOPS = """
import signal
import sys
# A job in the background inherits that it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from scripts.bench.beside import endless_loops
from scripts.bench.workers import ended_in_order
ended_in_order()
with endless_loops(2, 19) as pids:
    print(*pids, flush=True)
    sys.stdin.read()
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no Linux, or gone this moment
        return not Path("/proc/self/stat").exists()
    return state != "Z"  # one that nobody has waited for yet does nothing any more


def all_gone(pids: list[int], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(is_running(pid) for pid in pids)


# ── loops ───────────────────────────────────────────────────────────────────────────────────


def test_loops_run_at_their_niceness_and_end_with_the_block() -> None:
    own = os.nice(0)
    with endless_loops(2, 19) as polite, endless_loops(1, 0) as urgent:
        assert len({*polite, *urgent}) == 3
        assert all(is_running(pid) for pid in polite + urgent)
        assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in polite] == [19, 19]
        assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in urgent] == [own]
    assert all_gone(polite + urgent, 0)


def test_loops_end_with_an_error() -> None:
    pids: list[int] = []

    def fail() -> None:
        with endless_loops(1, 19) as running:
            pids.extend(running)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert pids
    assert all_gone(pids, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_loops_end_however_the_benchmark_ends(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOOPS],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as benchmark:
        assert benchmark.stdout is not None
        pids = [int(pid) for pid in benchmark.stdout.readline().split()]
        assert len(pids) == 2
        assert all(is_running(pid) for pid in pids)
        benchmark.send_signal(number)
        benchmark.wait(10)
        assert all_gone(pids)


# ── workers ─────────────────────────────────────────────────────────────────────────────────


def test_a_worker_describes_itself_and_answers(tmp_path: Path) -> None:
    job = {"described": {"name": "x"}, "prefill_seconds": 0.5, "token_seconds": 0.25}
    command = [sys.executable, str(stand_in(tmp_path)), json.dumps(job)]
    with Worker("a stand-in", command) as worker:
        assert worker.described == {"name": "x"}
        answer = worker.ask("measure", tokens=[1, 2], decode=3)
    assert answer == {"prefill_seconds": 1.0, "token_seconds": [0.25] * 3}


def test_a_worker_that_dies_is_named_with_its_signal(tmp_path: Path) -> None:
    with pytest.raises(WorkerDied, match="the peer ended with SIGILL") as died:
        Worker("the peer", [str(python(tmp_path / "python", dies=True))])
    assert died.value.signal == "SIGILL"


def test_a_worker_that_ends_between_questions_is_noticed(tmp_path: Path) -> None:
    script = "import sys; print('{}', flush=True); sys.stdin.readline(); sys.exit(3)"
    with Worker("the child", [sys.executable, "-c", script]) as worker:
        with pytest.raises(WorkerDied, match="ended with 3") as died:
            worker.ask("measure")
        assert died.value.signal is None


def test_a_worker_takes_variables_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_GONE", "1")
    script = "import os, json; print(json.dumps([os.environ.get(k) for k in ('A', 'SPARK_GONE')]))"
    environment: dict[str, str | None] = {"A": "b", "SPARK_GONE": None}
    with Worker("the child", [sys.executable, "-c", script], environment) as worker:
        assert worker.described == ["b", None]
