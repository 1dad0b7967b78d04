"""A file is private under any of its names: links, links to folders, hard links."""

import os
from pathlib import Path

import pytest

from engine.repository import secret_files
from engine.repository.readable_files import find_files
from engine.repository.secret_files import secret_file


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    secret_files._secret_inodes.cache_clear()
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / ".git").mkdir(parents=True)
    (root / "src").mkdir()
    return root


def make(path: Path, text: str = "x = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_link_is_as_private_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / "keys").symlink_to(".ssh")
    (tmp_path / "link.py").symlink_to("cert.pem")
    (tmp_path / "key.pem").symlink_to("plain.py")
    (tmp_path / ".ssh" / "out.py").symlink_to(tmp_path / "plain.py")
    assert secret_file(tmp_path / "plain.py") is None
    assert secret_file(tmp_path / "link.py") == "*.pem"
    assert secret_file(tmp_path / "key.pem") == "*.pem"
    assert secret_file(tmp_path / "keys" / "config.py") == ".ssh/"
    assert secret_file(tmp_path / "keys" / "out.py") == ".ssh/"
    assert secret_file(tmp_path / "plain.py", ["plain.*"]) == "plain.*"


def test_links_in_a_circle_are_judged_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("b.py")
    (tmp_path / "b.py").symlink_to("a.py")
    assert secret_file(tmp_path / "a.py") is None


@pytest.mark.parametrize("secret", [".env", "config/prod.env", "deep/er/.ssh/config", "own/notes"])
def test_a_hard_link_is_as_private_as_the_other_name(repository: Path, secret: str) -> None:
    make(repository / secret)
    make(repository / "src" / "y.py")
    os.link(repository / secret, repository / "src" / "x.py")
    os.link(repository / "src" / "y.py", repository / "z.py")
    assert secret_file(repository / "src" / "x.py", ["own/"]) is not None
    assert secret_file(repository / "src" / "y.py", ["own/"]) is None
    assert [file.name for file in find_files(repository, (".py",), ["own/"]).files] == [
        "z.py", "src/y.py"
    ]  # fmt: skip


@pytest.mark.parametrize("name", [".ssh/id", ".aws/deep/config", ".netrc"])
def test_the_other_name_may_be_in_the_home_folder(repository: Path, home: Path, name: str) -> None:
    os.link(make(home / name), repository / "x.py")
    assert secret_file(repository / "x.py") is not None


def test_a_link_to_a_hard_link_is_as_private(repository: Path) -> None:
    os.link(make(repository / ".env"), repository / "x.py")
    (repository / "src" / "y.py").symlink_to("../x.py")
    assert secret_file(repository / "src" / "y.py") == ".env"


def test_where_too_much_would_be_searched_a_hard_link_is_private(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(9):
        make(repository / "src" / f"{i}.py")
    os.link(repository / "src" / "1.py", repository / "twin.py")
    assert secret_file(repository / "twin.py") is None
    secret_files._secret_inodes.cache_clear()
    monkeypatch.setattr(secret_files, "MAX_SEARCHED", 5)
    assert secret_file(repository / "twin.py") == "a hard link to an unknown file"
    assert secret_file(repository / "src" / "2.py") is None  # it has one name


def test_what_changes_is_seen_after_a_while(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.link(make(repository / "plain"), repository / "x.py")
    monkeypatch.setattr(secret_files.time, "monotonic", lambda: 100.0)
    assert secret_file(repository / "x.py") is None
    (repository / "plain").rename(repository / ".env")
    monkeypatch.setattr(secret_files.time, "monotonic", lambda: 120.0)
    assert secret_file(repository / "x.py") == ".env"
