"""The kernel cache: where compiled kernels lie, and what happens when they cannot lie there.

Each process here compiles one small kernel only, which takes about a second.
"""

import errno
import logging
import os
import pickle
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numba
import pytest
from numba.core import caching

from engine import own_sources
from engine.wafer.jit import kernel_cache
from tests.own_kernels import PROGRAM

ROOT = Path(__file__).parents[4]

SCRIPT = """
import numpy as np
from engine.wafer.jit import kernel_cache
kernel_cache.use()
from engine.wafer.fast import warm_up
from engine.wafer.program import machine
from engine.wafer.fast.kernels import vectors
from engine.wafer.fast.kernels.dot.storage_table import STORAGES
from engine.wafer.fast.kernels.operands import Block, RowSpan
from tests.tiny import tiny_model
from tests.wafers import opened

every = dict(warm_up.kernels())
warm_up.kernels = lambda: [("add", every["add"])]
warm_up.ENTRIES = ()
of_a_model = warm_up.compile_jobs
warm_up.compile_jobs = lambda *given: [job for job in of_a_model(*given) if job.label == "add"]
warm_up.link_attention = lambda path, cache: None
del STORAGES["int8"]  # a plain storage needs no packer
opened(tiny_model(), machine.get("tiny"))
values = np.array([1, 2, 30, 40], np.float32)
vectors.add(values, Block(0, 2), Block(2, 2), np.float32(1.0), Block(0, 2), RowSpan(0, 1))
print(values.tolist(), bool(vectors.add.stats.cache_hits))
"""


def add_kernel(cache, root=ROOT, **environment):
    """Open a wafer with nothing but the kernel `add` in a process that keeps kernels in a cache."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            **os.environ,
            "SPARK_CACHE_DIR": str(cache),
            "PYTHONPATH": str(root),
            **environment,
        },
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    values, hit = result.stdout.rsplit(maxsplit=1)
    assert values == "[31.0, 42.0, 30.0, 40.0]"
    return hit == "True", result.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache folder with the kernel `add` in it."""
    cache = tmp_path_factory.mktemp("filled")
    hit, errors = add_kernel(cache)
    assert not hit
    assert errors == ""
    return cache


@pytest.fixture(autouse=True)
def as_the_program_does(monkeypatch):
    """The folder and its checksums are what is tested here."""
    for name, function in PROGRAM.items():
        monkeypatch.setattr(kernel_cache, name, function)


@pytest.fixture
def numba_folder():
    """Keep what `use` changes for all tests."""
    before = numba.config.CACHE_DIR
    yield
    numba.config.CACHE_DIR = before


def test_a_second_process_compiles_nothing(filled):
    hit, errors = add_kernel(filled)

    assert hit
    assert errors == ""


def test_a_copy_of_the_sources_elsewhere_compiles_nothing(filled, tmp_path):
    """A new installation, or another clone."""
    for package in ("engine", "tests"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("data"))
    (tmp_path / "weights").symlink_to(ROOT / "weights")

    hit, errors = add_kernel(filled, tmp_path)

    assert hit
    assert errors == ""


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("*.nbi", lambda content: content[:-20]),
        ("*.nbi", lambda content: b""),
        ("*.nbc", lambda content: content[: len(content) // 2]),
    ],
    ids=["short index", "empty index", "half a kernel"],
)
def test_a_damaged_cache_is_compiled_again(filled, tmp_path, pattern, damage):
    cache = tmp_path / "cache"
    shutil.copytree(filled, cache)
    (path,) = cache.rglob(pattern)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))

    hit, errors = add_kernel(cache)

    assert not hit
    assert "is not usable" in errors
    assert "compiling again" in errors
    assert len(path.read_bytes()) > 0.9 * len(whole)


def test_a_kernel_file_that_is_gone_is_compiled_again(filled, tmp_path):
    cache = tmp_path / "cache"
    shutil.copytree(filled, cache)
    for path in cache.rglob("*.nbc"):
        path.unlink()

    hit, _ = add_kernel(cache)

    assert not hit


