"""The keys of the app and of the editor, with the words that the help screen gives them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from textual.binding import Binding, BindingType

from tui.keymap import KeyPart
from tui.widgets.editor import Editor
from tui.widgets.repo_tree import RepoTree

__all__ = ["EDITOR_KEYS", "app_keys", "help_parts", "key_parts"]

EDITOR_KEYS: Sequence[BindingType] = (
    Binding("tab", "", "accept the suggestion; indent in leading space", id="editor.indent"),
    Binding(
        "ctrl+right", "", "accept its next word; else move a word right", id="editor.word_right"
    ),
    Binding("shift+tab", "", "accept its next line; else unindent", id="editor.dedent"),
    Binding("escape", "", "dismiss the suggestion", id="editor.deselect"),
    Binding("ctrl+z", "", "undo; an accepted suggestion is one step", id="editor.undo"),
    Binding("ctrl+y", "", "redo", id="editor.redo"),
    Binding("ctrl+x", "", "cut the selection, or the line", id="editor.cut"),
    Binding("ctrl+c", "", "copy", id="editor.copy"),
    Binding("ctrl+v", "", "paste", id="editor.paste"),
    Binding("f7", "", "select all", id="editor.select_all"),
    Binding("ctrl+home", "", "go to the start of the file", id="editor.file_start"),
    Binding("ctrl+end", "", "go to the end of the file", id="editor.file_end"),
    Binding("ctrl+underscore,ctrl+slash", "", "comment or uncomment", id="editor.comment"),
    Binding("alt+up", "", "move the line up; Alt+↓ down", id="editor.move_line_up"),
    Binding("alt+shift+down", "", "copy the line below", id="editor.copy_line_down"),
    Binding("alt+k", "", "delete the line", id="editor.delete_line"),
    Binding("alt+i", "", "join the line with the next", id="editor.join_lines"),
    Binding("alt+l", "", "select the line", id="editor.select_line"),
    Binding(
        "alt+shift+right", "", "select more by syntax; Alt+Shift+← less", id="editor.select_more"
    ),
    Binding("alt+m", "", "go to the matching bracket", id="editor.matching_bracket"),
    Binding(
        "ctrl+d", "", "select the word; with one more cursor the next", id="editor.next_occurrence"
    ),
    Binding(
        "alt+ctrl+down", "", "one more cursor below; Ctrl+Alt+↑ above", id="editor.cursor_below"
    ),
)
"""The editor's keys in the words of the help.  The editor binds them; a test checks each."""


def app_keys(modes: Iterable[str]) -> list[BindingType]:
    """Return the keys that work everywhere.

    Each has an ``id``: the name by which a person gives it other keys.

    Args:
        modes: What F3 shows, one after another.
    """
    return [
        Binding("ctrl+s", "save", "save", id="app.save"),
        Binding("ctrl+o", "open_by_name", "open a file by name", id="app.open"),
        Binding("ctrl+n", "new_file", "new file (saving makes it)", id="app.new_file"),
        Binding("ctrl+w", "close_file", "close the file", id="app.close_file"),
        Binding(
            "ctrl+pagedown", "show_tab(1)", "next open file", priority=True, id="app.next_file"
        ),
        Binding(
            "ctrl+pageup", "show_tab(-1)", "open file before", priority=True, id="app.previous_file"
        ),
        *(
            Binding(f"alt+{n}", f"tab({n})", "", show=False, priority=True, id=f"app.file_{n}")
            for n in range(1, 10)
        ),
        Binding("ctrl+f", "find", "find in this file", priority=True, id="app.find"),
        Binding("ctrl+r", "replace", "find and replace", priority=True, id="app.replace"),
        Binding("alt+g", "find_next", "next match", priority=True, id="app.find_next"),
        Binding(
            "alt+t,alt+shift+g",
            "find_previous",
            "match before",
            priority=True,
            id="app.find_previous",
        ),
        Binding(
            "f9,ctrl+shift+f",
            "find_in_files",
            "find and replace in the repository",
            priority=True,
            id="app.find_in_files",
        ),
        Binding("alt+left", "go_back", "back to before the jump", priority=True, id="app.back"),
        Binding("alt+right", "go_forward", "on again", priority=True, id="app.forward"),
        Binding(
            "f12", "go_to_definition", "go to the definition", priority=True, id="app.definition"
        ),
        Binding(
            "shift+f12", "find_references", "list the uses", priority=True, id="app.references"
        ),
        Binding("alt+h", "hover", "what the name means", priority=True, id="app.hover"),
        Binding("alt+o", "file_symbols", "symbols of the file", priority=True, id="app.symbols"),
        Binding(
            "alt+j",
            "repository_symbols",
            "symbols of the repository",
            priority=True,
            id="app.repository_symbols",
        ),
        Binding("f8", "next_problem", "next problem", priority=True, id="app.next_problem"),
        Binding(
            "shift+f8",
            "previous_problem",
            "problem before",
            priority=True,
            id="app.previous_problem",
        ),
        Binding("f5", "run_file", "run this file, or stop it", priority=True, id="app.run"),
        Binding(
            "alt+d", "show_changes", "changes since the commit", priority=True, id="app.changes"
        ),
        Binding("ctrl+g", "go_to_line", "go to a line", id="app.go_to_line"),
        Binding(
            "alt+e,ctrl+i",
            "edit",
            "edit the selection, or the statement, by an instruction",
            priority=True,
            id="app.edit",
        ),
        Binding("alt+a", "ask", "ask about the code", priority=True, id="app.ask"),
        Binding("ctrl+l", "suggest", "ask for a suggestion now", id="app.suggest"),
        Binding(
            "f4,ctrl+t", "toggle_paused", "pause or resume suggestions", id="app.pause_suggestions"
        ),
        Binding(
            "alt+n,alt+right_square_bracket",
            "other_suggestion(1)",
            "another suggestion",
            priority=True,
            id="app.next_suggestion",
        ),
        Binding(
            "alt+p,alt+left_square_bracket",
            "other_suggestion(-1)",
            "the suggestion before",
            priority=True,
            id="app.previous_suggestion",
        ),
        Binding(
            "alt+s",
            "accept_sure",
            "accept the sure, brighter part of the suggestion",
            priority=True,
            id="app.accept_sure",
        ),
        Binding(
            "alt+x",
            "xray",
            "look into the suggestion, token by token",
            priority=True,
            id="app.xray",
        ),
        Binding(
            "alt+q",
            "what_if",
            "the suggestion on another wafer: what if",
            priority=True,
            id="app.what_if",
        ),
        Binding("alt+w", "why", "why this suggestion, or none", priority=True, id="app.why"),
        Binding("ctrl+b", "toggle_tree", "show or hide the tree", priority=True, id="app.tree"),
        Binding("alt+z", "toggle_soft_wrap", "wrap long lines", priority=True, id="app.soft_wrap"),
        Binding("f2", "toggle_panes", "show or hide the panes", id="app.panes"),
        Binding(
            "f3",
            "next_pane",
            f"panes: {', '.join(modes)}",
            id="app.next_pane",
        ),
        Binding(
            "f6", "next_area", "next area: tree, editor, panes", priority=True, id="app.next_area"
        ),
        Binding(
            "ctrl+p",
            "command_palette",
            "find a command, a setting or a model by name",
            id="app.palette",
        ),
        Binding("ctrl+comma", "settings", "settings and keys", id="app.settings"),
        Binding("f1", "help", "help", id="app.help"),
        Binding("ctrl+q", "quit", "quit", priority=True, id="app.quit"),
    ]


