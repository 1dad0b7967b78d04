"""How the help screen writes keys."""

from textual.binding import Binding

from tests.tui.visuals.inks import INKS
from tui.keymap import key_label
from tui.screens.help import keys_text


def test_keys_are_written_as_people_write_them() -> None:
    labels = [key_label(key) for key in ("ctrl+s", "ctrl+right", "f1", "shift+tab", "n")]
    assert labels == ["Ctrl+S", "Ctrl+→", "F1", "Shift+Tab", "n"]
    labels = [key_label(key) for key in ("alt+ctrl+down", "ctrl+pagedown", "ctrl+comma")]
    assert labels == ["Ctrl+Alt+↓", "Ctrl+PgDn", "Ctrl+,"]


def test_keys_of_one_description_share_a_row_and_columns_line_up() -> None:
    groups = [
        ("Files", [Binding("ctrl+s", "save", "save"), Binding("f2,ctrl+w", "close", "close")]),
        ("Other", [("q", "quit", "quit"), Binding("x", "hidden", "")]),
    ]

    lines = keys_text(groups, INKS).plain.splitlines()

    assert lines == [
        "Files",
        "  Ctrl+S      save",
        "  F2 Ctrl+W   close",
        "",
        "Other",
        "  q           quit",
    ]  # fmt: skip


def test_no_keys_are_no_error() -> None:
    assert keys_text([], INKS).plain == ""
