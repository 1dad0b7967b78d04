import os
from pathlib import Path

import pytest

from engine.knowledge import library
from engine.knowledge.library import Library
from engine.repository import readable_files
from engine.repository.readable_files import find_files, read_text

PYTHON = (".py",)


def write(root: Path, name: str, text: str = "x = 1\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(root: Path, **options) -> list[str]:
    return [file.name for file in find_files(root, PYTHON, options.pop("private", ()), **options)]


def make(root: Path, tokenizer, **options) -> Library:
    return Library(root, tokenizer, PYTHON, **options)


def known(repository: Library, without: str = "") -> set[str]:
    found = set()
    for view in repository.views(without):
        found |= set(view.index.names) - view.hidden
    return found


def test_secret_ignored_linked_and_large_files_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer
) -> None:
    for name in ("a.py", "b/c.py", ".ssh/d.py", "build/e.py", "private/f.py", "large.py"):
        write(tmp_path, name)
    write(tmp_path, "large.py", "#" * (readable_files.MAX_FILE_BYTES + 1))
    write(tmp_path, ".gitignore", "build/\n")
    write(tmp_path, "empty.py", "")
    write(tmp_path, "note.txt")
    (tmp_path / "link.py").symlink_to(tmp_path / ".ssh" / "d.py")
    opened: list[str] = []
    read = Path.read_bytes

    def watched(path: Path) -> bytes:
        if path.is_relative_to(tmp_path):
            opened.append(path.relative_to(tmp_path).as_posix())
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", watched)
    repository = make(tmp_path, tokenizer, private_patterns=("private/",))
    repository.read()
    assert known(repository) == {"a.py", "b/c.py"}
    assert sorted(name for name in opened if name.endswith(".py")) == ["a.py", "b/c.py"]


def test_the_nearest_files_come_first(tmp_path: Path) -> None:
    for name in ("a/b/near.py", "a/mid.py", "z/far.py", "a/b/here.py"):
        write(tmp_path, name)
    assert names(tmp_path, near="a/b/here.py")[:3] == ["a/b/here.py", "a/b/near.py", "a/mid.py"]


def test_number_and_size_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(6):
        write(tmp_path, f"{i}.py", "x" * 10)
    monkeypatch.setattr(readable_files, "MAX_FILES", 4)
    assert len(names(tmp_path)) == 4
    monkeypatch.setattr(readable_files, "MAX_TOTAL_BYTES", 25)
    assert names(tmp_path) == ["0.py", "1.py"]


def test_what_is_no_text_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, "a.py")
    (file,) = find_files(tmp_path, PYTHON, ())
    assert read_text(file) == "x = 1\n"
    path.write_bytes(b"\xff\xfe")
    assert read_text(file) is None
    path.write_bytes(b"a\0b")
    assert read_text(file) is None
    path.unlink()
    assert read_text(file) is None


def test_changed_new_and_removed_files_are_noticed(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py", "old_name = 1\n")
    write(tmp_path, "b.py", "gone = 1\n")
    repository = make(tmp_path, tokenizer)
    repository.read()
    write(tmp_path, "a.py", "new_name = 22\n")
    write(tmp_path, "c.py", "added = 1\n")
    (tmp_path / "b.py").unlink()
    repository.read()
    assert known(repository) == {"a.py", "c.py"}
    assert repository.files == 2
    texts = {
        view.index.lines.content(i)
        for view in repository.views("")
        for i in range(len(view.index.lines))
        if "a.py" in view.index.names and "a.py" not in view.hidden
    }
    assert b"new_name = 22" in texts
    assert b"old_name = 1" not in texts


def test_many_changes_read_everything_again(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MAX_CHANGED", 1)
    write(tmp_path, "a.py")
    repository = make(tmp_path, tokenizer)
    repository.read()
    write(tmp_path, "b.py")
    write(tmp_path, "c.py")
    repository.read()
    assert len(repository.views("")) == 1
    assert known(repository) == {"a.py", "b.py", "c.py"}


def test_unchanged_files_are_not_read_again(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.py")
    repository = make(tmp_path, tokenizer)
    repository.read()
    monkeypatch.setattr(library, "read_text", lambda file: pytest.fail("read again"))
    repository.read()


def test_the_file_being_edited_is_passed_over(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py", "a = 1\n")
    write(tmp_path, "b.py")
    repository = make(tmp_path, tokenizer)
    repository.read()
    assert known(repository, "a.py") == {"b.py"}


def test_copies_of_the_file_being_edited_are_passed_over_too(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py", "a = 1\n")
    write(tmp_path, "build/a.py", "a = 1\n")
    write(tmp_path, "b.py")
    repository = make(tmp_path, tokenizer)
    repository.read()
    assert known(repository, "a.py") == {"b.py"}
    assert known(repository, "c.py") == {"a.py", "build/a.py", "b.py"}


def test_a_repository_of_unreadable_files_is_read_again_when_it_changes(
    tmp_path: Path, tokenizer
) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"# caf\xe9\n")
    repository = make(tmp_path, tokenizer)
    repository.read()
    repository.read()
    assert known(repository) == set()
    path.write_text("# café, now in UTF-8\n", encoding="utf-8")
    repository.read()
    assert known(repository) == {"a.py"}


def test_what_was_read_on_demand_stays_until_it_is_demanded_again(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.py")
    repository = make(tmp_path, tokenizer)
    repository.read()
    started: list[object] = []
    monkeypatch.setattr(library, "Thread", _thread(started))
    repository.freshen("a.py")
    assert started == []


def test_reading_in_the_background_fills_the_same_shelves(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "FIRST_BYTES", 8)
    for name in ("a.py", "b.py", "c.py"):
        write(tmp_path, name)
    repository = make(tmp_path, tokenizer)
    started = []
    monkeypatch.setattr(library, "Thread", _thread(started))
    repository.freshen("a.py")
    assert known(repository) == set()  # nothing waits
    repository.freshen("a.py")
    (work,) = started  # once in a while is enough
    work()
    assert known(repository) == {"a.py", "b.py", "c.py"}
    assert len(repository.views("")) == 1


def _thread(started: list):
    class Started:
        def __init__(self, target, args, **options) -> None:
            self.work = lambda: target(*args)

        def start(self) -> None:
            started.append(self.work)

    return Started


@pytest.fixture(autouse=True)
def _same_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "setpriority"):
        monkeypatch.setattr(os, "setpriority", lambda *arguments: None)
