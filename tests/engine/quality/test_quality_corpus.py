import os
from pathlib import Path

import pytest

from engine.quality import corpus
from engine.quality.corpus import read_corpus


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    return root


def names(root: Path, **options: object) -> list[tuple[str, str]]:
    return [(file.root.name, file.path) for file in read_corpus(root, 0, **options).files]


def test_a_folder_of_packages_is_one_repository_each(tmp_path: Path) -> None:
    write(tmp_path, a__x="1", a__sub__y="2", b__z="3", loose="4")
    assert names(tmp_path) == [
        (tmp_path.name, "loose.py"),
        ("a", "sub/y.py"),
        ("a", "x.py"),
        ("b", "z.py"),
    ]


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.py", "__init__.py"])
def test_a_directory_with_a_marker_is_one_repository(tmp_path: Path, marker: str) -> None:
    write(tmp_path, src__x="1", tests__y="2")
    (tmp_path / marker).write_text("")
    assert len(read_corpus(tmp_path, 0).repositories) == 1


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    write(tmp_path, good="x = 1\n", twin="x = 1\n", secrets__x="2", huge="#" * 1_000_001)
    (tmp_path / "latin.py").write_bytes("ä".encode("latin-1"))
    (tmp_path / ".ssh.py").write_text("3")
    os.symlink(tmp_path / "good.py", tmp_path / "link.py")
    os.mkfifo(tmp_path / "pipe.py")
    found = read_corpus(tmp_path, 0, secret_patterns=["secrets/"])
    assert [file.path for file in found.files] == [".ssh.py", "good.py"]
    assert found.skipped == {
        "duplicate": 1,
        "no regular file": 2,
        "not UTF-8": 1,
        "private": 1,
        "too large": 1,
    }


def test_caches_environments_and_hidden_folders_are_not_searched(tmp_path: Path) -> None:
    write(tmp_path, a__x="1", a____pycache____y="2", a__env__z="3")
    write(tmp_path / "a" / ".venv", w="4")
    (tmp_path / "a" / "env" / "pyvenv.cfg").write_text("")
    (tmp_path / "a" / "__pycache__").mkdir()
    write(tmp_path / "a" / "__pycache__", y="5")
    assert ("a", "x.py") in names(tmp_path)
    assert not any("pycache__/" in path or "env" in path for _, path in names(tmp_path))


def test_line_ends_are_one_kind_and_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbfx = 1\r\ny = 2\rz = 3\n")
    (file,) = read_corpus(tmp_path, 0).files
    assert file.text == "x = 1\ny = 2\nz = 3\n"


def test_a_large_directory_is_sampled_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "MAX_FILES", 6)
    write(tmp_path, **{f"large__f{i}": f"x = {i}" for i in range(20)})
    write(tmp_path, small__a="a", small__b="b")
    found = names(tmp_path)
    assert len(found) == 6
    assert [path for root, path in found if root == "small"] == ["a.py", "b.py"]
    assert found == names(tmp_path)
