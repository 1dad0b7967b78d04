"""How the help screen writes keys."""

from tui.screens.help import key_label


def test_keys_are_written_as_people_write_them() -> None:
    labels = [key_label(key) for key in ("ctrl+s", "ctrl+right", "f1", "shift+tab", "n")]
    assert labels == ["Ctrl+S", "Ctrl+→", "F1", "Shift+Tab", "n"]
