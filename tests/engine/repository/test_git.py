"""Which files git ignores is what git says: where it is asked, and where its rules are imitated."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from engine.repository import git as asking
from engine.repository.ignore import IgnoreRules
from engine.repository.listing import list_files
from tests.engine.repository.conftest import Git
from tests.engine.repository.rule_sets import NAMES, ignore_file

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="compares with git itself")

RULE_SETS = 250


def write(root: Path, *names: str, text: str = "") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def listed(root: Path) -> set[str]:
    return set(list_files(IgnoreRules(root)).names)


@pytest.fixture
def repository(git: Git, tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "-q")
    return root


@pytest.fixture(params=["git asked", "git imitated"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "git imitated":
        monkeypatch.setattr(asking, "_program", lambda path: None)


@pytest.fixture(scope="module")
def rule_sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """A repository with a folder for each of some hundred rule files, and what git lists of it.

    Some files are ignored, and some are not.
    """
    root = tmp_path_factory.mktemp("rule_sets")
    made = 0
    for number in range(RULE_SETS):
        random = Random(number)
        folder = f"{root}/{number}"
        os.mkdir(folder)
        Path(folder, ".gitignore").write_bytes(ignore_file(random))
        for name in random.sample(NAMES, 8):
            with suppress(OSError):  # it is a folder by now, or below a file
                os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
                os.close(os.open(f"{folder}/{name}", os.O_CREAT))
                made += 1
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
            patch.setenv(variable, os.devnull)
        subprocess.run(["git", "init", "-q", root], check=True)
        case = ["config", "core.ignoreCase", "false"]  # as imitated, also where names have none
        subprocess.run(["git", *case], cwd=root, check=True)
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    names = set(said.split("\0")) - {""}
    assert RULE_SETS < len(names) < made
    return root, names


@pytest.mark.usefixtures("either_way", "git")
def test_hundreds_of_rule_files_mean_what_git_says(rule_sets: tuple[Path, set[str]]) -> None:
    root, said = rule_sets
    assert listed(root) == said


@pytest.mark.usefixtures("either_way")
def test_every_place_of_rules_counts_and_the_deepest_decides(
    git: Git, repository: Path, tmp_path: Path
) -> None:
    write(
        repository,
        "keep.py", "a.log", "deep/a.log", "deep/keep.log", "deep/x/keep.log", "out/a.py",
        "deep/out/a.py", "only/here.txt", "sub/only/here.txt", "sub/cache/x", "sub/cache/y",
        "private.txt", "data/1.bin", "data/deep/2.bin", "!odd", "with space.py", "ünï.py",
        "person.tmp", "back.tmp",
    )  # fmt: skip
    own = tmp_path / "own rules"
    own.write_text("*.tmp\n")
    git(repository, "config", "core.excludesFile", str(own))
    rules = "*.log\n/out/\n/only/here.txt\ndata/**/*.bin\n\\!odd\n!back.tmp\n"
    (repository / ".gitignore").write_text(rules)
    (repository / "deep" / ".gitignore").write_text("!keep.log\nout\n")
    (repository / "sub" / ".gitignore").write_text("cache/*\n!cache/y\n")
    (repository / ".git" / "info" / "exclude").write_text("private.txt\n")
    said = git(repository, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    assert listed(repository) == set(said) - {""}
    assert {"back.tmp", "deep/keep.log", "sub/cache/y"} <= set(said)


# ── what only git knows ─────────────────────────────────────────────────────────────────────


def test_what_git_keeps_is_shown_although_a_rule_names_it(git: Git, repository: Path) -> None:
    write(repository, "build/deep/kept.py", "build/other.py", "kept.log", "other.log", "k*.log")
    (repository / ".gitignore").write_text("build/\n*.log\n")
    git(repository, "add", "-f", "build/deep/kept.py", "kept.log")
    assert listed(repository) == {".gitignore", "build/deep/kept.py", "kept.log"}
    rules = IgnoreRules(repository)
    assert set(rules.shown(repository, os.listdir(repository))) == {
        ".gitignore", "build", "kept.log"
    }  # fmt: skip
    assert rules.shown(repository / "build", ["deep", "other.py"]) == ["deep"]
    kept, other = repository / "build/deep/kept.py", repository / "build/other.py"
    assert rules.ignored_among([kept, other, repository / "k*.log"]) == {
        other, repository / "k*.log"
    }  # fmt: skip


def test_what_is_gone_from_the_disk_is_not_listed(git: Git, repository: Path) -> None:
    write(repository, "here.py", "gone.py", "folder/x.py")
    (repository / "link").symlink_to("folder")
    git(repository, "add", ".")
    (repository / "gone.py").unlink()
    assert listed(repository) == {"here.py", "folder/x.py"}


def test_a_submodule_and_a_repository_inside_are_asked_themselves(
    git: Git, repository: Path, tmp_path: Path
) -> None:
    for name in ("submodule", "inside", "ignored"):
        write(repository, f"{name}/a.py", f"{name}/b.log", f"{name}/c.tmp")
        git(repository, "init", "-q", name)
        (repository / name / ".git" / "info" / "exclude").write_text("*.tmp\n")
    (repository / ".gitignore").write_text("*.py\nignored/\n")
    git(repository / "submodule", "add", "a.py")
    git(repository / "submodule", "commit", "-q", "-m", "x")
    git(repository, "add", "submodule")
    inner = {f"{name}/{file}" for name in ("submodule", "inside") for file in ("a.py", "b.log")}
    assert listed(repository) == {".gitignore"} | inner
    rules = IgnoreRules(repository)
    assert rules.shown(repository / "inside", ["a.py", "c.tmp"]) == ["a.py"]
    asked = [repository / name / "a.py" for name in ("submodule", "ignored")]
    assert rules.ignored_among([*asked, repository / "inside" / "c.tmp"]) == {
        repository / "ignored" / "a.py", repository / "inside" / "c.tmp"
    }  # fmt: skip
    assert listed(tmp_path) == {f"root/{name}" for name in {".gitignore"} | inner}


def test_below_the_top_of_a_repository_its_rules_hold_too(git: Git, repository: Path) -> None:
    write(repository, "sub/a.py", "sub/b.log")
    (repository / ".gitignore").write_text("*.log\n")
    assert listed(repository / "sub") == {"a.py"}


# ── strangers' repositories ─────────────────────────────────────────────────────────────────


def test_git_starts_nothing_that_a_repository_names(
    git: Git, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = repository.parent / "started"
    script = repository.parent / "evil"
    script.write_text(f"#!/bin/sh\ntouch {witness}\n")
    script.chmod(0o755)
    write(repository, "a.py", ".gitignore")
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor"):
        git(repository, "config", name, str(script))
    assert listed(repository) == {"a.py", ".gitignore"}
    IgnoreRules(repository).ignored(repository / "a.py")
    assert not witness.exists()
    monkeypatch.setattr(asking, "ask_git", lambda *a, **k: subprocess.run(
        ["git", "ls-files", "-o"], cwd=repository, capture_output=True, check=True
    ).stdout)  # fmt: skip
    asking.list_tree(repository)
    assert witness.exists()  # so it would have been


def test_a_git_in_the_folder_is_not_the_one_that_is_asked(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "git").write_text("#!/bin/sh\ntouch ran\n")
    (repository / "git").chmod(0o755)
    monkeypatch.chdir(repository)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.environ['PATH']}")
    assert listed(repository) == {"git"}


def test_variables_that_speak_of_another_repository_mislead_nobody(
    git: Git, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an editor that a commit hook started."""
    write(repository, "a.py", "b.log", "kept.log")
    (repository / ".gitignore").write_text("*.log\n")
    git(repository, "add", "-f", "kept.log")  # only git knows that it is shown
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / "other"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert listed(repository) == {"a.py", "kept.log", ".gitignore"}


