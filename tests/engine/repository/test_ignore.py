"""Which files are ignored where there is no git to ask; `test_git.py` compares with git itself."""

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from engine.repository import ignore
from engine.repository.ignore import IgnoreRules
from engine.repository.listing import list_files


@pytest.fixture(autouse=True)
def no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


@pytest.fixture(autouse=True)
def config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's settings, empty at first."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
    return folder


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def listed(root: Path) -> set[str]:
    return set(list_files(IgnoreRules(root)).names)


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
    assert rules.ignored(tmp_path / "build" / "deep" / "x.py")
    assert not rules.ignored(tmp_path / "building.py")


def test_rules_are_read_again_after_forgetting(tmp_path: Path) -> None:
    write(tmp_path, "a.log")
    rules = IgnoreRules(tmp_path)
    assert not rules.ignored(tmp_path / "a.log")
    (tmp_path / ".gitignore").write_text("*.log\n")
    rules.forget()
    assert rules.ignored(tmp_path / "a.log")


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
    assert rules.ignored(tmp_path / "a" / "build")
    assert rules.ignored(tmp_path / "a" / "build" / "x.py")
    assert not rules.ignored(tmp_path / "b" / "build")


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


@pytest.mark.parametrize("line", ["!", "\\", "a\\", "!\\", "[z-a]"])
def test_a_line_without_meaning_costs_that_line_alone(tmp_path: Path, line: str) -> None:
    write(tmp_path, "a.py", "b.log")
    (tmp_path / ".gitignore").write_text(f"{line}\n*.log\n")
    assert listed(tmp_path) == {".gitignore", "a.py"}


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.log", "c.tmp")
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbf*.log\r\nx\x0ca.py\n*.tmp\n")
    assert listed(tmp_path) == {".gitignore", "a.py"}


@pytest.mark.parametrize(
    ("setting", "file"),
    [
        ("[core]\n\texcludesFile = {config}/own\n", "own"),
        (
            '[user]\nname = x\n[Core] ; mine\n\tx = false\n\texcludesfile = "{config}/my own"\n',
            "my own",
        ),
        (
            "[core]\nexcludesFile={config}/old\n[a]\nx = y\n[core]\nexcludesFile={config}/own\n",
            "own",
        ),
        ("[user]\nname = x\n", "git/ignore"),
    ],
)
def test_the_persons_own_rule_file_is_the_one_that_their_settings_name(
    tmp_path: Path, config: Path, setting: str, file: str
) -> None:
    (config / "gitconfig").write_text(setting.format(config=config))
    write(config, "git/ignore", "own", "my own")
    (config / file).write_text("*.log\n")
    write(tmp_path, "a.log", "a.py")
    assert listed(tmp_path) == {"a.py"}


@pytest.mark.parametrize(
    "noise", ["\n" * 900_000, "[core]\n" * 90_000, " " * 900_000 + "x"], ids=len
)
def test_no_setting_takes_long(tmp_path: Path, noise: str) -> None:
    write(tmp_path, ".git/config", "a.py")
    (tmp_path / ".git" / "config").write_text(f"[core]\nexcludesFile = a{noise}")
    began = perf_counter()
    assert listed(tmp_path) == {"a.py"}
    assert perf_counter() - began < 20  # a matcher that goes back takes hours


def test_the_repositorys_setting_is_stronger(tmp_path: Path, config: Path) -> None:
    (config / "gitconfig").write_text(f"[core]\nexcludesFile = {config}/person\n")
    (config / "person").write_text("*.py\n")
    (config / "here").write_text("*.log\n")
    write(tmp_path, ".git/config", "a.log", "a.py")
    (tmp_path / ".git" / "config").write_text(f"[core]\nexcludesFile = {config}/here\n")
    assert listed(tmp_path) == {"a.py"}


def test_a_repository_inside_another_one_has_its_own_rules(tmp_path: Path) -> None:
    write(tmp_path, ".git/config", "in/.git/info/exclude", "in/a.py", "in/b.log", "in/c.tmp")
    (tmp_path / ".gitignore").write_text("*.py\n")
    (tmp_path / "in" / ".gitignore").write_text("*.log\n")
    (tmp_path / "in" / ".git" / "info" / "exclude").write_text("*.tmp\n")
    assert listed(tmp_path) == {".gitignore", "in/.gitignore", "in/a.py"}


# ── rule files that are none ────────────────────────────────────────────────────────────────


def link(rules: Path) -> None:
    """Lead to a file that never ends; git follows no link there."""
    rules.symlink_to("/dev/zero")


def link_to_rules(rules: Path) -> None:
    (rules.parent / "rules").write_text("*\n")
    rules.symlink_to("rules")


@pytest.mark.parametrize("make", [link, link_to_rules, os.mkfifo, Path.mkdir])
def test_what_is_no_file_has_no_rules(tmp_path: Path, make: Callable[[Path], None]) -> None:
    write(tmp_path, "a.py")
    make(tmp_path / ".gitignore")
    assert "a.py" in listed(tmp_path)


def test_what_may_not_be_read_has_no_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py", ".gitignore")
    (tmp_path / ".gitignore").write_text("*\n")

    def refuse(*arguments: object) -> int:
        raise PermissionError

    monkeypatch.setattr(ignore.os, "open", refuse)  # root may read everything
    assert listed(tmp_path) == {".gitignore", "a.py"}


def test_of_an_endless_rule_file_the_beginning_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ignore, "MAX_RULE_BYTES", 12)
    write(tmp_path, "a.log", "b.tmp", "b")
    (tmp_path / ".gitignore").write_text("*.log\n\nb.tmp\n")  # the limit cuts a line in two
    assert listed(tmp_path) == {".gitignore", "b", "b.tmp"}


def test_folders_in_place_of_rule_files_leave_none_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder ``.git`` is one: it may be a file that names another."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").mkdir()
    write(tmp_path, "a.py")
    opened: list[int] = []
    real = os.open

    def noted(*arguments: Any, **options: Any) -> int:
        opened.append(real(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(ignore.os, "open", noted)
    assert listed(tmp_path) == {"a.py"}
    assert opened
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
