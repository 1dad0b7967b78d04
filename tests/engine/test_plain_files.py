import os
import threading
from pathlib import Path

import pytest

from engine.plain_files import open_plain, read_plain


def test_a_plain_file_is_read_also_through_a_link(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert read_plain(tmp_path / "link", 3) == b"abc"
    with open_plain(tmp_path / "file") as file:
        assert file.read() == b"abc"


def test_a_named_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    held = []

    def read():
        with pytest.raises(OSError, match="not a regular file"):
            read_plain(tmp_path / "pipe", 1)
        held.append(True)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(5)
    assert held == [True]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_no_file(tmp_path, device):
    (tmp_path / "link").symlink_to(device)
    with pytest.raises(OSError, match="not a regular file"):
        read_plain(tmp_path / "link", 1 << 40)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(40 << 30)
    with pytest.raises(OSError, match="larger than 1000 bytes"):
        read_plain(tmp_path / "sparse", 1000)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_file_that_says_nothing_of_its_size_is_bounded_too():
    assert read_plain(Path("/proc/self/stat"), 1 << 20)
    with pytest.raises(OSError, match="larger than 2 bytes"):
        read_plain(Path("/proc/self/stat"), 2)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"], ids=["NUL", "surrogate"])
def test_a_name_that_no_file_can_have_is_an_error_of_the_system(tmp_path, name):
    with pytest.raises(OSError, match="no file can have this name"):
        open_plain(tmp_path / name)


def test_no_file_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_plain(tmp_path / "gone")
    with pytest.raises(IsADirectoryError):
        open_plain(tmp_path)
