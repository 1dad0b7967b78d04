"""The keys of the app and of the editor, with the words that the help screen gives them."""

from collections.abc import Iterable, Sequence

from textual.binding import Binding, BindingType

__all__ = ["EDITOR_KEYS", "app_keys"]

EDITOR_KEYS: Sequence[BindingType] = (
    Binding("tab", "", "accept the suggestion; indent in leading space"),
    Binding("ctrl+right", "", "accept its next word; else move a word right"),
    Binding("shift+tab", "", "accept its next line; else unindent"),
    Binding("escape", "", "dismiss the suggestion"),
    Binding("ctrl+z", "", "undo; an accepted suggestion is one step"),
    Binding("ctrl+y", "", "redo"),
    Binding("ctrl+x", "", "cut the selection, or the line"),
    Binding("ctrl+c", "", "copy"),
    Binding("ctrl+v", "", "paste"),
    Binding("f7", "", "select all"),
    Binding("ctrl+home", "", "go to the start of the file"),
    Binding("ctrl+end", "", "go to the end of the file"),
    Binding("ctrl+underscore", "", "comment or uncomment"),
)
"""The editor's keys in the words of this app.  The editor binds them; a test checks each."""


def app_keys(modes: Iterable[str]) -> list[BindingType]:
    """Return the keys that work everywhere.

    Args:
        modes: What F3 shows, one after another.
    """
    return [
        Binding("ctrl+s", "save", "save"),
        Binding("ctrl+o", "open_by_name", "open a file by name"),
        Binding("ctrl+n", "new_file", "new file (makes missing folders)"),
        Binding("ctrl+g", "go_to_line", "go to a line"),
        Binding("ctrl+l", "suggest", "ask for a suggestion now"),
        Binding("f4,ctrl+t", "toggle_paused", "pause or resume suggestions"),
        Binding("ctrl+b", "toggle_tree", "show or hide the tree", priority=True),
        Binding("f2", "toggle_panes", "show or hide the panes"),
        Binding("f3", "next_pane", f"next pane: {', '.join(modes)}"),
        Binding("f6", "next_area", "next area: tree, editor, panes", priority=True),
        Binding("ctrl+p", "command_palette", "find a command, a setting or a model by name"),
        Binding("f1", "help", "help"),
        Binding("ctrl+q", "quit", "quit", priority=True),
    ]
