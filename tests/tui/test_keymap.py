"""A person's own keys: wishes that can be met are, and each of the others has its reason."""

import pytest
from textual.binding import Binding

from tui.keymap import KeyPart, checked_keymap, keys_by_action, named, with_keys

PARTS = [
    KeyPart(
        "app",
        "Everywhere",
        [
            Binding("ctrl+s", "save", "save", id="app.save"),
            Binding("ctrl+o", "open", "open", id="app.open"),
            Binding("f4,ctrl+t", "pause", "pause", id="app.pause"),
        ],
    ),
    KeyPart(
        "editor",
        "Editor",
        [
            Binding("f6", "select_line", "line", id="editor.line"),
            Binding("escape", "drop", id="editor.drop"),
        ],
    ),
    KeyPart("tree", "Tree", [Binding("escape", "leave", id="tree.leave")]),
]


def test_a_wish_takes_the_place_of_all_keys() -> None:
    keymap, problems = checked_keymap({"app.pause": "F8, ctrl+j"}, PARTS)
    assert not problems
    assert keys_by_action(PARTS, keymap)["app.pause"] == ("f8", "ctrl+j")
    assert [each.key for each in with_keys(PARTS[0].bindings, keymap)] == [
        "ctrl+s", "ctrl+o", "f8", "ctrl+j",
    ]  # fmt: skip


def test_modifiers_may_come_in_any_order() -> None:
    keymap, problems = checked_keymap({"app.save": "ctrl+alt+down"}, PARTS)
    assert not problems
    assert keymap == {"app.save": "alt+ctrl+down"}


def test_an_action_can_be_without_a_key() -> None:
    keymap, problems = checked_keymap({"app.pause": "none", "app.save": "f4"}, PARTS)
    assert not problems
    assert [each.key for each in with_keys(PARTS[0].bindings, keymap)] == ["f4", "ctrl+o"]


def test_two_actions_exchange_their_keys() -> None:
    wanted = {"app.save": "ctrl+o", "app.open": "ctrl+s"}
    assert checked_keymap(wanted, PARTS) == (wanted, [])


def test_a_key_of_another_part_may_be_taken_unless_one_works_everywhere() -> None:
    assert checked_keymap({"tree.leave": "f6"}, PARTS)[1] == []
    keymap, problems = checked_keymap({"app.save": "f6"}, PARTS)
    assert keymap == {}
    assert "f6 is the key of editor.line" in problems[0]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"app.save": "ctrl+o"}, "ctrl+o is the key of app.open"),
        ({"app.sav": "f9"}, "did you mean app.save"),
        ({"app.save": "a"}, "needed for typing"),
        ({"app.save": "shift+ä"}, "needed for typing"),
        ({"app.save": "space"}, "needed for typing"),
        ({"app.save": "strg+s"}, "is no key"),
        ({"app.save": "ctrl+flower"}, "is no key"),
        ({"app.save": "ctrl+\x1b[31m"}, "is no key"),
    ],
)
def test_what_cannot_be_is_said_and_the_old_key_stays(wanted: dict[str, str], why: str) -> None:
    keymap, problems = checked_keymap(wanted, PARTS)
    assert keymap == {}
    assert len(problems) == 1
    assert why in problems[0]
    assert "\x1b" not in problems[0]


def test_of_two_wishes_for_one_key_one_is_met() -> None:
    keymap, problems = checked_keymap({"app.save": "f9", "app.open": "f9"}, PARTS)
    assert list(keymap.values()) == ["f9"]
    assert len(problems) == 1


def test_bindings_of_another_widget_get_names() -> None:
    theirs = [
        Binding("up", "cursor_up", "Up"),
        Binding("shift+up", "cursor_up(True)", "Up select"),
        Binding("tab", "indent", "Indent"),
    ]
    names = [each.id for each in named(theirs, "editor", but=[Binding("tab", "mine")])]
    assert names == ["editor.up", "editor.select_up"]
