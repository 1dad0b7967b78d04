"""Where a repository is, and a file as it was committed; nothing of the repository is run."""

import os
import subprocess
from pathlib import Path

import pytest

from engine.repository.git_state import committed_bytes, git_state


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    (top / "in").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(top))
    for name in ("same.txt", "changed.txt", "gone.txt", "staged.txt", "in/deep.txt"):
        (top / name).write_text("one\n")
    (top / ".gitignore").write_text("*.log\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "first")
    return top


def test_branch_and_changes(root: Path) -> None:
    clean = git_state(root)
    assert clean is not None
    assert (clean.branch, clean.changes) == ("main", {})
    assert clean.commit == git(root, "rev-parse", "HEAD")
    (root / "changed.txt").write_text("two\n")
    (root / "gone.txt").unlink()
    (root / "staged.txt").write_text("two\n")
    (root / "späte.txt").write_text("new\n")
    (root / "a.log").write_text("ignored\n")
    (root / "new").mkdir()
    (root / "new" / "file.txt").write_text("new\n")
    (root / "in" / "deep.txt").write_text("two\n")
    git(root, "add", "staged.txt")
    state = git_state(root)
    assert state is not None
    assert state.changes == {
        "changed.txt": "changed", "gone.txt": "deleted", "staged.txt": "changed",
        "späte.txt": "added", "new/": "added", "in/deep.txt": "changed",
    }  # fmt: skip
    below = git_state(root / "in")
    assert below is not None
    assert below.changes == {"deep.txt": "changed"}


def test_without_a_branch_the_commit_stands_for_it(root: Path) -> None:
    git(root, "checkout", "-q", "--detach")
    state = git_state(root)
    assert state is not None
    assert state.branch == state.commit[:10]


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", ".")
    (tmp_path / "a").write_text("")
    state = git_state(tmp_path)
    assert state is not None
    assert (state.branch, state.commit, state.changes) == ("main", "", {"a": "added"})


def test_no_repository_has_no_state(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None


def test_a_file_as_it_was_committed(root: Path) -> None:
    (root / "changed.txt").write_text("two\n")
    assert committed_bytes(root, "changed.txt") == b"one\n"
    assert committed_bytes(root / "in", "deep.txt") == b"one\n"
    assert committed_bytes(root, "nosuch") is None


@pytest.mark.parametrize("part", ["clean", "smudge", "process"])
def test_no_filter_of_the_repository_runs(root: Path, tmp_path: Path, part: str) -> None:
    ran = tmp_path / "ran"
    (root / ".gitattributes").write_text("*.txt filter=evil.one\n")
    git(root, "config", f"filter.evil.one.{part}", f"touch {ran}; cat")
    git(root, "config", "filter.evil.one.required", "true")
    (root / "changed.txt").write_text("two\n")
    state = git_state(root)
    assert state is not None
    assert state.changes["changed.txt"] == "changed"
    committed_bytes(root, "changed.txt")
    assert not ran.exists()


@pytest.mark.parametrize("name", ["lfs", "a.b", "a b", "a=b", "ä", "Upper"])
def test_no_filter_runs(root: Path, name: str) -> None:
    ran = root / "ran.log"
    git(root, "config", f"filter.{name}.clean", f"touch '{ran}'; cat")
    (root / ".gitattributes").write_text(f'"changed.txt" filter={name}\n')
    (root / "changed.txt").write_text("two\n")  # as long: only its content tells
    os.utime(root / "changed.txt", (0, 0))
    git_state(root)
    assert not ran.exists()
    if " " not in name:  # attributes know no such name
        git(root, "status")
        assert ran.exists()


def test_a_huge_file_of_a_commit_is_not_read(root: Path) -> None:
    (root / "huge.txt").write_bytes(bytes(16_000_001))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "huge")
    assert committed_bytes(root, "huge.txt") is None
