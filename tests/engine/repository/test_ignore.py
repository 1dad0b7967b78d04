"""Which files git ignores: the same as git itself says."""

import shutil
import subprocess
from pathlib import Path

import pytest

from engine.repository.ignore import IgnoreRules, list_files


@pytest.fixture(autouse=True)
def config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's settings, empty at first."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def listed(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in list_files(IgnoreRules(root))}


def test_a_folder_without_repository_shows_everything(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b/c.log")
    assert listed(tmp_path) == {"a.py", "b/c.log"}


def test_git_itself_is_hidden(tmp_path: Path) -> None:
    write(tmp_path, ".git/config", "a.py")
    assert listed(tmp_path) == {"a.py"}


def test_a_file_in_an_ignored_folder_is_ignored(tmp_path: Path) -> None:
    write(tmp_path, "build/deep/x.py")
    (tmp_path / ".gitignore").write_text("build/\n")
    rules = IgnoreRules(tmp_path)
    assert rules.ignored(tmp_path / "build" / "deep" / "x.py", is_dir=False)
    assert not rules.ignored(tmp_path / "building.py", is_dir=False)


def test_rules_are_read_again_after_forgetting(tmp_path: Path) -> None:
    write(tmp_path, "a.log")
    rules = IgnoreRules(tmp_path)
    assert not rules.ignored(tmp_path / "a.log", is_dir=False)
    (tmp_path / ".gitignore").write_text("*.log\n")
    rules.forget()
    assert rules.ignored(tmp_path / "a.log", is_dir=False)


def test_a_linked_work_tree_uses_the_rules_of_its_repository(tmp_path: Path) -> None:
    main, tree = tmp_path / "main", tmp_path / "tree"
    write(main, ".git/info/exclude", ".git/worktrees/tree/commondir")
    (main / ".git" / "info" / "exclude").write_text("*.tmp\n")
    (main / ".git" / "worktrees" / "tree" / "commondir").write_text("../..\n")
    write(tree, "a.tmp", "a.py")
    (tree / ".git").write_text(f"gitdir: {main}/.git/worktrees/tree\n")
    assert listed(tree) == {"a.py"}


@pytest.mark.parametrize("text", ["gitdir: nowhere\n", "no such line", "\udcff"])
def test_a_link_that_leads_nowhere_has_no_rules(tmp_path: Path, text: str) -> None:
    write(tmp_path, "a.tmp")
    (tmp_path / ".git").write_text(text, errors="surrogateescape")
    assert listed(tmp_path) == {"a.tmp"}


def test_the_deepest_rule_decides(tmp_path: Path, config: Path) -> None:
    (config / "git").mkdir()
    (config / "git" / "ignore").write_text("*.a\n*.b\n*.c\n")
    write(tmp_path, ".git/info/exclude", *(f"sub/x.{end}" for end in "abcd"))
    (tmp_path / ".git" / "info" / "exclude").write_text("!*.b\n!*.c\n")
    (tmp_path / ".gitignore").write_text("*.c\n*.d\n")
    (tmp_path / "sub" / ".gitignore").write_text("!*.d\n")
    assert listed(tmp_path) == {".gitignore", "sub/.gitignore", "sub/x.b", "sub/x.d"}


def test_a_pattern_with_a_slash_at_its_end_is_for_folders(tmp_path: Path) -> None:
    write(tmp_path, "a/build/x.py", "b/build")
    (tmp_path / ".gitignore").write_text("build/\n")
    assert listed(tmp_path) == {".gitignore", "b/build"}
    rules = IgnoreRules(tmp_path)
    assert rules.ignored(tmp_path / "a" / "build", is_dir=True)
    assert rules.ignored(tmp_path / "a" / "build" / "x.py", is_dir=False)
    assert not rules.ignored(tmp_path / "b" / "build", is_dir=False)


def test_without_a_named_folder_the_users_rules_are_in_the_home_folder(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(home))
    write(home, ".config/git/ignore")
    (home / ".config" / "git" / "ignore").write_text("*.log\n")
    write(tmp_path, "a.log", "a.py")
    assert listed(tmp_path) == {"a.py"}


def test_the_last_line_of_a_file_decides(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "b.log")
    (tmp_path / ".gitignore").write_text("*.log\n!*.log\na.log\n")
    assert listed(tmp_path) == {".gitignore", "b.log"}


def test_the_limit_holds(tmp_path: Path) -> None:
    write(tmp_path, *(f"{number}.py" for number in range(9)))
    assert len(list(list_files(IgnoreRules(tmp_path), limit=4))) == 4


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git itself")
def test_what_is_shown_is_what_git_does_not_ignore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    write(
        tmp_path,
        "keep.py", "a.log", "deep/a.log", "deep/keep.log", "deep/x/keep.log", "out/a.py",
        "deep/out/a.py", "only/here.txt", "sub/only/here.txt", "sub/cache/x", "sub/cache/y",
        "private.txt", "data/1.bin", "data/deep/2.bin", "!odd", "with space.py", "ünï.py",
    )  # fmt: skip
    (tmp_path / ".gitignore").write_text("*.log\n/out/\n/only/here.txt\ndata/**/*.bin\n\\!odd\n")
    (tmp_path / "deep" / ".gitignore").write_text("!keep.log\nout\n")
    (tmp_path / "sub" / ".gitignore").write_text("cache/*\n!cache/y\n")
    (tmp_path / ".git" / "info" / "exclude").write_text("private.txt\n")
    command = ["git", "ls-files", "-z", "--others", "--exclude-standard"]
    output = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert listed(tmp_path) == set(output.stdout.split("\0")) - {""}


@pytest.mark.parametrize("line", ["!", "\\", "a\\", "!\\", "[z-a]"])
def test_a_line_without_meaning_costs_that_line_alone(tmp_path: Path, line: str) -> None:
    write(tmp_path, "a.py", "b.log")
    (tmp_path / ".gitignore").write_text(f"{line}\n*.log\n")
    assert listed(tmp_path) == {".gitignore", "a.py"}


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.log", "c.tmp")
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbf*.log\r\nx\x0ca.py\n*.tmp\n")
    assert listed(tmp_path) == {".gitignore", "a.py"}
