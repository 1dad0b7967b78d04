import os
import stat
import tempfile
from pathlib import Path

import pytest

from engine.own_files import is_own, make_own, refusal


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_every_folder_that_is_made_is_private_whatever_the_umask(tmp_path):
    assert refusal(tmp_path / "a" / "b") is None
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)


def test_a_folder_of_ours_that_was_open_is_closed(tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)
    assert refusal(folder) is None
    assert mode(folder) == 0o700


def test_a_folder_that_exists_above_keeps_its_mode(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o775)
    make_own(tmp_path / "shared" / "ours")
    assert mode(tmp_path / "shared") == 0o775


def test_a_folder_of_another_user_is_refused_and_left_alone(tmp_path, another_user):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o755)
    another_user()
    assert refusal(folder) == "it belongs to another user"
    assert mode(folder) == 0o755


def test_a_link_and_a_file_are_refused(tmp_path):
    (tmp_path / "link").symlink_to(tempfile.gettempdir())
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "link") == "it is not a folder"
    assert refusal(tmp_path / "file") == "File exists"
    assert refusal(tmp_path / "file" / "below") == "Not a directory"


def test_a_folder_that_anybody_could_replace_is_refused(tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    drop.chmod(0o777)
    assert refusal(drop / "cache") == f"anybody may write to {drop}"
    drop.chmod(0o1777)  # as /tmp is: nobody may rename what is another's
    assert refusal(drop / "cache") is None


def test_a_file_is_own_if_nobody_else_can_have_written_it(tmp_path, another_user):
    file = tmp_path / "kernel"
    assert not is_own(file)
    file.write_bytes(b"")
    for allowed, own in ((0o600, True), (0o644, True), (0o664, False), (0o646, False)):
        file.chmod(allowed)
        assert is_own(file) is own, oct(allowed)
    file.chmod(0o600)
    (tmp_path / "link").symlink_to(file)
    assert not is_own(tmp_path / "link")
    assert not is_own(tmp_path)
    another_user()
    assert not is_own(file)
