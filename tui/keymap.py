"""A person's own keys: which action gets which, and why a wish cannot be met.  Binds nothing.

An action is known by the ``id`` of its binding: its part of the app, a dot, and a name, as
``app.save``.  A part's keys work while it has the focus, those of the part ``app`` everywhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from textual.binding import Binding, BindingType
from textual.keys import KEY_ALIASES, Keys

from engine.visible_text import visible
from tui.settings import did_you_mean

__all__ = [
    "NO_KEY",
    "KeyPart",
    "Keymap",
    "checked_keymap",
    "keys_by_action",
    "keys_of_actions",
    "named",
    "with_keys",
]

Keymap = Mapping[str, str]
"""Keys by the id of an action, as Textual writes them, with commas between several."""

NO_KEY = "none"
"""In place of keys: the action has none."""

_SIGNS = {
    "ctrl": "Ctrl",
    "shift": "Shift",
    "alt": "Alt",
    "right": "→",
    "left": "←",
    "up": "↑",
    "down": "↓",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "backslash": "\\",
    "underscore": "_",
    "slash": "/",
    "comma": ",",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}
"""How people write the parts of a key."""
_EVERYWHERE = "app"
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_NAMES = frozenset(each.value for each in Keys) | frozenset(KEY_ALIASES)
_TYPED = re.compile(r"(shift\+)?\S")
"""A key that types a character."""


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A part of the app that has keys."""

    name: str
    """How the ids of its bindings begin."""
    title: str
    """For a person."""
    bindings: Sequence[BindingType]


def key_label(key: str) -> str:
    """Return a key as people write it: ``alt+ctrl+right`` → ``Ctrl+Alt+→``."""
    parts = sorted(key.split("+"), key=lambda part: part != "ctrl")
    return "+".join(
        _SIGNS.get(part, part.upper() if len(part) == 1 and len(parts) > 1 else part.capitalize())
        if len(part) > 1 or len(parts) > 1
        else part
        for part in parts
    )


def named(bindings: Iterable[BindingType], part: str, but: Iterable[BindingType]) -> list[Binding]:
    """Return another widget's bindings with ids; those whose keys ``but`` has are left out.

    ``cursor_up`` becomes ``PART.up``, and ``cursor_up(True)``, which selects, ``PART.select_up``.
    """
    taken = {binding.key for binding in Binding.make_bindings(but)}
    found = []
    for binding in Binding.make_bindings(bindings):
        action, selects, _ = binding.action.partition("(True)")
        name = ("select_" if selects else "") + action.removeprefix("cursor_")
        if binding.key not in taken:
            found.append(replace(binding, id=f"{part}.{name}"))
    return found


def keys_by_action(parts: Iterable[KeyPart], keymap: Keymap) -> dict[str, tuple[str, ...]]:
    """Return the keys of every action, by id, after the wishes of ``keymap``."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for binding in Binding.make_bindings(part.bindings):
            if binding.id is not None:
                found.setdefault(binding.id, []).append(binding.key)
    return {name: _listed(keymap.get(name)) or tuple(keys) for name, keys in found.items()}


def with_keys(bindings: Iterable[BindingType], keymap: Keymap) -> list[Binding]:
    """Return bindings as they are after the wishes of ``keymap``; those without a key are gone."""
    found: list[Binding] = []
    replaced: set[str] = set()
    for binding in Binding.make_bindings(bindings):
        keys = _listed(keymap.get(binding.id or ""))
        if not keys:
            found.append(binding)
        elif binding.id not in replaced:
            replaced.add(binding.id or "")
            found += [binding.with_key(key) for key in keys if key != NO_KEY]
    return found


def keys_of_actions(bindings: Iterable[BindingType], keymap: Keymap) -> dict[str, list[str]]:
    """Return the keys by what they do, after the wishes of ``keymap``."""
    found: dict[str, list[str]] = {}
    for binding in with_keys(bindings, keymap):
        found.setdefault(binding.action, []).append(binding.key)
    return found


def checked_keymap(wanted: Keymap, parts: Sequence[KeyPart]) -> tuple[dict[str, str], list[str]]:
    """Return the wishes that can be met, and a line for each that cannot.

    A key may belong to one action of a part, and what works everywhere may have none that another
    part has.  Two actions may exchange their keys.  Where the program itself uses a key twice, that
    is no mistake of the person's.

    Args:
        wanted: Keys by action, as the settings have them.
        parts: All of the app.
    """
    known = keys_by_action(parts, {})
    met: dict[str, str] = {}
    problems = []
    for name, keys in wanted.items():
        problem = _unknown(name, known) or next(filter(None, map(_unusable, _listed(keys))), None)
        if problem is None:
            met[name] = ",".join(_listed(keys))
        else:
            problems.append(f"keys: {name} = {keys!r}: {problem}")
    for name in list(met):
        other = _rival(name, keys_by_action(parts, met))
        if other is not None:
            key, rival = other
            problems.append(
                f"keys: {name} = {met[name]!r}: {key} is the key of {rival}; give that another key,"
                f' or "{NO_KEY}"'
            )
            del met[name]
    return met, problems


def _listed(keys: str | None) -> tuple[str, ...]:
    """Return the keys of a text with commas, modifiers in the order in which Textual names them.

    That order is the alphabet's: a terminal's Ctrl+Alt+↓ arrives as ``alt+ctrl+down``.
    """
    found = filter(None, (key.strip().lower() for key in (keys or "").split(",")))
    return tuple("+".join((*sorted(key.split("+")[:-1]), key.split("+")[-1])) for key in found)


def _unknown(name: str, known: Mapping[str, object]) -> str | None:
    """Return what is wrong with an action's name; None if it has one."""
    return None if name in known else f"there is no such action{did_you_mean(name, list(known))}"


def _unusable(key: str) -> str | None:
    """Return why something cannot be a key; None if it can."""
    *modifiers, last = key.split("+")
    if key == NO_KEY:
        return None
    if _TYPED.fullmatch(key) or key == "space":
        return f"{key} is needed for typing"
    if not _MODIFIERS.issuperset(modifiers) or (len(last) != 1 and last not in _NAMES):
        return f"{visible(key)} is no key; write them as ctrl+s, alt+n, f5, shift+f5 or ctrl+pageup"
    return None


def _rival(name: str, keys: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """Return a key of an action that another action has too, and that action."""
    for other, theirs in keys.items():
        shared = [key for key in keys[name] if key in theirs and key != NO_KEY]
        if other != name and shared and _meet(name, other):
            return shared[0], other
    return None


def _meet(name: str, other: str) -> bool:
    """Return whether two actions wait for keys at the same time."""
    parts = {name.partition(".")[0], other.partition(".")[0]}
    return len(parts) == 1 or _EVERYWHERE in parts
