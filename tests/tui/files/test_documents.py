"""Files on disk: opening, refusing, saving without changing a byte nobody edited."""

import errno
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from io import BufferedReader, FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.files import documents
from tui.files.documents import ChangedOnDisk, Document, OpenError, SaveError

LINES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=12
) | st.sampled_from(["", "x = 1", "\f", "a\u2028b", "\x85", "\x1c\x1d"])
ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Any text with any line endings, with or without a mark and a final newline."""
    lines = draw(st.lists(st.tuples(LINES, ENDINGS), max_size=12))
    text = "".join(line + ending for line, ending in lines) + draw(LINES)
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return mark + text.encode()


def _write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file for hundreds of saves, which need not wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents.os, "fsync", lambda descriptor: None)
        yield tmp_path_factory.mktemp("documents") / "file.txt"


# ── what comes in goes out ──────────────────────────────────────────────────────────────────────


@given(contents())
def test_saving_an_unedited_file_changes_no_byte(scratch: Path, content: bytes) -> None:
    _write(scratch, content)
    document = Document.open(scratch)
    assert "\r" not in document.text
    document.save(document.text)
    assert scratch.read_bytes() == content


@given(contents())
def test_a_copy_has_the_same_bytes(scratch: Path, content: bytes) -> None:
    document = Document.open(_write(scratch, content))
    copy = document.copy_to(scratch.with_name("copy.txt"))
    copy.save(document.text, overwrite=True)
    assert copy.path.read_bytes() == content
    assert scratch.read_bytes() == content


def test_a_copy_takes_the_place_of_a_file_but_not_its_endings(tmp_path: Path) -> None:
    mixed = Document.open(_write(tmp_path / "mixed.txt", b"\xef\xbb\xbfone\r\ntwo\nthree\r\n"))
    there = _write(tmp_path / "there.txt", "other\n")
    mixed.copy_to(there).save("one\n2\nthree\nfour\n", overwrite=True)
    assert there.read_bytes() == b"\xef\xbb\xbfone\r\n2\nthree\r\nfour\r\n"


@pytest.mark.parametrize("name", ["folder", "nowhere/file.txt"])
def test_a_copy_goes_only_where_a_file_can_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OpenError):
        Document(tmp_path / "a.txt").copy_to(tmp_path / name)


@given(contents(), st.lists(LINES, min_size=1, max_size=4), st.data())
def test_an_edit_changes_only_its_own_lines(
    scratch: Path, content: bytes, new: list[str], data: st.DataObject
) -> None:
    _write(scratch, content)
    document = Document.open(scratch)
    lines = document.text.split("\n")
    row = data.draw(st.integers(0, len(lines)))
    edited = [*lines[:row], *new, *lines[row:]]
    document.save("\n".join(edited))
    again = Document.open(scratch)
    assert again.text == "\n".join(edited)
    assert scratch.read_bytes()[:3] == content[:3] or not content.startswith(b"\xef\xbb\xbf")


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), ENDINGS), min_size=2, max_size=20))
def test_each_line_that_stays_keeps_its_own_ending(
    scratch: Path, pairs: list[tuple[str, str]]
) -> None:
    # Every line is another one, so that there is one way only to tell which lines stayed.
    pairs = [(f"{number}{letter}", ending) for number, (letter, ending) in enumerate(pairs)]
    _write(scratch, "".join(line + ending for line, ending in pairs))
    document = Document.open(scratch)
    kept = pairs[::2]
    document.save("".join(line + "\n" for line, _ in kept))
    if document.mixed_newlines:
        assert scratch.read_bytes() == "".join(line + ending for line, ending in kept).encode()


def test_crlf_is_kept_also_for_new_lines(tmp_path: Path) -> None:
    document = Document.open(_write(tmp_path / "a.txt", "one\r\ntwo\r\n"))
    assert (document.text, document.newline) == ("one\ntwo\n", "\r\n")
    document.save("one\nand\ntwo\n")
    assert (tmp_path / "a.txt").read_bytes() == b"one\r\nand\r\ntwo\r\n"


def test_new_lines_of_a_mixed_file_get_the_ending_of_most_lines(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "1\r\n2\n3\r\n4")
    document = Document.open(path)
    assert document.mixed_newlines
    document.save("1\n2 edited\nnew\n3\n4")
    assert path.read_bytes() == b"1\r\n2 edited\r\nnew\r\n3\r\n4"
    document.save("1\n2 once more\nnew\n3\n4")
    assert path.read_bytes() == b"1\r\n2 once more\r\nnew\r\n3\r\n4"


def test_an_edited_line_of_a_mixed_file_keeps_its_ending(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "1\r\n2\n3\r\n4\r\n")
    Document.open(path).save("1\n2 edited\n3\n4\n")
    assert path.read_bytes() == b"1\r\n2 edited\n3\r\n4\r\n"


def test_a_form_feed_and_other_separators_are_no_line_endings(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.py", "a\f\nb\x0b\x1c\u2028c\n")
    document = Document.open(path)
    assert document.text.count("\n") == 2
    document.save(document.text)
    assert path.read_bytes() == "a\f\nb\x0b\x1c\u2028c\n".encode()


# ── what cannot be opened ───────────────────────────────────────────────────────────────────────


def test_a_binary_file_is_refused_with_the_place_of_its_first_nul(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match=r"binary file \(NUL byte at offset 3\)"):
        Document.open(_write(tmp_path / "a.bin", b"abc\0def"))


def test_utf16_is_named(tmp_path: Path) -> None:
    with pytest.raises(OpenError, match="UTF-16"):
        Document.open(_write(tmp_path / "a.txt", "text".encode("utf-16")))


def test_invalid_utf8_is_shown_read_only_and_never_saved(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", b"fine\ncaf\xe9\n")
    document = Document.open(path)
    assert document.text == "fine\ncaf�\n"
    assert "0xe9 in line 2" in (document.read_only or "")
    with pytest.raises(SaveError, match="iconv"):
        document.save("other", overwrite=True)
    assert path.read_bytes() == b"fine\ncaf\xe9\n"


def test_a_directory_a_pipe_and_a_huge_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OpenError, match="is a directory"):
        Document.open(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OpenError, match="not a regular file"):
        Document.open(tmp_path / "pipe")
    monkeypatch.setattr(documents, "MAX_BYTES", 1_000_000)
    with pytest.raises(OpenError, match="files up to 1 MB"):
        Document.open(_write(tmp_path / "big", b"x" * 1_500_000))


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "a.txt", "text")

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(documents, "_read", refuse)  # root may read everything
    with pytest.raises(OpenError, match="permission denied"):
        Document.open(path)


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OpenError, match="cannot be opened"):
        Document.open(tmp_path / "a")


def test_a_missing_file_is_a_new_one_and_a_missing_directory_is_named(tmp_path: Path) -> None:
    document = Document.open(tmp_path / "new.py")
    assert (document.text, document.is_new, document.read_only) == ("", True, None)
    document.save("x = 1\n")
    assert not document.is_new
    assert (tmp_path / "new.py").read_bytes() == b"x = 1\n"
    with pytest.raises(OpenError, match=r"mkdir -p"):
        Document.open(tmp_path / "no" / "where.py")


# ── saving ──────────────────────────────────────────────────────────────────────────────────────


def test_mode_owner_and_link_survive_a_save(tmp_path: Path) -> None:
    target = _write(tmp_path / "real.sh", "old\n")
    target.chmod(0o750)
    link = tmp_path / "link.sh"
    link.symlink_to("real.sh")
    Document.open(link).save("new\n")
    assert link.is_symlink()
    assert target.read_text() == "new\n"
    assert target.stat().st_mode & 0o7777 == 0o750


def test_a_new_file_gets_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        Document.open(tmp_path / "new.txt").save("text")
    finally:
        os.umask(before)
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o640


def test_a_name_of_the_greatest_length_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    Document.open(path).save("text")
    assert path.read_text() == "text"


def test_a_write_protected_file_opens_read_only_and_survives(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document = Document.open(path)
    path.chmod(0o444)
    with pytest.raises(SaveError, match=r"chmod u\+w"):
        document.save("new")
    assert path.read_text() == "old"
    assert "write-protected" in (Document.open(path).read_only or "")


@pytest.mark.parametrize(
    ("call", "number", "advice"),
    [
        ("write", errno.ENOSPC, "disk is full"),
        ("fsync", errno.EIO, "disk reports an error"),
        ("open", errno.EROFS, "read-only"),
        ("open", errno.EACCES, "permission denied"),
        ("replace", errno.EIO, "disk reports an error"),
        ("write", errno.EDQUOT, "quota"),
    ],
)
def test_a_failure_at_any_step_keeps_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, advice: str
) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document = Document.open(path)

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(documents.os, call, fail)
        with pytest.raises(SaveError, match=advice) as caught:
            document.save("new and longer")
        assert str(caught.value).count(os.strerror(number).lower()) <= 1  # said once
    assert os.listdir(tmp_path) == ["a.txt"]
    assert path.read_text() == "old"
    document.save("new")  # and it goes on where it stopped
    assert path.read_text() == "new"


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(documents.os, "write", lambda fd, data: write(fd, bytes(data[:3])))
    Document.open(tmp_path / "a.txt").save("a text of some length")
    assert (tmp_path / "a.txt").read_text() == "a text of some length"


def test_a_real_limit_on_file_size_keeps_the_old_content(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old")
    script = f"""
        import resource
        from tui.files.documents import Document, SaveError
        document = Document.open({str(path)!r})
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, {resource.RLIM_INFINITY}))
        try:
            document.save("x" * 100_000)
        except SaveError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(documents.__file__).parents[2],
    )
    assert "ulimit -f" in done.stdout
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_half_a_surrogate_pair_cannot_be_saved(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old")
    with pytest.raises(SaveError, match="character 3"):
        Document.open(path).save("abc\ud800")
    assert path.read_text() == "old"


# ── other programs ──────────────────────────────────────────────────────────────────────────────


def test_a_change_by_others_is_noticed_before_it_is_overwritten(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document = Document.open(path)
    _write(path, "theirs")
    with pytest.raises(ChangedOnDisk) as caught:
        document.save("mine")
    assert (caught.value.what, path.read_text()) == ("changed", "theirs")
    document.save("mine", overwrite=True)
    assert path.read_text() == "mine"
    assert document.change_on_disk() is None


def test_a_change_while_the_file_is_read_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another program empties the file, and writes a moment later."""
    path = _write(tmp_path / "a.txt", "")

    class WrittenMeanwhile(BufferedReader):
        def read(self, size: int | None = -1) -> bytes:
            content = super().read(size)
            _write(path, "theirs")
            return content

    with monkeypatch.context() as patch:
        patch.setattr(documents, "open_plain", lambda path: WrittenMeanwhile(FileIO(path)))
        document = Document.open(path)
    assert document.text == ""
    assert document.change_on_disk() == "changed"


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a pipe", "folder"])
def test_what_takes_the_place_of_an_open_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document = Document.open(path)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to("pipe")
    assert document.change_on_disk() == "made unreadable"
    with pytest.raises(OpenError):
        document.reload()


def test_an_open_file_that_grew_beyond_all_measure_is_changed_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document = Document.open(path)
    monkeypatch.setattr(documents, "MAX_BYTES", 100)
    _write(path, "x" * 101)
    assert document.change_on_disk() == "changed"
    with pytest.raises(OpenError, match="can be edited"):
        document.reload()
    assert document.text == "old"


def test_a_change_of_the_same_size_and_time_is_noticed_by_its_inode(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document = Document.open(path)
    status = path.stat()
    other = _write(tmp_path / "b.txt", "new")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert document.change_on_disk() == "changed"


def test_a_file_only_touched_is_unchanged(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document = Document.open(path)
    os.utime(path, ns=(1, 1))
    assert document.change_on_disk() is None
    document.save("new")


def test_deleted_created_and_unreadable_files_are_told_apart(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old")
    document, new = Document.open(path), Document.open(tmp_path / "new.txt")
    path.unlink()
    _write(tmp_path / "new.txt", "theirs")
    assert document.change_on_disk() == "deleted"
    assert new.change_on_disk() == "created"
    path.mkdir()
    assert document.change_on_disk() == "made unreadable"
    with pytest.raises(SaveError, match="is not saved"):
        document.save("mine", overwrite=True)
    path.rmdir()
    document.save("mine", overwrite=True)
    assert path.read_text() == "mine"


def test_reload_takes_what_is_there(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "old\n")
    document = Document.open(path)
    _write(path, "theirs\r\n")
    document.reload()
    assert (document.text, document.newline) == ("theirs\n", "\r\n")
    assert document.change_on_disk() is None
