"""The keys of the app: each can be named, so that a person can give it another key."""

import re
import runpy
from pathlib import Path

import pytest
from textual.binding import Binding

from tui.keymap import KeyPart, keys_by_action
from tui.keys import EDITOR_KEYS, key_parts
from tui.terminal.terminal_input import _ALT_LETTERS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", key_parts([]), ids=lambda part: part.name)
def test_each_binding_has_a_name_of_its_part(part: KeyPart) -> None:
    actions: dict[str, str] = {}
    for binding in Binding.make_bindings(part.bindings):
        assert binding.id is not None, f"{binding.key}: give it id='{part.name}.…'"
        assert re.fullmatch(rf"{part.name}\.[a-z_0-9]+", binding.id)
        assert actions.setdefault(binding.id, binding.action) == binding.action
    assert len(set(actions.values())) == len(actions)


def test_the_help_names_keys_that_the_editor_has() -> None:
    keys = keys_by_action(key_parts([]), {})
    for binding in Binding.make_bindings(EDITOR_KEYS):
        assert binding.key in keys[binding.id or ""]


def test_modifiers_are_in_the_order_in_which_a_terminal_s_keys_arrive() -> None:
    keys = {key for keys in keys_by_action(key_parts([]), {}).values() for key in keys}
    for key in keys:
        *modifiers, _ = key.split("+")
        assert modifiers == sorted(modifiers), f"{key} is never pressed"


def test_the_page_of_keys_is_up_to_date() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "keys_page.py"))
    assert (ROOT / "tui" / "KEYS.md").read_text() == page["render"](), (
        "python scripts/keys_page.py writes it"
    )


def test_what_is_alt_and_a_letter_in_every_terminal_is_bound() -> None:
    keys = {key for keys in keys_by_action(key_parts([]), {}).values() for key in keys}
    bound = {key.removeprefix("alt+") for key in keys if re.fullmatch(r"alt\+[a-z]", key)}
    assert {letter.decode() for letter in _ALT_LETTERS} == bound
