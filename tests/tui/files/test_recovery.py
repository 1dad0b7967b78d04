import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tui.files import processes, recovery
from tui.files.processes import ProcessIdentity, identity_of, lives
from tui.files.recovery import RecoveryStore


@pytest.fixture
def store(tmp_path: Path) -> RecoveryStore:
    """The texts of one window."""
    return RecoveryStore(tmp_path / "state" / "recovery")


@pytest.fixture
def later(tmp_path: Path) -> RecoveryStore:
    """Those of a window of this process that was opened after the first had gone."""
    return RecoveryStore(tmp_path / "state" / "recovery")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Another process that lives."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def left(store: RecoveryStore) -> str | None:
    found = store.find(FILE)
    return None if found is None else found.text


FILE = Path("/somewhere/notes.md")


def test_what_is_written_is_found(store: RecoveryStore, later: RecoveryStore) -> None:
    store.write(FILE, "unsaved ü\n")
    found = later.find(FILE)
    assert found is not None
    assert (found.text, found.path) == ("unsaved ü\n", FILE)
    assert later.find(Path("/somewhere/else.md")) is None
    assert later.left_behind() == [FILE]


def test_only_the_user_may_read_it(store: RecoveryStore, tmp_path: Path) -> None:
    store.write(FILE, "text")
    folder = tmp_path / "state" / "recovery"
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "notes" not in file.name


def test_a_newer_text_replaces_the_older_one(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path
) -> None:
    store.write(FILE, "one")
    store.write(FILE, "two")
    assert left(later) == "two"
    assert len(list((tmp_path / "state" / "recovery").iterdir())) == 1


def test_removed_is_gone_and_removing_twice_is_fine(
    store: RecoveryStore, later: RecoveryStore
) -> None:
    store.write(FILE, "one")
    assert store.holds(FILE)
    store.remove(FILE)
    store.remove(FILE)
    assert not store.holds(FILE)
    assert later.find(FILE) is None


def test_a_damaged_file_is_none_and_stays(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path
) -> None:
    store.write(FILE, "one")
    (file,) = (tmp_path / "state" / "recovery").iterdir()
    file.write_bytes(b"\x93not this")
    assert later.find(FILE) is None
    assert later.left_behind() == []
    assert file.exists()


def test_a_failed_write_leaves_the_older_text_and_nothing_else(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(FILE, "one")

    def refuse(*paths: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(recovery.os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        store.write(FILE, "two")
    assert left(later) == "one"
    assert len(list((tmp_path / "state" / "recovery").iterdir())) == 1


def test_neither_name_nor_text_need_be_unicode(store: RecoveryStore, later: RecoveryStore) -> None:
    path = Path(os.fsdecode(b"/somewhere/caf\xe9.py"))
    store.write(path, "half a character: \ud800")
    found = later.find(path)
    assert found is not None
    assert (found.path, found.text) == (path, "half a character: \ud800")


# ── several windows ─────────────────────────────────────────────────────────────────────────


def test_a_window_leaves_alone_what_another_one_left(
    store: RecoveryStore, later: RecoveryStore
) -> None:
    """Neither its keys nor its save may cost the text that nobody has looked at yet."""
    store.write(FILE, "left")
    later.write(FILE, "typed since")
    assert left(later) == "left"
    later.remove(FILE)
    found = later.find(FILE)
    assert found is not None
    assert found.text == "left"
    later.forget(found)
    assert later.find(FILE) is None


def test_the_newest_of_several_comes_first(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path
) -> None:
    store.write(FILE, "older")
    later.write(FILE, "newer")
    assert left(RecoveryStore(tmp_path / "state" / "recovery")) == "newer"


def test_what_could_not_be_removed_is_found_again(
    store: RecoveryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(FILE, "one")

    def refuse(*paths: object, **options: object) -> None:
        raise PermissionError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(recovery.Path, "unlink", refuse)
        with pytest.raises(PermissionError):
            store.remove(FILE)
    store.write(FILE, "two")  # elsewhere
    assert left(store) == "one"


def test_what_a_killed_process_had_half_written_does_not_stay(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path
) -> None:
    store.write(tmp_path / "a.py", "text")
    (record,) = (tmp_path / "state" / "recovery").iterdir()
    old, new = record.with_name(".new-old"), record.with_name(".new-now")
    for draft in (old, new):
        draft.write_bytes(b"half a te")
    os.utime(old, (0, 0))
    assert later.left_behind() == [tmp_path / "a.py"]
    assert not old.exists()
    assert new.exists()


def test_the_record_of_an_older_version_is_found(store: RecoveryStore, tmp_path: Path) -> None:
    """It names its process by number only, and has another name."""
    store.write(FILE, "left")
    (file,) = (tmp_path / "state" / "recovery").iterdir()
    fields = msgspec.msgpack.decode(file.read_bytes())
    del fields["started"]
    fields["pid"] = os.getppid()
    file.unlink()
    name = file.name.partition("-")[0]
    file.with_name(f"{name}.msgpack").write_bytes(msgspec.msgpack.encode(fields))
    assert left(store) == "left"


# ── the processes that wrote them ───────────────────────────────────────────────────────────


def written_by(store: RecoveryStore, process: ProcessIdentity, tmp_path: Path) -> None:
    """Leave a text of another process."""
    store.write(FILE, "theirs")
    (file,) = (tmp_path / "state" / "recovery").iterdir()
    fields = msgspec.msgpack.decode(file.read_bytes())
    fields |= {"pid": process.pid, "started": process.started}
    file.write_bytes(msgspec.msgpack.encode(fields))


def test_the_text_of_a_living_process_is_its_own(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    written_by(store, identity_of(sleeper.pid), tmp_path)
    assert later.find(FILE) is None
    assert later.left_behind() == []


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="looks without reaping")
def test_a_process_that_ended_counts_as_gone_before_its_parent_hears_of_it(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    written_by(store, identity_of(sleeper.pid), tmp_path)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # dead, and not reaped
    os.kill(sleeper.pid, 0)  # its number is still taken
    assert left(later) == "theirs"


def test_another_process_with_the_same_number_is_another_process(
    store: RecoveryStore, later: RecoveryStore, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    former = ProcessIdentity(sleeper.pid, identity_of().started)
    written_by(store, former, tmp_path)
    assert left(later) == "theirs"


def test_the_same_number_and_time_after_a_restart_are_another_process(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = identity_of(sleeper.pid)
    assert lives(process)
    monkeypatch.setattr(processes, "_boot", lambda: "another run of the computer")
    assert not lives(process)


def test_where_the_system_has_no_files_of_processes_ps_tells(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ps = tmp_path / "ps"
    ps.write_text(
        "#!/bin/sh\n"
        'test "$LC_ALL" = C || exit 2\n'
        f'case "$*" in *{sleeper.pid}) echo "S+   Mon Nov 30 09:00:00 2026";; '
        '*4) echo "Z Mon Nov 30 09:00:00 2026";; *) exit 1;; esac\n'
    )
    ps.chmod(0o755)
    monkeypatch.setattr(processes, "_boot", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    process = identity_of(sleeper.pid)
    assert process.started == "Mon Nov 30 09:00:00 2026"
    assert lives(process)
    assert not lives(ProcessIdentity(4, process.started))
    assert not lives(ProcessIdentity(1, process.started))
