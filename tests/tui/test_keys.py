"""The keys of the app: each can be named, so that a person can give it another key."""

import re

import pytest
from textual.binding import Binding, BindingType

from tui.keys import app_keys
from tui.widgets.code_commands import CodeCommands
from tui.widgets.find_bar import FindBar
from tui.widgets.repo_tree import RepoTree


@pytest.mark.parametrize(
    ("part", "bindings"),
    [
        ("app", app_keys([])),
        ("editor", CodeCommands.BINDINGS),
        ("tree", RepoTree.BINDINGS),
        ("find", FindBar.BINDINGS),
    ],
)
def test_each_binding_has_a_name_of_its_part(part: str, bindings: list[BindingType]) -> None:
    actions: dict[str, str] = {}
    for binding in Binding.make_bindings(bindings):
        assert binding.id is not None, f"{binding.key}: give it id='{part}.…'"
        assert re.fullmatch(rf"{part}\.[a-z_0-9]+", binding.id)
        assert actions.setdefault(binding.id, binding.action) == binding.action
    assert len(set(actions.values())) == len(actions)