@pytest.mark.parametrize(
    "name", [":(top)a", ":!x", ":(attr:a)b", "-v", "--stdin", "*", "a\nb", "[a]", "..."]
)
def test_names_are_names(git: Git, repository: Path, name: str) -> None:
    write(repository, name, "other.log", "kept.log")
    (repository / ".gitignore").write_text("*.log\n")
    git(repository, "add", "-f", "kept.log")  # only git knows that it is shown
    rules = IgnoreRules(repository)
    assert rules.shown(repository, [name, "other.log", "kept.log"]) == [name, "kept.log"]
    assert listed(repository) == {name, "kept.log", ".gitignore"}


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
def test_a_name_that_is_no_text_is_a_name(repository: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    write(repository, name)
    assert listed(repository) == {name}


# ── when git does not answer ────────────────────────────────────────────────────────────────


def test_a_git_that_takes_too_long_is_left(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin" / "git"
    write(tmp_path, "bin/git", text="#!/bin/sh\nexec sleep 20\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=os.pathsep)
    monkeypatch.setattr(asking, "LISTING_SECONDS", 0.05)
    write(repository, "a.py", "b.log")
    (repository / ".gitignore").write_text("*.log\n")
    began = perf_counter()
    assert listed(repository) == {"a.py", ".gitignore"}  # by its rules
    assert perf_counter() - began < 5


def make_pipe(folder: Path) -> None:
    os.mkfifo(folder / ".gitignore")


def spoil(folder: Path) -> None:
    (folder / ".git" / "HEAD").write_text("nonsense")


@pytest.mark.parametrize("make", [make_pipe, spoil])
def test_where_git_fails_or_would_wait_the_rules_are_read(
    git: Git, repository: Path, make: Callable[[Path], None]
) -> None:
    write(repository, "a.py", "b.log")
    make(repository)
    (repository / ".git" / "info" / "exclude").write_text("*.log\n")
    rules = IgnoreRules(repository)
    began = perf_counter()
    assert rules.shown(repository, ["a.py", "b.log"]) == ["a.py"]
    assert rules.ignored(repository / "b.log")
    assert "a.py" in list_files(rules).names
    assert perf_counter() - began < asking.ANSWER_SECONDS


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    "line",
    [
        b"*a*a*a*a*a*a*b", b"*".join([b"a"] * 60) + b"b", b"**/a/" * 30 + b"b", b"a" * 1_000_000,
        b"*a" * 3_000 + b"b", b"[" + b"a" * 500_000 + b"]*b", b"?" * 500_000,
        b"a*" * 200_000 + b"b", b"**/" * 100_000 + b"*b", b"[!" + b"b" * 100_000,
    ],
    ids=lambda line: f"{line[:6].decode()}… {len(line)}",
)  # fmt: skip
def test_no_pattern_takes_long(
    repository: Path, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repository, "a" * 200, "/".join(["a"] * 60) + "/x")
    (repository / ".gitignore").write_bytes(line + b"\n")
    monkeypatch.setattr(asking, "LISTING_SECONDS", 0.5)  # one of them keeps git itself busy
    began = perf_counter()
    assert "a" * 200 in listed(repository)
    assert perf_counter() - began < 4  # it was minutes


def test_a_folder_that_its_repository_ignores_has_rules_of_its_own(repository: Path) -> None:
    """Who opens it wants to see it; a folder that is not ignored obeys the rules around it."""
    write(repository, "data/pkg/a.py", "data/pkg/b.log", "src/pkg/a.py", "src/pkg/b.log")
    (repository / ".gitignore").write_text("/data/\n*.log\n")
    (repository / "data/pkg/.gitignore").write_text("b.*\n")
    assert listed(repository / "data/pkg") == {".gitignore", "a.py"}
    assert IgnoreRules(repository / "data/pkg").shown(
        repository / "data/pkg", ["a.py", "b.log"]
    ) == ["a.py"]
    assert listed(repository / "src/pkg") == {"a.py"}
