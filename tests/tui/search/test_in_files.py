"""Finding in the files of a repository: which are read, in what order, and what is left out."""

import os
import subprocess
from pathlib import Path

import pytest

from engine.repository.ignore import IgnoreRules
from tui.search import in_files
from tui.search.found_rows import FoundRows
from tui.search.in_files import FileSearch, FoundFile
from tui.search.query import Pattern, Query


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path.resolve() / "repo"
    (top / "deep").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    for name, data in {
        "a.py": b"x = token\r\ny = token\r\n",
        "deep/b.py": b"\xef\xbb\xbfTOKEN = 1\n",
        "c.txt": "grün token\n".encode(),
        "data.bin": b"token\0",
        ".env": b"token=secret\n",
        "out.log": b"token\n",
        ".gitignore": b"*.log\n",
        "wrong.txt": b"token \xff\n",
    }.items():
        (top / name).write_bytes(data)
    (top / "link.py").symlink_to(top / "a.py")
    return top


def search(root: Path, text: str = "token", near: str = "", **options: bool) -> FileSearch:
    return FileSearch(IgnoreRules(root), Pattern(Query(text, **options)), near=near)


def places(found: list[FoundFile]) -> dict[str, list[tuple[int, int]]]:
    return {file.name: [match.place.start for match in file.matches] for file in found}


def test_files_that_may_be_read_are_searched_and_no_others(root: Path) -> None:
    one = search(root)
    assert places(list(one)) == {
        "a.py": [(0, 4), (1, 4)],
        "c.txt": [(0, 5)],
        "wrong.txt": [(0, 0)],
        "deep/b.py": [(0, 0)],
    }
    assert (one.searched, one.unread, one.ended_early) == (8, 3, "")


def test_a_match_knows_the_rest_of_its_line(root: Path) -> None:
    (found,) = search(root, "(grün) (to)", regex=True)
    (match,) = found.matches
    assert (match.left, match.text, match.right) == ("", "grün to", "ken")
    assert match.groups == {"0": "grün to", "1": "grün", "2": "to"}


def test_the_end_of_a_line_is_before_its_carriage_return(root: Path) -> None:
    assert places(list(search(root, "token$", regex=True, match_case=True))) == {
        "a.py": [(0, 4), (1, 4)],
        "c.txt": [(0, 5)],
    }


def test_files_nearby_come_first(root: Path) -> None:
    assert next(iter(search(root, near="deep/b.py"))).name == "deep/b.py"


def test_what_is_open_counts_as_it_is_there(root: Path) -> None:
    rules, pattern = IgnoreRules(root), Pattern(Query("token"))
    one = FileSearch(rules, pattern, open_texts={root / "a.py": ["no", "a token"]})
    assert places(list(one))["a.py"] == [(1, 2)]


def test_more_patterns_of_private_files_are_kept(root: Path) -> None:
    one = FileSearch(IgnoreRules(root), Pattern(Query("token")), ["c.txt"])
    assert "c.txt" not in places(list(one))


def test_a_search_ends_at_its_limit_and_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_files, "MAX_MATCHES", 2)
    one = search(root)
    assert len(list(one)) == 1
    assert "stopped at 2 matches" in one.ended_early


def test_a_search_can_be_stopped(root: Path) -> None:
    one = search(root)
    for found in one:
        assert found.name == "a.py"
        one.stop()


def found_rows(root: Path) -> FoundRows:
    found = FoundRows()
    for file in search(root):
        found.add(file)
    return found


def test_rows_are_files_and_their_matches(root: Path) -> None:
    found = found_rows(root)
    rows = [(found[row].file.name, found[row].match is not None) for row in range(len(found))]
    assert rows[:5] == [
        ("a.py", False), ("a.py", True), ("a.py", True), ("deep/b.py", False), ("deep/b.py", True),
    ]  # fmt: skip
    assert (len(found), found.match_count) == (9, 5)
    with pytest.raises(IndexError):
        found[9]


def test_ticks_are_of_matches_and_of_whole_files(root: Path) -> None:
    found = found_rows(root)
    assert list(found.toggle(1)) == [0, 1, 2]
    assert [found[row].ticked for row in range(3)] == [True, False, True]
    found.toggle(3)  # all of deep/b.py
    kept = {file.name: len(matches) for file, matches in found.ticked()}
    assert kept == {"a.py": 1, "c.txt": 1, "wrong.txt": 1}
    found.toggle(3)
    found.toggle(0)
    assert not found[2].ticked
    assert "deep/b.py" in {file.name for file, _ in found.ticked()}


def test_the_next_file_is_found_from_any_of_its_rows(root: Path) -> None:
    found = found_rows(root)
    assert [found.next_file(row, 1) for row in (0, 2, 8)] == [3, 3, 7]
    assert [found.next_file(row, -1) for row in (0, 4)] == [0, 0]
    assert FoundRows().next_file(0, 1) == 0


def test_what_became_a_pipe_or_endless_is_not_waited_for(root: Path) -> None:
    (root / "pipe.py").symlink_to("/dev/zero")
    os.mkfifo(root / "c.py")
    assert in_files.searchable_text(root / "c.py", ()) is None
    assert in_files.searchable_text(root / "pipe.py", ()) is None
