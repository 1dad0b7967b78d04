"""A save changes a file's content and nothing else, whatever file and directory are like."""

import errno
import os
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tui.files import replacing
from tui.files.documents import Document, SaveError
from tui.files.replacing import DamagedError, replace_content

NOBODY = 65534
EVE = 4242
ROOT = os.geteuid() == 0
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"


def access_list(*, eve: int) -> bytes:
    """Return an access list in which user `EVE` has the rights ``eve``, as the kernel stores it."""
    everyone = 0xFFFFFFFF
    entries = [
        (1, 6, everyone), (2, eve, EVE), (4, 0, everyone), (16, eve, everyone), (32, 0, everyone)
    ]  # fmt: skip
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except (AttributeError, OSError) as error:
        pytest.skip(f"no such attribute here: {error}")


def look(path: Path) -> tuple[Any, ...]:
    """Return everything of a file but its content, times and place on the disk."""
    status = path.stat()
    named = os.listxattr(path) if hasattr(os, "listxattr") else []
    attributes = {name: os.getxattr(path, name) for name in named}
    return status.st_mode, status.st_uid, status.st_gid, status.st_nlink, attributes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_text("old content")
    path.chmod(0o640)
    return path


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Root may do everything, so root does it as somebody who may not."""
    if not ROOT:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)


# ── a new file takes the name ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o4751, 0o2664, 0o777])
def test_mode_attributes_and_links_stay(file: Path, mode: int) -> None:
    file.chmod(mode)
    attribute(file, "user.note", b"of the person")
    before = look(file)
    inode = file.stat().st_ino
    replace_content(file, b"new")
    assert (file.read_bytes(), look(file)) == (b"new", before)
    assert file.stat().st_ino != inode
    assert os.listdir(file.parent) == [file.name]


def test_the_access_list_stays(file: Path) -> None:
    attribute(file, ACCESS, access_list(eve=6))
    before = look(file)
    replace_content(file, b"new")
    assert look(file) == before


def test_the_default_access_list_of_the_directory_is_not_inherited(file: Path) -> None:
    attribute(file.parent, DEFAULT, access_list(eve=6))
    before = look(file)
    assert ACCESS not in before[-1]
    replace_content(file, b"new")
    assert look(file) == before


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
@pytest.mark.parametrize(("uid", "gid"), [(4000, 5000), (0, 5000), (4000, 0)])
def test_owner_and_group_stay_each(file: Path, uid: int, gid: int) -> None:
    os.chown(file, uid, gid)
    file.chmod(0o6771)
    before = look(file)
    replace_content(file, b"new")
    assert look(file) == before


def test_nobody_can_read_the_new_content_who_could_not_read_the_old(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at after every call that changes the new file, while it has another name."""
    attribute(file.parent, DEFAULT, access_list(eve=6))
    file.chmod(0o600)
    seen: list[int] = []
    names = ("open", "write", "fsync", "fchmod", "fchown", "setxattr", "removexattr")
    for name in (name for name in names if hasattr(os, name)):
        call = getattr(os, name)

        def watched(*arguments: Any, call: Callable[..., Any] = call, **options: Any) -> Any:
            result = call(*arguments, **options)
            there = file.parent.glob(".spark-*")
            seen.extend(stat.S_IMODE(each.stat().st_mode) for each in there)
            return result

        monkeypatch.setattr(replacing.os, name, watched)
    umask = os.umask(0)
    try:
        replace_content(file, b"new")
    finally:
        os.umask(umask)
    assert len(seen) >= 4
    assert set(seen) == {0o600}


# ── in place ────────────────────────────────────────────────────────────────────────────────


def refuse(number: int) -> Callable[..., None]:
    def refused(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES])
@pytest.mark.parametrize("new", [b"", b"short", b"much longer than the old content was"])
def test_a_file_whose_name_cannot_be_taken_is_written_itself(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int, new: bytes
) -> None:
    """A mount of its own, a sticky directory: what `rename` says of them."""
    monkeypatch.setattr(replacing.os, "replace", refuse(number))
    before, inode = look(file), file.stat().st_ino
    status = replace_content(file, new)
    assert (file.read_bytes(), look(file), file.stat().st_ino) == (new, before, inode)
    assert status.st_size == len(new)
    assert os.listdir(file.parent) == [file.name]


