"""The keys of the code editor, in one list: what it binds, and what a person may bind anew.

The actions are those of the classes `CodeCommands`, `CodeTyping`, `CodeLines` and `CodeCursors`.
"""

from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from tui.keymap import named

__all__ = ["CODE_KEYS"]


def _key(key: str, action: str, words: str, name: str) -> Binding:
    return Binding(key, action, words, show=False, id=f"editor.{name}")


_OWN: list[BindingType] = [
    _key("tab", "tab", "Indent", "indent"),
    _key("shift+tab", "shift_tab", "Dedent", "dedent"),
    _key("escape", "escape", "Deselect", "deselect"),
    _key("enter", "new_line", "New line", "new_line"),
    _key("ctrl+home", "file_start", "Start of the file", "file_start"),
    _key("ctrl+end", "file_end", "End of the file", "file_end"),
    _key("ctrl+underscore,ctrl+slash", "toggle_comment", "Comment", "comment"),
    _key("alt+up", "move_lines(-1)", "Move the line up", "move_line_up"),
    _key("alt+down", "move_lines(1)", "Move the line down", "move_line_down"),
    _key("alt+shift+up", "duplicate_lines(-1)", "Copy the line up", "copy_line_up"),
    _key("alt+shift+down", "duplicate_lines(1)", "Copy the line down", "copy_line_down"),
    _key("alt+k,ctrl+shift+k", "delete_line", "Delete the line", "delete_line"),
    _key("alt+i", "join_lines", "Join with the next line", "join_lines"),
    _key("alt+l", "select_lines", "Select the line", "select_line"),
    _key("alt+shift+right", "expand_selection", "Select more", "select_more"),
    _key("alt+shift+left", "shrink_selection", "Select less", "select_less"),
    _key("alt+m", "matching_bracket", "Matching bracket", "matching_bracket"),
    _key("ctrl+d", "next_occurrence", "Select the word, the next one too", "next_occurrence"),
    _key("alt+ctrl+up", "add_cursor(-1)", "Cursor above", "cursor_above"),
    _key("alt+ctrl+down", "add_cursor(1)", "Cursor below", "cursor_below"),
]

_LEFT_TO_APP = "ctrl+w,f6"
"""Keys of the stock editor that are the app's here: close the file, next area."""

CODE_KEYS: list[BindingType] = [
    *_OWN,
    *named(TextArea.BINDINGS, "editor", but=[*_OWN, Binding(_LEFT_TO_APP, "")]),
]
"""Every key of the editor, those of Textual's `TextArea` included."""
