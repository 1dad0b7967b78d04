"""Compile jobs: each is run here or by the helper, whatever happens to the helper."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.wafer.jit import compile_jobs
from engine.wafer.jit.compile_jobs import CompileJob, receive, run_jobs, send

ROOT = Path(__file__).parents[4]


class Kernel:
    """A dispatcher that notes what it is compiled for; its code is in no cache."""

    def __init__(self):
        self.compiled, self.overloads = [], {}
        self.py_func = print
        self.targetctx = SimpleNamespace(codegen=lambda: None)
        file = SimpleNamespace(_load_index=dict)
        self._cache = SimpleNamespace(_index_key=lambda signature, codegen: 0, _cache_file=file)

    def compile(self, signature):
        self.compiled.append(signature)


def four_jobs():
    """Three lone jobs and one that calls others, as a warm-up has them."""
    kernels = [Kernel() for _ in range(4)]
    jobs = [CompileJob(str(n), ((kernel, ("types",)),), n < 3) for n, kernel in enumerate(kernels)]
    return kernels, jobs


def helper_that(monkeypatch, code):
    """Let the helper's process run some code instead."""

    def start(cache):
        command = [sys.executable, "-S", "-c", code]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(compile_jobs, "_start", start)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


OBLIGING = """
import sys, struct
while head := sys.stdin.buffer.read(4):
    sys.stdin.buffer.read(struct.unpack("<I", head)[0])
    sys.stdout.buffer.write(b"+")
    sys.stdout.buffer.flush()
"""


@pytest.mark.parametrize(
    "code",
    [
        OBLIGING,
        "",
        "import sys; sys.stdin.buffer.read(3)",
        "import sys; sys.stdin.buffer.read(4); sys.stdout.write('-')",
        "import os; os.kill(os.getpid(), 9)",
    ],
    ids=["works", "ends at once", "ends at a job", "fails", "is killed"],
)
def test_every_job_is_run_here_once_whatever_the_helper_does(monkeypatch, tmp_path, code):
    """What the helper has compiled is in the cache, from where running the job takes it."""
    helper_that(monkeypatch, code)
    kernels, jobs = four_jobs()
    told = []

    run_jobs(jobs, tmp_path, lambda *step: told.append(step))

    assert [kernel.compiled for kernel in kernels] == [[("types",)]] * 4
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert {total for _, total, _ in told} == {4}
    assert told[-1] == (3, 4, "preparing 3")


def test_without_a_second_process_this_one_compiles_all(monkeypatch, tmp_path, caplog):
    def refused(cache):
        raise OSError("no more processes")

    helper_that(monkeypatch, OBLIGING)
    monkeypatch.setattr(compile_jobs, "_start", refused)
    kernels, jobs = four_jobs()

    run_jobs(jobs, tmp_path, lambda *step: None)

    assert [kernel.compiled for kernel in kernels] == [[("types",)]] * 4
    assert "no more processes" in caplog.text


def test_nobody_is_asked_for_what_is_there_already(monkeypatch, tmp_path):
    helper_that(monkeypatch, OBLIGING)
    monkeypatch.setattr(compile_jobs, "_start", None)  # would be called in vain
    kernels, jobs = four_jobs()
    for kernel in kernels:
        kernel.overloads[("types",)] = "compiled"

    run_jobs(jobs, tmp_path, lambda *step: None)

    assert [kernel.compiled for kernel in kernels] == [[("types",)]] * 4


@pytest.mark.parametrize("kept", [True, False])
def test_parts_are_left_out_where_what_has_them_in_it_is_kept(monkeypatch, tmp_path, kept):
    helper_that(monkeypatch, OBLIGING)
    part, whole = Kernel(), Kernel()
    jobs = [CompileJob("part", ((part, "types"),), part=True), CompileJob("whole", ((whole, "t"),))]
    if kept:
        whole.overloads["t"] = "compiled"

    run_jobs(jobs, tmp_path, lambda *step: None)

    assert (part.compiled, whole.compiled) == ([] if kept else ["types"], ["t"])


def test_an_opening_that_is_given_up_ends_the_helper(monkeypatch, tmp_path):
    started = []
    helper_that(monkeypatch, "import time; time.sleep(60)")
    start = compile_jobs._start
    monkeypatch.setattr(
        compile_jobs, "_start", lambda cache: started.append(start(cache)) or started[0]
    )

    def give_up(*step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(four_jobs()[1], tmp_path, give_up)
    assert started[0].returncode == -9


def test_a_message_comes_whole_or_not_at_all(tmp_path):
    path = tmp_path / "pipe"
    with path.open("wb") as pipe:
        send(pipe, b"one")
        send(pipe, b"")
    whole = path.read_bytes()
    with path.open("rb") as pipe:
        assert [receive(pipe), receive(pipe), receive(pipe)] == [b"one", b"", None]
    path.write_bytes(whole[:5])
    with path.open("rb") as pipe:
        assert receive(pipe) is None


SCRIPT = """
import os, sys
import numpy as np
os.cpu_count = lambda: int(sys.argv[2])
from pathlib import Path
from engine.wafer.jit import kernel_cache
cache = kernel_cache.use(Path(sys.argv[1]))
from engine.wafer.fast.kernels import operands, vectors
from engine.wafer.fast.warm_up import signature
from engine.wafer.jit.compile_jobs import CompileJob, run_jobs
floats = np.zeros(1, np.float32)
given = {
    operands.Floats: floats, operands.Float: floats[0], operands.Block: operands.Block(0, 1),
    operands.RowSpan: operands.RowSpan(0, 1),
}
kernels = [vectors.add, vectors.add_bias]
jobs = [CompileJob(k.py_func.__name__, ((k, signature(k, given)),), True) for k in kernels]
run_jobs(jobs, cache, lambda *step: None)
print(sum(sum(k.stats.cache_hits.values()) for k in kernels))
"""


def hits(cache, cores):
    """Compile two kernels in a process with so many cores; return how many it found."""
    cache.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(cache), str(cores)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    return int(done.stdout)


def test_two_processes_compile_what_one_does(tmp_path):
    """The helper's kernels are found under the names that this process gives them."""
    together, alone = tmp_path / "together", tmp_path / "alone"

    assert hits(together, 2) <= 1
    assert hits(together, 2) == 2
    assert hits(alone, 1) == 0
    names = [sorted(p.name for p in c.rglob("*.nb[ic]")) for c in (together, alone)]
    assert names[0] == names[1]