def test_what_a_new_file_cannot_have_is_not_lost(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's group, which only its members may give: nobody loses access by a save."""
    monkeypatch.setattr(replacing.os, "fchown", refuse(errno.EPERM))
    inode, fstat = file.stat().st_ino, os.fstat

    def of_another_group(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        return status if status.st_ino == inode else with_group(status, status.st_gid + 1)

    monkeypatch.setattr(replacing.os, "fstat", of_another_group)
    replace_content(file, b"new")
    assert (file.read_bytes(), file.stat().st_ino) == (b"new", inode)
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.parametrize("call", ["setxattr", "fchmod"])
def test_what_a_file_system_forgets_in_silence_is_not_lost(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    attribute(file, "user.note", b"of the person")
    before, inode = look(file), file.stat().st_ino
    monkeypatch.setattr(replacing.os, call, lambda *arguments: None)
    replace_content(file, b"new")
    assert (file.read_bytes(), look(file), file.stat().st_ino) == (b"new", before, inode)


def with_group(status: os.stat_result, gid: int) -> os.stat_result:
    """Return a status as it were with another group."""
    return os.stat_result((*status[:5], gid, *status[6:10]))


@pytest.mark.usefixtures("as_nobody")
def test_a_file_in_a_directory_that_is_not_ours_is_written_in_place(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    if ROOT:
        os.seteuid(0)
    folder.mkdir()
    (folder / "file.txt").write_text("old")
    (folder / "file.txt").chmod(0o666)
    folder.chmod(0o555)
    if ROOT:
        os.seteuid(NOBODY)
    order: list[str] = []
    document = Document.open(folder / "file.txt")
    document.save("new", make_safe=lambda: order.append((folder / "file.txt").read_text()))
    assert order == ["old"]  # safe before the first byte
    assert (folder / "file.txt").read_text() == "new"
    assert document.change_on_disk() is None
    with pytest.raises(SaveError, match="permission denied; check who may write to its directory"):
        Document.open(folder / "other.txt").save("new")


def test_without_a_safe_copy_the_file_is_not_touched(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing.os, "replace", refuse(errno.EBUSY))
    document = Document.open(file)
    with pytest.raises(SaveError) as caught:
        document.save("new", make_safe=refuse(errno.ENOSPC))
    assert str(caught.value) == (
        f"{file} is not saved, what was on disk is as it was: it can only be written in place, and "
        "its text cannot be kept safe before (no space left on device): make room for that, or "
        "save a copy elsewhere"
    )
    assert file.read_text() == "old content"


def test_what_fails_both_ways_is_one_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with the attribute “immutable”, say."""
    document = Document.open(file)
    monkeypatch.setattr(replacing.os, "open", refuse(errno.EPERM))
    with pytest.raises(SaveError) as caught:
        document.save("new")
    assert str(caught.value) == (
        f"{file} is not saved, what was on disk is as it was: operation not permitted; neither "
        "the file nor its directory may be changed (ls -ld, lsattr)"
    )


@pytest.mark.parametrize("call", ["posix_fallocate", "write", "ftruncate", "fsync"])
def test_what_breaks_off_in_place_is_put_back(
    file: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(replacing, "_replace", refuse(errno.EBUSY))
    real, calls = getattr(os, call, None), 0

    def once(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2 - (call != "write"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if call == "write" and calls == 1:
            arguments = (arguments[0], bytes(arguments[1][:5]))  # half is written by then
        assert real is not None
        return real(*arguments)

    if real is None:
        pytest.skip("not on this system")
    monkeypatch.setattr(replacing.os, call, once)
    with pytest.raises(OSError, match="No space left"):
        replace_content(file, b"new and longer than before")
    assert file.read_text() == "old content"


def test_what_cannot_be_put_back_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = Document.open(file)
    monkeypatch.setattr(replacing, "_replace", refuse(errno.EBUSY))
    monkeypatch.setattr(replacing.os, "write", refuse(errno.EIO))
    with pytest.raises(SaveError, match=r"is not saved and damaged: .*could not be put back") as it:
        document.save("new")
    assert isinstance(it.value.__cause__, DamagedError)
    assert "as it was" not in str(it.value)


def test_a_file_that_another_program_swapped_is_not_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing.os, "replace", refuse(errno.EBUSY))

    def swap() -> None:
        other = file.with_name("other")
        other.write_text("theirs")
        other.rename(file)

    with pytest.raises(OSError, match="another program put another file there"):
        replace_content(file, b"new", swap)
    assert file.read_text() == "theirs"


def test_a_read_only_file_system_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing.os, "access", lambda path, mode, **options: False)
    assert "for you" in (replacing.why_protected(file, file.stat()) or "")
    read_only = type("", (), {"f_flag": os.ST_RDONLY})
    monkeypatch.setattr(replacing.os, "statvfs", lambda path: read_only)
    assert "mounted read-only" in (replacing.why_protected(file, file.stat()) or "")
