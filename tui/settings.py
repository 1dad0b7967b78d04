"""What a person may set: a TOML file checked key by key.

A mistake in the file costs that one key: it becomes a line of the warning the app shows, and
the default stands.  Knows nothing of the app.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from tui.user_folders import settings_file

__all__ = [
    "EditorSettings",
    "LoadedSettings",
    "PaneSettings",
    "PrivacySettings",
    "Settings",
    "SuggestionSettings",
    "load_settings",
    "parse_settings",
]

_Section = TypeVar("_Section", bound=msgspec.Struct)


class SuggestionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When suggestions come and how long they are."""

    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    """Rest after the last key before a suggestion is asked for."""
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=512)] = 64
    """Longest suggestion, in tokens of the model."""
    automatic: bool = True
    """False: only Ctrl+L asks."""
    multi_line: bool = True
    """False: a suggestion ends with the cursor's line."""
    repository_knowledge: bool = True
    """Learn from the other files of the repository while suggesting; False: the model alone."""


class PrivacySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files that get no suggestions and are never used as context, beside the built-in list."""

    extra_patterns: tuple[str, ...] = ()
    """Names in the form of the built-in list of `privacy`: ``*.key``, ``private/``."""


class PaneSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The panes on the right."""

    interval_ms: Annotated[int, msgspec.Meta(ge=100, le=5_000)] = 200
    """Time between two pictures while something happens."""
    visible: bool = True
    """False: the panes start hidden (F2 shows them)."""


class EditorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The editor and the repository tree."""

    tab_width: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    """Columns of one level of indentation."""
    tree: bool = True
    """False: the repository tree starts hidden (Ctrl+B shows it)."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a person may set; the default of each field is used where the file is silent."""

    theme: str = "spark"
    """Name of a colour theme; the command palette lists them."""
    suggestions: SuggestionSettings = SuggestionSettings()
    privacy: PrivacySettings = PrivacySettings()
    panes: PaneSettings = PaneSettings()
    editor: EditorSettings = EditorSettings()


class LoadedSettings(msgspec.Struct, frozen=True):
    """Settings and what was wrong with their file."""

    settings: Settings
    problems: tuple[str, ...] = ()
    """One line for a person per mistake; empty when the file is right or absent."""
    privacy_known: bool = True
    """False when the section ``privacy`` could not be read whole: more files may be private."""


def load_settings(path: Path | None = None) -> LoadedSettings:
    """Read the settings file; a missing one means the defaults.

    Args:
        path: The file; None means the place that `tui.user_folders` names.
    """
    path = settings_file() if path is None else path
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return LoadedSettings(Settings())
    except (OSError, UnicodeDecodeError) as error:
        return LoadedSettings(Settings(), (f"{path} cannot be read: {error}",), False)
    return parse_settings(text)


def parse_settings(text: str) -> LoadedSettings:
    """Return the settings in the TOML ``text``; keys with mistakes keep their defaults."""
    try:
        table = tomllib.loads(text)
    except RecursionError:
        return LoadedSettings(Settings(), ("not valid TOML: brackets in brackets too deep",), False)
    except ValueError as error:  # also a number of more digits than Python takes
        return LoadedSettings(Settings(), (f"not valid TOML: {error}",), False)
    problems: list[str] = []
    settings = _section(Settings, table, "", problems)
    return LoadedSettings(settings, tuple(problems), _right(table.get("privacy", {})))


def _right(privacy: object) -> bool:
    """Return whether the section ``privacy`` has no mistake."""
    try:
        msgspec.convert(privacy, PrivacySettings)
    except msgspec.ValidationError:
        return False
    return True


def _section(
    kind: type[_Section], table: dict[str, Any], prefix: str, problems: list[str]
) -> _Section:
    """Return a ``kind`` made of the right keys of ``table``; add the wrong ones to ``problems``."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if key not in fields:
            problems.append(f"unknown setting {name}{_did_you_mean(key, list(fields), prefix)}")
        elif isinstance(fields[key], type) and issubclass(fields[key], msgspec.Struct):
            if isinstance(value, dict):
                values[key] = _section(fields[key], value, f"{name}.", problems)
            else:
                problems.append(f"{name} is a section: write it as [{name}]")
        else:
            try:
                values[key] = msgspec.convert(value, fields[key])
            except msgspec.ValidationError as error:
                problems.append(f"{name} = {value!r}: {error}")
    return kind(**values)


def _did_you_mean(key: str, known: list[str], prefix: str) -> str:
    """Return a hint with the nearest known key, or with all of them."""
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f" (did you mean {prefix}{near[0]}?)"
    return f" (known here: {', '.join(known)})"