def test_a_folder_that_cannot_be_written_is_replaced(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    _, errors = add_kernel(blocked / "below", TMPDIR=str(tmp_path))

    assert "cannot be used" in errors
    assert f"using {tmp_path / 'spark-tui-kernels-'}" in errors
    assert list(tmp_path.iterdir()) == [blocked]  # the replacement went with the process


def test_the_replacement_is_what_numba_uses(tmp_path, monkeypatch, caplog, numba_folder):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("SPARK_CACHE_DIR", str(blocked / "below"))

    with caplog.at_level(logging.WARNING):
        used = kernel_cache.use()

    assert used.is_dir()
    assert str(used) == numba.config.CACHE_DIR
    assert not used.is_relative_to(tmp_path / "file")
    assert str(blocked) in caplog.text
    assert kernel_cache.use() == used


def test_the_folder_is_named_by_the_key(tmp_path, monkeypatch, numba_folder):
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path))

    used = kernel_cache.use()

    assert used == kernel_cache.folder() == tmp_path / "kernels" / kernel_cache.key()
    assert used.is_dir()


@pytest.mark.parametrize(
    "edited",
    [
        "engine/wafer/fast/kernels/dot/avx2.py",
        "engine/wafer/fast/kernels/operands.py",
        "engine/wafer/fast/kernels/vectors.py",
        "engine/wafer/jit/decorators.py",
        "engine/wafer/fast/step.py",
        "engine/wafer/program/isa.py",
        "engine/wafer/program/states.py",
        "engine/wafer/fabric/compute.py",
        "engine/wafer/fabric/routers.py",
        "engine/scalars.py",
        "engine/probabilities.py",
    ],
)
def test_the_key_changes_with_every_source_of_a_kernel(tmp_path, monkeypatch, edited):
    """A kernel is stale when a file it calls was edited; numba looks at its own file only."""
    (tmp_path / "engine").mkdir()
    for name in ("scalars.py", "probabilities.py"):
        shutil.copy(ROOT / "engine" / name, tmp_path / "engine" / name)
    shutil.copytree(ROOT / "engine/wafer", tmp_path / "engine/wafer")
    monkeypatch.setattr(own_sources, "__file__", str(tmp_path / "engine/own_sources.py"))
    before = kernel_cache.key()
    path = tmp_path / edited

    path.write_bytes(path.read_bytes() + b"\n# edited\n")

    assert kernel_cache.key() != before
    assert len(kernel_cache.key()) == 16


def test_the_key_changes_with_the_processor(monkeypatch):
    before = kernel_cache.key()

    monkeypatch.setattr(numba.config, "CPU_NAME", "another")

    assert kernel_cache.key() != before


def test_discarding_leaves_an_empty_folder(tmp_path):
    place = tmp_path / "kernels"
    (place / "below").mkdir(parents=True)
    (place / "below" / "a.nbi").write_bytes(b"x")

    kernel_cache.discard(place)

    assert list(place.iterdir()) == []


