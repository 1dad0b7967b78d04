"""Files that were open lately, for each repository."""

from pathlib import Path

from tui.files.recent_files import RecentFiles


def test_the_newest_comes_first_and_each_once(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    paths = [root / "a.py", root / "b.py", tmp_path / "outside.py"]
    for path in paths:
        path.write_text("")
        RecentFiles(tmp_path / "notes", root).add(path)
    RecentFiles(tmp_path / "notes", root).add(paths[0])
    assert RecentFiles(tmp_path / "notes", root).read() == [paths[0], paths[2], paths[1]]
    assert RecentFiles(tmp_path / "notes", tmp_path).read() == []


def test_files_that_are_gone_and_spoilt_notes_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    recent = RecentFiles(tmp_path / "notes", tmp_path)
    recent.add(tmp_path / "a.py")
    (tmp_path / "a.py").unlink()
    assert recent.read() == []
    (note,) = (tmp_path / "notes").iterdir()
    note.write_text('{"files": [')
    assert recent.read() == []


def test_the_list_does_not_grow_for_ever(tmp_path: Path) -> None:
    recent = RecentFiles(tmp_path / "notes", tmp_path)
    for number in range(60):
        path = tmp_path / f"{number}.py"
        path.write_text("")
        recent.add(path)
    assert len(recent.read()) == 50


def test_a_file_that_cannot_be_looked_at_hides_no_other(tmp_path: Path) -> None:
    """As on a connection that is down, or in a folder that one may no longer enter."""
    (tmp_path / "a.py").write_text("")
    recent = RecentFiles(tmp_path / "notes", tmp_path)
    recent.add(tmp_path / "a.py")
    recent.add(tmp_path / ("x" * 300))  # as good as unreadable: the system refuses to look
    assert recent.read() == [tmp_path / "a.py"]