def key_parts(modes: Iterable[str]) -> list[KeyPart]:
    """Return every part of the app that has keys, with all of them.

    Args:
        modes: What F3 shows, one after another.
    """
    from tui.screens.changes import ChangeList, ChangesScreen
    from tui.screens.core import CoreScreen
    from tui.screens.find_in_files import FindInFilesScreen  # what the first paint does not need
    from tui.screens.hover import HoverScreen
    from tui.screens.places import PlacesScreen
    from tui.widgets.ask_answer import AnswerCode
    from tui.widgets.ask_pane import AskPane
    from tui.widgets.edit_review import EditReview
    from tui.widgets.find_bar import FindBar
    from tui.widgets.found_list import FoundList
    from tui.widgets.pane_column import PaneColumn
    from tui.widgets.run_pane import OutputList
    from tui.widgets.wafer_map import WaferMap
    from tui.widgets.what_if_pane import WhatIfPane
    from tui.widgets.xray_pane import XrayPane

    return [
        KeyPart("app", "Everywhere", app_keys(modes)),
        KeyPart("editor", "Editor", Editor.BINDINGS),
        KeyPart("edit", "An edit", EditReview.BINDINGS),
        KeyPart("ask", "Questions", AskPane.BINDINGS),
        KeyPart("answer", "Code in an answer", AnswerCode.BINDINGS),
        KeyPart("pane", "Any pane", PaneColumn.BINDINGS),
        KeyPart("xray", "X-ray", XrayPane.BINDINGS),
        KeyPart("what_if", "What if", WhatIfPane.BINDINGS),
        KeyPart("map", "Wafer map", WaferMap.BINDINGS),
        KeyPart("core", "Core inspector", CoreScreen.BINDINGS),
        KeyPart("tree", "Tree", RepoTree.BINDINGS),
        KeyPart("find", "Find bar", FindBar.BINDINGS),
        KeyPart("files", "Find in the repository", FindInFilesScreen.BINDINGS),
        KeyPart("found", "What was found there", FoundList.BINDINGS),
        KeyPart("output", "Output of a program", OutputList.BINDINGS),
        KeyPart("diff", "A difference", ChangeList.BINDINGS),
        KeyPart("changes", "Changes of a file", ChangesScreen.BINDINGS),
        KeyPart("places", "A list of places", PlacesScreen.BINDINGS),
        KeyPart("hover", "Documentation", HoverScreen.BINDINGS),
    ]


def help_parts(modes: Iterable[str]) -> list[KeyPart]:
    """Return the same with those keys that the help explains; the editor's are the notable ones."""
    return [
        replace(part, bindings=EDITOR_KEYS) if part.name == "editor" else part
        for part in key_parts(modes)
    ]
