"""Lists of files: the nearest and the relevant ones first, and what is left out is told."""

import inspect
import sys
from pathlib import Path

import pytest

from engine.repository import listing
from engine.repository.ignore import IgnoreRules
from engine.repository.listing import Listing, list_files
from tests.engine.repository.conftest import Git


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


@pytest.fixture(params=["git asked", "without a repository"])
def root(request: pytest.FixtureRequest, git: Git, tmp_path: Path) -> Path:
    if request.param == "git asked":
        git(tmp_path, "init", "-q")
    return tmp_path


NEAR = "src/app/main.py"


def test_the_helper_beside_the_open_file_is_kept_and_the_rest_counted(root: Path) -> None:
    """Thousands of data files whose names come first used to push it out."""
    write(root, *(f"data/{i}.json" for i in range(60)), NEAR, "src/app/helper.py", "src/far.py")
    found = list_files(IgnoreRules(root), near=NEAR, first=(".py",), limit=4)
    assert found.names == ["src/app/helper.py", "src/app/main.py", "src/far.py", "data/0.json"]
    assert (found.left_out, found.whole) == (59, True)


def test_the_relevant_come_before_the_near_where_there_are_too_many(root: Path) -> None:
    write(root, *(f"src/app/{i}.json" for i in range(9)), NEAR, "lib/deep/er/far.py")
    rules = IgnoreRules(root)
    kept = list_files(rules, near=NEAR, first=(".py",), limit=2)
    assert kept.names == [NEAR, "lib/deep/er/far.py"]
    assert list_files(rules, near=NEAR, first=(".py",)).names[:2] == [NEAR, "src/app/0.json"]
    assert list_files(rules, near=NEAR, limit=2).names == ["src/app/0.json", "src/app/1.json"]


def test_other_endings_do_not_count(root: Path) -> None:
    write(root, *(f"{i}.json" for i in range(9)), "z/a.py", "z/b.py")
    found = list_files(IgnoreRules(root), suffixes=(".py",), limit=2)
    assert found == Listing(["z/a.py", "z/b.py"])


def test_without_a_place_folders_keep_their_order_and_the_top_stays(root: Path) -> None:
    write(root, "z.py", "b/a.py", "a/z.py", "a/b/c.py")
    rules = IgnoreRules(root)
    assert list_files(rules).names == ["z.py", "a/z.py", "a/b/c.py", "b/a.py"]
    assert list_files(rules, limit=3).names == ["z.py", "a/z.py", "b/a.py"]


@pytest.mark.parametrize("near", ["gone/file.py", "../other/x.py", "src/app", "/", "a//b"])
def test_a_place_that_is_not_there_is_no_place(root: Path, near: str) -> None:
    write(root, NEAR, "a.py")
    assert set(list_files(IgnoreRules(root), near=near).names) == {NEAR, "a.py"}


# ── without git: folder after folder ────────────────────────────────────────────────────────


def test_a_walk_begins_near_and_says_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *(f"data/{i:02}/x.json" for i in range(50)), NEAR, "src/app/in/y.py")
    monkeypatch.setattr(listing, "MAX_WALKED", 8)
    found = list_files(IgnoreRules(tmp_path), near=NEAR)
    assert found.names[:2] == [NEAR, "src/app/in/y.py"]
    assert not found.whole
    monkeypatch.setattr(listing, "WALK_SECONDS", -1.0)
    assert list_files(IgnoreRules(tmp_path), near=NEAR) == Listing([NEAR], whole=False)


def test_a_walk_from_an_ignored_place_begins_above_it(tmp_path: Path) -> None:
    write(tmp_path, "build/deep/x.py", "a.py")
    (tmp_path / ".gitignore").write_text("build/\n")
    found = list_files(IgnoreRules(tmp_path), near="build/deep/x.py")
    assert set(found.names) == {".gitignore", "a.py"}


def test_links_to_folders_are_not_followed(root: Path) -> None:
    write(root, "a/x.py")
    (root / "a" / "up").symlink_to("..")
    (root / "file").symlink_to("a/x.py")
    assert {"a/x.py", "file"} <= set(list_files(IgnoreRules(root)).names)
    assert not any("up/" in name for name in list_files(IgnoreRules(root)).names)


def test_a_chain_of_folders_may_be_deeper_than_python_calls_itself(
    root: Path,
) -> None:
    """As 2,000 folders are for Python 3.11's walk; here fewer do, as fewer calls are allowed."""
    deep = "/".join(["d"] * 200)
    write(root, f"{deep}/x.py", "a.py")
    rules = IgnoreRules(root)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 120)
    try:
        assert list_files(rules, near="d/d/d/y.py").names == ["a.py", f"{deep}/x.py"]
    finally:
        sys.setrecursionlimit(limit)
