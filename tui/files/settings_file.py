"""Keeps changed settings in the person's settings file; all else in the file stays as it is.

Reading is `tui.settings`, which never stops at a mistake.  Writing does: a file that cannot be
understood as a whole is not written.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.own_files import make_own
from engine.plain_files import read_plain
from tui.files.replacing import replace_content
from tui.settings import LARGEST_FILE

__all__ = ["SettingsNotKeptError", "keep_settings"]


class SettingsNotKeptError(Exception):
    """A setting could not be written; the message says why, for a person."""


def keep_settings(path: Path, changes: Mapping[str, object]) -> None:
    """Write settings into the file at ``path``, which need not exist.

    Comments, order and everything else in the file are kept.

    Args:
        path: The settings file, or a link to it.
        changes: Values by key with its sections, as ``suggestions.delay_ms``.  A tuple becomes a
            list; None removes the key.

    Raises:
        SettingsNotKeptError: The file is not TOML or cannot be written; it is as it was.
    """
    import tomlkit  # 30 ms that the first paint need not wait for

    try:
        document = tomlkit.parse(_text(path))
    except (ValueError, RecursionError) as error:  # a ParseError is a ValueError
        raise SettingsNotKeptError(f"{path} is not valid TOML ({error}): mend it first") from None
    for name, value in changes.items():
        _put(document, name, value, path)
    try:
        make_own(path.parent)
        replace_content(path, tomlkit.dumps(document).encode("utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsNotKeptError(f"{path} cannot be written: {reason}") from error


def _put(document: Any, name: str, value: object, path: Path) -> None:
    """Give one key of a TOML document its value."""
    *sections, key = _parts(name)
    table = _section(document, sections, path)
    if sections == ["keys"]:
        _forget_in_tables(table, key)
    if value is not None:
        table[key] = list(value) if isinstance(value, tuple) else value
    elif key in table:
        del table[key]


def _text(path: Path) -> str:
    """Return what the file holds; an absent one holds nothing."""
    try:
        return read_plain(path, LARGEST_FILE).decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsNotKeptError(f"{path} cannot be read: {error}") from error


def _parts(name: str) -> list[str]:
    """Return the sections and the key of a setting.  An action's name, with its dot, is one key."""
    section, _, action = name.partition(".")
    return [section, action] if section == "keys" else name.split(".")


def _forget_in_tables(keys: Any, action: str) -> None:
    """Take an action's keys away where they stand as ``[keys.app] save = …``."""
    part, _, name = action.partition(".")
    if isinstance(keys.get(part), dict):
        keys[part].pop(name, None)


def _section(document: Any, names: list[str], path: Path) -> Any:
    """Return the table of a section; make it if it is missing."""
    import tomlkit

    table = document
    for name in names:
        if name not in table:
            table[name] = tomlkit.table()
        table = table[name]
        if not isinstance(table, dict):
            raise SettingsNotKeptError(
                f"{name} in {path} is a value and has to be a section, [{name}]: mend it first"
            )
    return table
