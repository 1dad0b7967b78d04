"""What a save that is killed leaves beside a file goes, and nothing else does."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.repository.privacy import is_secret
from tui.files.documents import Document
from tui.files.half_saved import new_file, remove_left
from tui.files.recovery import RecoveryStore
from tui.files.replacing import replace_content

HEX = "0123456789ab"
LEFT = f".spark-saving-{HEX}.tmp"
ROOT = os.geteuid() == 0

SAVES = """
import errno, os, sys
from pathlib import Path
from tui.files import replacing
from tui.files.documents import Document
from tui.files.recovery import RecoveryStore

file, recovery, kept = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "kept"
sync = os.fsync

def in_the_middle(descriptor):
    if ".spark-" not in os.readlink(f"/proc/self/fd/{descriptor}"):
        return sync(descriptor)
    print("written", flush=True)
    sys.stdin.read()

def keep():
    if not kept:
        raise OSError(errno.ENOSPC, "No space left on device")
    RecoveryStore(recovery).write(file, "the new text")

os.fsync = in_the_middle
Document.open(file).save("the new text", make_safe=keep)
"""

on_linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the child asks /proc")


@contextmanager
def save_in_the_middle(
    file: Path, recovery: Path, kept: str = "kept"
) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that has written the new file, which has not taken the name yet."""
    with subprocess.Popen(
        [sys.executable, "-c", SAVES, str(file), str(recovery), kept],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        try:
            yield process
        finally:
            process.kill()


def killed(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "file.txt"
    path.parent.mkdir()
    path.write_text("old")
    return path


def beside(file: Path) -> list[str]:
    return sorted(name for name in os.listdir(file.parent) if name != file.name)


# ── a real save, a real kill ────────────────────────────────────────────────────────────────


@on_linux
def test_what_a_killed_save_left_goes_and_its_text_is_in_recovery(
    file: Path, tmp_path: Path
) -> None:
    with save_in_the_middle(file, tmp_path / "recovery") as process:
        (left,) = beside(file)
        assert (file.parent / left).read_text() == "the new text"
        killed(process)
    remove_left(file.parent)
    assert beside(file) == []
    assert file.read_text() == "old"
    found = RecoveryStore(tmp_path / "recovery").find(file)
    assert found is not None
    assert found.text == "the new text"


@on_linux
@pytest.mark.parametrize("stopped", [False, True])
def test_a_save_that_goes_on_keeps_its_file(file: Path, tmp_path: Path, stopped: bool) -> None:
    with save_in_the_middle(file, tmp_path / "recovery") as process:
        if stopped:
            process.send_signal(signal.SIGSTOP)
        remove_left(file.parent)
        replace_content(file.with_name("other.txt"), b"saved beside it")
        assert len(beside(file)) == 2
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=20)
    assert file.read_text() == "the new text"
    assert beside(file) == ["other.txt"]


@on_linux
def test_what_may_be_the_only_copy_stays(file: Path, tmp_path: Path) -> None:
    with save_in_the_middle(file, tmp_path / "recovery", "unkept") as process:
        killed(process)
    remove_left(file.parent)
    (left,) = beside(file)
    assert (file.parent / left).read_text() == "the new text"


# ── what is left over, and what is not ──────────────────────────────────────────────────────


def test_the_next_save_in_a_folder_removes_what_is_left_there(file: Path) -> None:
    (file.parent / LEFT).write_text("half")
    Document.open(file).save("new")
    assert beside(file) == []


def hard_link(path: Path) -> None:
    path.with_name("notes.txt").write_text("mine")
    os.link(path.with_name("notes.txt"), path)


def symbolic_link(path: Path) -> None:
    path.with_name("notes.txt").write_text("mine")
    path.symlink_to("notes.txt")


def somebody_elses(path: Path) -> None:
    if not ROOT:
        pytest.skip("only root can give a file away")
    path.write_text("theirs")
    os.chown(path, 4242, 4242)


@pytest.mark.parametrize("make", [hard_link, symbolic_link, somebody_elses, os.mkfifo, Path.mkdir])
def test_only_plain_files_of_ours_go(file: Path, make: Callable[[Path], None]) -> None:
    make(file.parent / LEFT)
    before = beside(file)
    remove_left(file.parent)
    assert beside(file) == before


@pytest.mark.parametrize(
    "name",
    [
        f".spark-{HEX}.tmp",
        f".spark-saving-{HEX}.tmp.py",
        f"x.spark-saving-{HEX}.tmp",
        ".spark-saving-XYZ.tmp",
        f".spark-saving-{HEX}.tmp\n",
    ],
)
def test_other_names_stay(file: Path, name: str) -> None:
    (file.parent / name).write_text("a person's")
    remove_left(file.parent)
    assert beside(file) == [name]


def test_a_folder_that_is_gone_or_a_file_is_no_error(file: Path) -> None:
    remove_left(file.parent / "gone")
    remove_left(file)


def test_a_save_whose_file_was_taken_for_left_over_makes_another(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the file and locking it."""
    lock, taken = fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not taken:
            taken.append(beside(file))
            os.unlink(file.parent / taken[0][0])
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    replace_content(file, b"new")
    assert file.read_text() == "new"
    assert beside(file) == []
    assert len(taken[0]) == 1


def test_a_lock_that_another_program_holds_is_not_waited_for(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(descriptor: int, how: int) -> None:
        raise BlockingIOError

    monkeypatch.setattr(fcntl, "flock", held)
    with pytest.raises(OSError, match="another program removes each new file at once"):
        new_file(file.parent, 0o600, kept=True)


def test_without_locks_saves_work_and_nothing_is_removed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here(descriptor: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    (file.parent / LEFT).write_text("half")
    monkeypatch.setattr(fcntl, "flock", none_here)
    replace_content(file, b"new")
    assert file.read_text() == "new"
    assert beside(file) == [LEFT]


@pytest.mark.parametrize("kept", [True, False])
def test_the_file_is_private_to_all_that_read_a_repository(tmp_path: Path, kept: bool) -> None:
    """It may be one of ``.env``."""
    descriptor, path = new_file(tmp_path, 0o600, kept=kept)
    os.close(descriptor)
    assert is_secret(path) is not None
