import logging
import os
import sys
from pathlib import Path

import pytest

from engine.knowledge import library as module
from engine.knowledge.library import MAX_CHANGED, REFRESH_SECONDS, Library
from engine.repository import listing, readable_files

PYTHON = (".py",)


def write(root: Path, name: str, text: str = "x = 1\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def make(root: Path, tokenizer, **options) -> Library:
    return Library(root, tokenizer, PYTHON, **options)


def known(library: Library, without: str = "") -> set[str]:
    found = set()
    for view in library.views(without):
        found |= set(view.index.names) - view.hidden
    return found


def lines(library: Library) -> set[bytes]:
    """All lines that a completion can see."""
    return {
        view.index.lines.content(i)
        for view in library.views("")
        for i in range(len(view.index.lines))
        if list(view.index.names)[view.index.lines.text[i]] not in view.hidden
    } - {b""}


@pytest.fixture(autouse=True)
def priorities(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The priorities that were asked for, which these tests do not take."""
    asked: list[int] = []
    if hasattr(os, "setpriority"):
        monkeypatch.setattr(os, "setpriority", lambda which, who, priority: asked.append(priority))
    return asked


def watch_reading(library: Library, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The files that a completion could see whenever a file was read."""
    ready: list[set[str]] = []
    read = module.read_text

    def watched(file):
        ready.append(known(library))
        return read(file)

    monkeypatch.setattr(module, "read_text", watched)
    return ready


# ── reading now ─────────────────────────────────────────────────────────────────────────────


def test_secret_ignored_and_linked_files_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer
) -> None:
    for name in ("a.py", "b/c.py", ".ssh/d.py", "build/e.py", "private/f.py"):
        write(tmp_path, name)
    write(tmp_path, ".gitignore", "build/\n")
    (tmp_path / "link.py").symlink_to(tmp_path / ".ssh" / "d.py")
    opened: list[str] = []
    read = os.open

    def watched(path: str | Path, *arguments: int, **options: int) -> int:
        if Path(path).is_relative_to(tmp_path):
            opened.append(Path(path).relative_to(tmp_path).as_posix())
        return read(path, *arguments, **options)

    monkeypatch.setattr(os, "open", watched)
    library = make(tmp_path, tokenizer, private_patterns=("private/",))
    library.read()
    monkeypatch.undo()
    assert known(library) == {"a.py", "b/c.py"}
    assert sorted(name for name in opened if name.endswith(".py")) == ["a.py", "b/c.py"]


def test_an_unread_library_is_empty(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py")
    library = make(tmp_path, tokenizer)
    assert (library.views(""), library.files, library.tokens) == ([], 0, 0)


def test_its_size_is_that_of_the_files(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py", "width\n")
    write(tmp_path, "b.py", "height = width\n")
    library = make(tmp_path, tokenizer)
    library.read()
    assert library.files == 2
    texts = ("width\n", "height = width\n")
    assert library.tokens == sum(len(tokenizer.encode_part(text)) for text in texts)


def test_files_that_are_too_many_are_counted(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5):
        write(tmp_path, f"{i}.py")
    library = make(tmp_path, tokenizer)
    library.read()
    assert library.left_out == 0
    monkeypatch.setattr(readable_files, "MAX_FILES", 2)
    write(tmp_path, "deep/er/helper.py")
    library.read("deep/er/open.py")
    assert library.left_out == 4
    assert "deep/er/helper.py" in known(library)
    monkeypatch.setattr(listing, "WALK_SECONDS", -1.0)  # no time for a second folder
    write(tmp_path, "folder/x.py")
    library.read()
    assert library.left_out is None


def test_changed_new_and_removed_files_are_noticed(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py", "old_name = 1\n")
    write(tmp_path, "b.py", "gone = 1\n")
    write(tmp_path, "same.py", "same = 1\n")
    library = make(tmp_path, tokenizer)
    library.read()
    write(tmp_path, "a.py", "new_name = 22\n")
    write(tmp_path, "c.py", "added = 1\n")
    (tmp_path / "b.py").unlink()
    library.read()
    assert known(library) == {"a.py", "c.py", "same.py"}
    assert library.files == 3
    assert lines(library) == {b"new_name = 22", b"added = 1", b"same = 1"}


def test_a_file_that_changes_again_has_its_last_text(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "same.py", "same = 1\n")
    library = make(tmp_path, tokenizer)
    for text in ("first = 1\n", "second = 22\n", "third = 333\n"):
        write(tmp_path, "a.py", text)
        library.read()
    assert lines(library) == {b"same = 1", b"third = 333"}
    assert len(library.views("")) == 2


def test_a_file_that_is_as_it_was_is_found_in_the_first_index(tmp_path: Path, tokenizer) -> None:
    path = write(tmp_path, "a.py", "first = 1\n")
    stamp = path.stat()
    library = make(tmp_path, tokenizer)
    library.read()
    write(tmp_path, "a.py", "second = 22\n")
    library.read()
    write(tmp_path, "a.py", "first = 1\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    library.read()
    assert lines(library) == {b"first = 1"}
    assert len(library.views("")) == 1


@pytest.mark.parametrize(("changed", "indexes"), [(MAX_CHANGED, 2), (MAX_CHANGED + 1, 1)])
def test_many_changes_read_everything_again(
    tmp_path: Path, tokenizer, changed: int, indexes: int
) -> None:
    write(tmp_path, "a.py")
    library = make(tmp_path, tokenizer)
    library.read()
    for i in range(changed):
        write(tmp_path, f"b{i}.py")
    library.read()
    assert len(library.views("")) == indexes
    assert library.files == 1 + changed


def test_unchanged_files_are_not_read_again(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a.py")
    library = make(tmp_path, tokenizer)
    library.read()
    monkeypatch.setattr(module, "read_text", lambda file: pytest.fail("read again"))
    library.read()


def test_a_repository_of_unreadable_files_is_read_again_when_it_changes(
    tmp_path: Path, tokenizer
) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"# caf\xe9\n")
    library = make(tmp_path, tokenizer)
    library.read()
    library.read()
    assert known(library) == set()
    path.write_text("# café, now in UTF-8\n", encoding="utf-8")
    library.read()
    assert known(library) == {"a.py"}


# ── the file being edited ───────────────────────────────────────────────────────────────────


def test_the_file_being_edited_is_passed_over(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py", "a = 1\n")
    write(tmp_path, "b.py")
    library = make(tmp_path, tokenizer)
    library.read()
    assert known(library, "a.py") == {"b.py"}


def test_copies_of_the_file_being_edited_are_passed_over_too(tmp_path: Path, tokenizer) -> None:
    write(tmp_path, "a.py", "a = 1\n")
    write(tmp_path, "build/a.py", "a = 1\n")
    write(tmp_path, "b.py")
    library = make(tmp_path, tokenizer)
    library.read()
    assert known(library, "a.py") == {"b.py"}
    assert known(library, "c.py") == {"a.py", "build/a.py", "b.py"}


# ── in the background ───────────────────────────────────────────────────────────────────────


class Background:
    """Takes the place of threads and of the clock: work waits until a test does it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 100.0
        self.waiting: list = []
        monkeypatch.setattr(module, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(module, "Thread", self._thread)

    def _thread(self, target, args, **options):
        outer = self

        class Started:
            def start(self) -> None:
                outer.waiting.append(lambda: target(*args))

        return Started()

    def work(self) -> None:
        """Do the only work that waits."""
        (work,) = self.waiting
        self.waiting.clear()
        work()


@pytest.fixture
def background(monkeypatch: pytest.MonkeyPatch) -> Background:
    return Background(monkeypatch)


def test_reading_in_the_background_fills_the_same_index(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch, background: Background
) -> None:
    monkeypatch.setattr(module, "FIRST_BYTES", 8)
    for name in ("a.py", "b.py", "c.py"):
        write(tmp_path, name)
    library = make(tmp_path, tokenizer)
    library.freshen("a.py")
    assert known(library) == set()  # nothing waits
    background.work()
    assert known(library) == {"a.py", "b.py", "c.py"}
    assert len(library.views("")) == 1


def test_the_nearest_files_are_ready_first(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch, background: Background
) -> None:
    monkeypatch.setattr(module, "FIRST_BYTES", 12)  # two files of six bytes
    for name in ("a/far.py", "b/near.py", "b/here.py"):
        write(tmp_path, name)
    library = make(tmp_path, tokenizer)
    ready = watch_reading(library, monkeypatch)
    library.freshen("b/here.py")
    background.work()
    # Two files at first; then all three, while the first two are in use.
    near = {"b/here.py", "b/near.py"}
    assert ready == [set(), set(), near, near, near]
    assert library.files == 3


def test_a_small_repository_is_read_at_once(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch, background: Background
) -> None:
    monkeypatch.setattr(module, "FIRST_BYTES", 12)
    for name in ("a.py", "b.py"):
        write(tmp_path, name)
    library = make(tmp_path, tokenizer)
    ready = watch_reading(library, monkeypatch)
    library.freshen("a.py")
    background.work()
    assert ready == [set()] * 2


def test_where_somebody_waits_each_file_is_read_once(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_BYTES", 6)
    for name in ("a.py", "b.py"):
        write(tmp_path, name)
    library = make(tmp_path, tokenizer)
    ready = watch_reading(library, monkeypatch)
    library.read()
    assert ready == [set()] * 2


def test_when_everything_is_read_again_nothing_disappears_meanwhile(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch, background: Background
) -> None:
    monkeypatch.setattr(module, "FIRST_BYTES", 6)
    monkeypatch.setattr(module, "MAX_CHANGED", 1)
    names = {"a.py", "b.py", "c.py"}
    library = make(tmp_path, tokenizer)
    for text in ("x = 1\n", "y = 22\n"):
        for name in names:
            write(tmp_path, name, text)
        background.seconds += REFRESH_SECONDS
        ready = watch_reading(library, monkeypatch)
        library.freshen("a.py")
        background.work()
    assert ready == [names] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the process has one priority")
def test_reading_in_the_background_has_the_lowest_priority(
    tmp_path: Path, tokenizer, background: Background, priorities: list[int]
) -> None:
    library = make(tmp_path, tokenizer)
    library.freshen("a.py")
    background.work()
    assert priorities == [19]
    library.read()
    assert priorities == [19]


def test_files_are_looked_for_once_in_a_while(
    tmp_path: Path, tokenizer, background: Background
) -> None:
    library = make(tmp_path, tokenizer)
    library.freshen("a.py")
    library.freshen("a.py")
    background.seconds += 5.0
    background.work()  # which took five seconds
    write(tmp_path, "a.py")
    background.seconds += REFRESH_SECONDS - 0.1
    library.freshen("a.py")
    assert background.waiting == []
    background.seconds += 0.1
    library.freshen("a.py")
    background.work()
    assert known(library) == {"a.py"}


def test_what_was_read_on_demand_stays_until_it_is_demanded_again(
    tmp_path: Path, tokenizer, background: Background
) -> None:
    library = make(tmp_path, tokenizer)
    library.read()
    write(tmp_path, "a.py")
    background.seconds += 10 * REFRESH_SECONDS
    library.freshen("a.py")
    assert background.waiting == []
    assert known(library) == set()


def test_one_update_runs_at_a_time(
    tmp_path: Path, tokenizer, monkeypatch: pytest.MonkeyPatch, background: Background
) -> None:
    write(tmp_path, "a.py")
    library = make(tmp_path, tokenizer)

    def meanwhile(file):
        background.seconds += 10 * REFRESH_SECONDS
        library.freshen("a.py")
        return "x = 1\n"

    monkeypatch.setattr(module, "read_text", meanwhile)
    library.freshen("a.py")
    background.work()
    assert background.waiting == []


def test_a_failure_is_logged_and_another_try_is_made_later(
    tmp_path: Path,
    tokenizer,
    monkeypatch: pytest.MonkeyPatch,
    background: Background,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write(tmp_path, "a.py")
    library = make(tmp_path, tokenizer)
    with monkeypatch.context() as broken:
        broken.setattr(module, "find_files", lambda *arguments: 1 / 0)
        library.freshen("a.py")
        with caplog.at_level(logging.ERROR):
            background.work()
    assert "the repository cannot be read" in caplog.text
    assert library.views("") == []
    background.seconds += REFRESH_SECONDS
    library.freshen("a.py")
    background.work()
    assert known(library) == {"a.py"}
