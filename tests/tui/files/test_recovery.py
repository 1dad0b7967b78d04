import os
import stat
from pathlib import Path

import pytest

from tui.files import recovery
from tui.files.recovery import RecoveryStore


@pytest.fixture
def store(tmp_path: Path) -> RecoveryStore:
    return RecoveryStore(tmp_path / "state" / "recovery")


FILE = Path("/somewhere/notes.md")


def test_what_is_written_is_found(store: RecoveryStore) -> None:
    store.write(FILE, "unsaved ü\n")
    found = store.find(FILE)
    assert found is not None
    assert (found.text, found.path) == ("unsaved ü\n", FILE)
    assert store.find(Path("/somewhere/else.md")) is None


def test_only_the_user_may_read_it(store: RecoveryStore, tmp_path: Path) -> None:
    store.write(FILE, "text")
    folder = tmp_path / "state" / "recovery"
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "notes" not in file.name


def test_a_newer_text_replaces_the_older_one(store: RecoveryStore, tmp_path: Path) -> None:
    store.write(FILE, "one")
    store.write(FILE, "two")
    found = store.find(FILE)
    assert found is not None
    assert found.text == "two"
    assert len(list((tmp_path / "state" / "recovery").iterdir())) == 1


def test_removed_is_gone_and_removing_twice_is_fine(store: RecoveryStore) -> None:
    store.write(FILE, "one")
    store.remove(FILE)
    store.remove(FILE)
    assert store.find(FILE) is None


def test_a_damaged_file_is_none(store: RecoveryStore, tmp_path: Path) -> None:
    store.write(FILE, "one")
    (file,) = (tmp_path / "state" / "recovery").iterdir()
    file.write_bytes(b"\x93not this")
    assert store.find(FILE) is None


def test_the_text_of_a_living_process_is_its_own(
    store: RecoveryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery.os, "getpid", os.getppid)
    store.write(FILE, "theirs")
    monkeypatch.undo()
    assert store.find(FILE) is None


def test_a_failed_write_leaves_the_older_text_and_nothing_else(
    store: RecoveryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(FILE, "one")

    def refuse(*paths: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(recovery.os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        store.write(FILE, "two")
    found = store.find(FILE)
    assert found is not None
    assert found.text == "one"
    assert len(list((tmp_path / "state" / "recovery").iterdir())) == 1


def test_a_text_set_aside_outlives_later_writes_and_removals(store: RecoveryStore) -> None:
    store.write(FILE, "first")
    first = store.find(FILE)
    assert first is not None
    store.set_aside(first)
    store.write(FILE, "second")
    newest = store.find(FILE)
    assert newest is not None
    assert newest.text == "second"
    store.remove(FILE)
    again = store.find(FILE)
    assert again is not None
    assert again.text == "first"
    store.set_aside(again)  # it stays where it is
    assert store.find(FILE) == again
    store.forget(again)
    assert store.find(FILE) is None


def test_neither_name_nor_text_need_be_unicode(store: RecoveryStore) -> None:
    path = Path(os.fsdecode(b"/somewhere/caf\xe9.py"))
    store.write(path, "half a character: \ud800")
    found = store.find(path)
    assert found is not None
    assert (found.path, found.text) == (path, "half a character: \ud800")
