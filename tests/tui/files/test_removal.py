"""Moving never replaces, deleting never follows a link."""

from pathlib import Path

import pytest

from tui.files.removal import delete, files_below, move, trash


def test_a_move_makes_folders_and_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileExistsError):
        move(tmp_path / "a", tmp_path / "b")
    move(tmp_path / "a", tmp_path / "new" / "folder" / "a")
    assert (tmp_path / "new" / "folder" / "a").read_text() == "a"
    assert (tmp_path / "b").read_text() == "b"


def test_a_deleted_link_leaves_what_it_leads_to(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "kept").write_text("")
    (tmp_path / "link").symlink_to(folder)
    delete(tmp_path / "link")
    assert (folder / "kept").exists()
    assert files_below(folder) == 1
    delete(folder)
    assert not folder.exists()


def test_the_trash_keeps_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from send2trash import plat_other

    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", bytes(tmp_path / "data"))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", bytes(tmp_path / "data" / "Trash"))
    monkeypatch.setattr("send2trash.send2trash", plat_other.send2trash)
    (tmp_path / "a").write_text("kept")
    trash(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "data" / "Trash" / "files" / "a").read_text() == "kept"