def test_one_process_at_a_time_fills_a_folder(tmp_path):
    place = tmp_path / "kernels"
    place.mkdir()
    script = (
        "import sys, time; from pathlib import Path; from engine.wafer.jit import kernel_cache\n"
        "with kernel_cache.alone(Path(sys.argv[1]), lambda: None):\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(place)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    waited = []

    def release():
        waited.append(other.poll())
        other.stdin.write("\n")
        other.stdin.close()

    with kernel_cache.alone(place, release):
        assert waited == [None]
    assert other.wait(10) == 0
    other.stdout.close()
    with kernel_cache.alone(place, lambda: waited.append("again")):
        assert waited == [None]


def test_two_that_save_at_once_keep_their_own_code(tmp_path, monkeypatch):
    read = caching.IndexDataCacheFile._load_index

    def slowly(self):
        found = read(self)
        time.sleep(0.05)  # time enough for the other to read the same index
        return found

    monkeypatch.setattr(caching.IndexDataCacheFile, "_load_index", slowly)
    keys = [f"signature {i}" for i in range(4)]

    def files():
        return caching.IndexDataCacheFile(str(tmp_path), "kernel", "stamp")

    with ThreadPoolExecutor(len(keys)) as threads:
        list(threads.map(lambda key: files().save(key, f"code of {key}"), keys))
    assert [files().load(key) for key in keys] == [f"code of {key}" for key in keys]


def flip_64_bytes(path):
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    path.write_bytes(content)


@pytest.mark.parametrize("pattern", ["*.nbi", "*.nbc"])
def test_flipped_bytes_are_never_read(filled, tmp_path, pattern):
    """LLVM may refuse them, or run them."""
    cache = tmp_path / "cache"
    shutil.copytree(filled, cache)
    (path,) = cache.rglob(pattern)
    whole = path.stat().st_size
    flip_64_bytes(path)

    hit, errors = add_kernel(cache)

    assert not hit
    assert path.stat().st_size > 0.9 * whole
    assert f"damaged: {path.name}" in errors
    again, errors = add_kernel(cache)
    assert again
    assert errors == ""


def test_what_llvm_refuses_without_a_record_is_compiled_again(tmp_path, monkeypatch, tiny):
    from engine.wafer.fast import executor
    from engine.wafer.program import machine
    from tests.wafers import opened

    faults = [RuntimeError("LLVM bitcode parsing error")]

    def warm_up(self, on_progress):
        if faults:
            raise faults.pop()

    monkeypatch.setattr(kernel_cache, "use", lambda: tmp_path)
    monkeypatch.setattr(executor.Executor, "warm_up", warm_up)
    (tmp_path / "a.nbi").write_bytes(b"x")

    opened(tiny, machine.get("tiny"))

    assert not (tmp_path / "a.nbi").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff{", b"[" * 100_000],
    ids=["empty", "a list", "no UTF-8", "too deep"],
)
def test_a_record_that_cannot_be_read_vouches_for_nothing(tmp_path, content, caplog):
    (tmp_path / "a.nbi").write_bytes(b"x")
    (tmp_path / "checksums.json").write_bytes(content)

    kernel_cache.remove_damaged(tmp_path)

    assert not (tmp_path / "a.nbi").exists()
    assert "damaged: a.nbi" in caplog.text


def test_only_what_changed_since_it_was_recorded_is_removed(tmp_path, caplog):
    (tmp_path / "below").mkdir()
    whole, changed, gone, later = (
        tmp_path / "below" / name for name in ("a.nbi", "a.1.nbc", "a.2.nbc", "b.nbi")
    )
    for path in (whole, changed, gone):
        path.write_bytes(b"kernel")
    kernel_cache.record(tmp_path)
    changed.write_bytes(b"kernul")
    gone.unlink()
    later.write_bytes(b"new")

    assert kernel_cache.damaged(tmp_path) == [changed]
    kernel_cache.remove_damaged(tmp_path)

    assert "damaged: a.1.nbc" in caplog.text
    assert (whole.exists(), changed.exists(), later.exists()) == (True, False, True)
    kernel_cache.record(tmp_path)
    assert kernel_cache.damaged(tmp_path) == []


def test_a_record_is_written_only_when_something_is_new(tmp_path):
    (tmp_path / "a.nbi").write_bytes(b"x")
    kernel_cache.record(tmp_path)
    before = (tmp_path / "checksums.json").stat().st_ino

    kernel_cache.record(tmp_path)

    assert (tmp_path / "checksums.json").stat().st_ino == before
    assert {path.name for path in tmp_path.iterdir()} == {"a.nbi", "checksums.json"}


def test_a_switched_off_compiler_is_one_error_and_costs_no_cache(filled):
    with pytest.raises(AssertionError, match="unset NUMBA_DISABLE_JIT"):
        add_kernel(filled, NUMBA_DISABLE_JIT="1")

    assert list(filled.rglob("*.nbc"))


def test_kept_code_is_loaded_without_preparing_to_compile(monkeypatch):
    """A load that prepares imports 60 modules of numba, which takes as long as the loading."""
    kernel_cache._adapt_numba()
    prepared = []
    monkeypatch.setattr("numba.core.runtime.rtsys.initialize", prepared.append)
    context = SimpleNamespace(refresh=None)  # would be called in vain
    kept = SimpleNamespace(
        _guard_against_spurious_io_errors=nullcontext,
        _load_overload=lambda signature, context: f"code for {signature}",
    )

    assert caching.FunctionCache.load_overload(kept, "types", context) == "code for types"
    assert prepared == [context]


def test_a_record_is_not_made_again_while_nothing_is_written(tmp_path, monkeypatch):
    (tmp_path / "a.nbi").write_bytes(b"index")
    os.utime(tmp_path / "a.nbi", (1, 1))
    kernel_cache.record(tmp_path)
    digests = []
    monkeypatch.setattr(kernel_cache, "_digest", digests.append)

    kernel_cache.record(tmp_path)
    assert digests == []

    (tmp_path / "b.nbi").write_bytes(b"another")
    kernel_cache.record(tmp_path)
    assert digests == [tmp_path / "a.nbi", tmp_path / "b.nbi"]


def test_on_a_full_disk_a_kernel_is_compiled_but_not_kept(tmp_path, monkeypatch, caplog):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    kernel_cache._adapt_numba()
    files = caching.IndexDataCacheFile(str(tmp_path), "kernel", ())
    monkeypatch.setattr(files, "_save_index", full)
    with caplog.at_level(logging.WARNING):
        files.save("signature", b"code")
    assert "a compiled kernel is not kept" in caplog.text
    assert "No space left" in caplog.text


def test_the_current_folder_settles_nothing_for_numba(tmp_path):
    """Its `.numba_config.yaml` could name modules to import, and numba looks again and again."""
    (tmp_path / ".numba_config.yaml").write_text("disable_jit: 1\ncache_locator_classes: spy.Spy\n")
    (tmp_path / "spy.py").write_text("raise SystemExit('a module of the current folder was run')\n")
    code = (
        "import sys, engine.inspection, engine.doctor, engine.session, engine.logits\n"
        "from engine.wafer.jit import kernel_cache\n"
        f"kernel_cache.use(__import__('pathlib').Path({str(tmp_path / 'kernels')!r}))\n"
        "from engine.wafer.fabric import chip\n"
        "from engine.wafer.fast import executor\n"
        "import numba\n"
        "numba.config.reload_config()\n"
        "print(numba.config.DISABLE_JIT, numba.config.CACHE_LOCATOR_CLASSES or None)\n"
        "import yaml"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0 None\n", "")


class Run:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return (os.mkdir, (str(self.folder),))


def hostile_files(folder):
    """Write an index and code that run something when they are read; return numba's reader."""
    kernel_cache._adapt_numba()
    files = caching.IndexDataCacheFile(str(folder), "kernel", "stamp")
    files.save("signature", b"code")
    for path in folder.glob("*.nb[ic]"):
        path.write_bytes(pickle.dumps(Run(folder / "ran")))
    return files


@pytest.mark.parametrize("whose", ["another user's", "open to all", "a link"])
def test_what_another_user_may_have_written_is_not_read(tmp_path, another_user, whose):
    files = hostile_files(tmp_path)
    if whose == "another user's":
        another_user()
    for path in tmp_path.glob("*.nb[ic]"):
        if whose == "open to all":
            path.chmod(0o666)
        elif whose == "a link":
            path.symlink_to(path.rename(path.with_suffix(".elsewhere")))
    assert files.load("signature") is None
    assert not (tmp_path / "ran").exists()
    assert {path.suffix for path in kernel_cache.damaged(tmp_path)} == {".nbi", ".nbc"}


def test_whatever_the_umask_nobody_else_can_write_a_kernel(tmp_path):
    before = os.umask(0)
    try:
        kernel_cache._adapt_numba()
        caching.IndexDataCacheFile(str(tmp_path), "kernel", "stamp").save("signature", b"code")
    finally:
        os.umask(before)
    modes = {path.suffix: path.stat().st_mode & 0o777 for path in tmp_path.glob("kernel.*")}
    assert modes == {".nbi": 0o600, ".nbc": 0o600}


def test_a_cache_of_another_user_is_replaced_by_a_temporary_one(
    tmp_path, another_user, caplog, numba_folder
):
    place = tmp_path / "kernels"
    place.mkdir()
    another_user()
    assert kernel_cache.use(place) != place
    assert "belongs to another user" in caplog.text
