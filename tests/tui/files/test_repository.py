"""The root of a repository."""

from pathlib import Path

from tui.files.repository import find_root


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_the_root_is_the_nearest_folder_with_git(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    write(tmp_path / "repo", "a/b/c.py")
    assert find_root(tmp_path / "repo" / "a" / "b" / "c.py") == tmp_path / "repo"
    assert find_root(tmp_path / "repo" / "a") == tmp_path / "repo"


def test_without_git_the_folder_itself_is_the_root(tmp_path: Path) -> None:
    write(tmp_path, "a/b.py")
    assert find_root(tmp_path / "a") == tmp_path / "a"
    assert find_root(tmp_path / "a" / "b.py") == tmp_path / "a"
