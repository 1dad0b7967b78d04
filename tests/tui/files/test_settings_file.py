"""A changed setting is written; everything else in the file stays as the person wrote it."""

import os
from pathlib import Path

import pytest

from tui.files.settings_file import SettingsNotKeptError, keep_settings
from tui.settings import load_settings

WRITTEN = """\
# my settings
theme = "nord"   # dark

[suggestions]
# slow fingers
delay_ms = 250
automatic = false
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "settings.toml"
    path.parent.mkdir()
    path.write_text(WRITTEN)
    return path


def test_one_value_changes_and_nothing_else(file: Path) -> None:
    keep_settings(file, {"suggestions.delay_ms": 90})
    assert file.read_text() == WRITTEN.replace("250", "90")


def test_a_missing_file_and_section_are_made(tmp_path: Path) -> None:
    path = tmp_path / "none" / "settings.toml"
    keep_settings(path, {"privacy.extra_patterns": ("*.dump", "notes/"), "theme": "nord"})
    loaded = load_settings(path)
    assert loaded.problems == ()
    assert loaded.settings.privacy.extra_patterns == ("*.dump", "notes/")
    assert loaded.settings.theme == "nord"
    assert path.parent.stat().st_mode & 0o077 == 0


def test_none_takes_a_key_away(file: Path) -> None:
    keep_settings(file, {"theme": None, "panes.visible": None})
    assert "theme" not in file.read_text()
    assert load_settings(file).settings.suggestions.delay_ms == 250


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    keep_settings(link, {"theme": "gruvbox"})
    assert link.is_symlink()
    assert load_settings(file).settings.theme == "gruvbox"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"theme = = 3\n", "not valid TOML"),
        (b"suggestions = 3\n", "has to be a section"),
        (b"\xff\xfe", "cannot be read"),
        (b"x" * 2_000_000, "cannot be read"),
        (b"a = " + b"[" * 5_000 + b"]" * 5_000, "not valid TOML"),
    ],
)
def test_a_file_that_is_not_understood_is_not_written(file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    with pytest.raises(SettingsNotKeptError, match=why):
        keep_settings(file, {"suggestions.delay_ms": 90})
    assert file.read_bytes() == content


def test_a_protected_file_is_said_and_left(file: Path) -> None:
    file.chmod(0o444)
    with pytest.raises(SettingsNotKeptError, match="write-protected"):
        keep_settings(file, {"theme": "dracula"})
    assert file.read_text() == WRITTEN


def test_a_pipe_is_not_waited_for(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(SettingsNotKeptError, match="cannot be read"):
        keep_settings(file, {"theme": "dracula"})
