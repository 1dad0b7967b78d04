import os
from pathlib import Path

import pytest

from engine.repository import readable_files
from engine.repository.readable_files import MAX_FILE_BYTES, find_files, look_at, read_text

PYTHON = (".py",)


def write(root: Path, name: str, text: str = "x = 1\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(root: Path, *, private: tuple[str, ...] = (), near: str = "") -> list[str]:
    return [file.name for file in find_files(root, PYTHON, private, near).files]


def test_secret_ignored_linked_large_and_empty_files_are_left_out(tmp_path: Path) -> None:
    for name in ("a.py", "b/c.py", ".ssh/d.py", "build/e.py", "private/f.py", "note.txt"):
        write(tmp_path, name)
    write(tmp_path, "large.py", "#" * (MAX_FILE_BYTES + 1))
    write(tmp_path, "nearly.py", "#" * MAX_FILE_BYTES)
    write(tmp_path, "empty.py", "")
    write(tmp_path, ".gitignore", "build/\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    (tmp_path / "nowhere.py").symlink_to(tmp_path / "gone.py")
    assert names(tmp_path, private=("private/",)) == ["a.py", "nearly.py", "b/c.py"]
    assert "private/f.py" in names(tmp_path)


def test_a_file_is_described_as_it_stands_on_disk(tmp_path: Path) -> None:
    path = write(tmp_path, "b/c.py", "1")
    (file,) = find_files(tmp_path, PYTHON, ()).files
    assert (file.name, file.path, file.size_bytes) == ("b/c.py", path, 1)
    assert file.changed_ns == path.stat().st_mtime_ns


def test_the_nearest_files_come_first(tmp_path: Path) -> None:
    for name in ("z/far.py", "a/mid.py", "a/b/near.py", "a/b/c/below.py", "a/b/here.py"):
        write(tmp_path, name)
    assert names(tmp_path, near="a/b/here.py") == [
        "a/b/here.py",
        "a/b/near.py",
        "a/mid.py",
        "a/b/c/below.py",
        "z/far.py",
    ]


def test_folders_of_one_name_in_different_places_are_not_near(tmp_path: Path) -> None:
    for name in ("x/a/b/other.py", "y/near.py"):
        write(tmp_path, name)
    assert names(tmp_path, near="y/a/b/here.py") == ["y/near.py", "x/a/b/other.py"]


def test_without_a_near_file_folders_keep_their_order(tmp_path: Path) -> None:
    for name in ("z.py", "b/a.py", "a/z.py"):
        write(tmp_path, name)
    assert names(tmp_path) == ["z.py", "a/z.py", "b/a.py"]


def test_number_and_size_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(6):
        write(tmp_path, f"{i}.py", "x" * 10)
    monkeypatch.setattr(readable_files, "MAX_FILES", 4)
    assert len(names(tmp_path)) == 4
    assert find_files(tmp_path, PYTHON, ()).left_out == 2
    for limit, count in ((29, 2), (30, 3)):
        monkeypatch.setattr(readable_files, "MAX_TOTAL_BYTES", limit)
        assert len(names(tmp_path)) == count
        assert find_files(tmp_path, PYTHON, ()).left_out == 6 - count


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = 1\n", "x = 1\n"),
        (b"\xef\xbb\xbfa\r\nb\rc", "a\nb\rc"),
        (b"\xff\xfe", None),
        (b"a\0b", None),
        (b"#" * (MAX_FILE_BYTES + 1), None),
    ],
)
def test_only_text_is_read(tmp_path: Path, data: bytes, text: str | None) -> None:
    path = write(tmp_path, "a.py")
    (file,) = find_files(tmp_path, PYTHON, ()).files
    path.write_bytes(data)
    assert read_text(file) == text


def test_a_file_that_is_gone_has_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, "a.py")
    (file,) = find_files(tmp_path, PYTHON, ()).files
    path.unlink()
    assert read_text(file) is None


def test_a_file_that_became_a_pipe_or_endless_since_it_was_listed_is_not_waited_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    file = look_at(tmp_path, tmp_path / "a.py", ())
    assert file is not None
    for takes_the_place in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        file.path.unlink()
        takes_the_place(file.path)
        assert read_text(file) is None
