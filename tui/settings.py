"""The settings: a TOML file, checked key by key.

A mistake in the file costs that one key: its default stands, and the mistake becomes a line of the
warning that the app shows.  The text under each field is for the user; `scripts/settings_page.py`
copies it into SETTINGS.md.  Knows nothing of the app.
"""

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from engine.plain_files import read_plain
from engine.repository.own_patterns import why_refused
from engine.toml_files import parse_toml
from tui.user_folders import settings_file

__all__ = [
    "LARGEST_FILE",
    "EditSettings",
    "EditorSettings",
    "LoadedSettings",
    "ModelSettings",
    "PaneSettings",
    "PrivacySettings",
    "Settings",
    "SuggestionSettings",
    "allowed_values",
    "did_you_mean",
    "load_settings",
    "parse_settings",
    "with_setting",
]

_Section = TypeVar("_Section", bound=msgspec.Struct)

LARGEST_FILE = 1 << 20
"""Bytes of a settings file; a longer one is refused."""
_FEW = 20
"""So many names are listed in a message; more are not."""
_SHOWN_CHARACTERS = 60
"""Longest wrong value that a message repeats whole."""


class SuggestionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When suggestions come and how long they are."""

    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 100
    """Milliseconds of rest after the last key before a suggestion is asked for."""
    adaptive_delay: bool = True
    """Whether the rest grows where you type too fast for an answer to come between two keys."""
    ahead: bool = True
    """Whether the next suggestion is computed while one is shown, to be there once you take it."""
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=512)] = 64
    """Longest suggestion, in tokens of the model."""
    automatic: bool = True
    """Whether suggestions come by themselves; if not, only Ctrl+L asks."""
    multi_line: bool = True
    """Whether a suggestion may have several lines; if not, it ends with the cursor's line."""
    repository_knowledge: bool = True
    """Whether to learn from the repository's other files, and from what you just saw or changed in
    them; if not, the model suggests alone."""
    threshold: Annotated[int, msgspec.Meta(ge=1, le=95)] = 60
    """Least chance, in percent, that you take a suggestion, for it to come by itself: with a higher
    one fewer come, and more of them are right."""
    off: tuple[str, ...] = ()
    """Files in which none comes by itself, `*` for any characters: `["*.md", "docs/"]`."""
    subtle: bool = False
    """Whether a suggestion waits unseen until Ctrl+L; a sign in the status line says there is
    one."""
    learn: bool = True
    """Whether that chance is learnt from what you take and refuse, in a few numbers on this
    computer; if not, it is the same for everybody."""


class PrivacySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files that get no suggestions and are never used as context, beside the built-in list."""

    extra_patterns: tuple[str, ...] = ()
    """Names of files and folders, `*` for any characters: `["*.dump", "private/", "~/notes"]`."""


class PaneSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The panes on the right."""

    interval_ms: Annotated[int, msgspec.Meta(ge=100, le=5_000)] = 200
    """Milliseconds between two updates of the panes while something happens."""
    visible: bool = True
    """Whether the panes are shown at the start; F2 shows and hides them."""
    gauges: tuple[str, ...] = ()
    """Panes that show gauges instead of a map or histories: `["wafer", "throughput"]`; `v` on one
    of them changes it."""
    colour: Literal["state", "work", "links", "SRAM", "owner", "age"] = "state"
    """What the colours of the wafer map mean at the start; `c` on the map changes it."""
    outlines: bool = True
    """Whether the map shows outlines and names of regions; `o` on the map changes it."""
    alone: str = "all"
    """The pane that `spark-tui watch` shows alone at the start, or `all`; F3 there changes it."""


class EditorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The editor and the repository tree."""

    tab_width: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    """Columns of a tab, and of one level of indentation where the file does not show its own."""
    tree: bool = True
    """Whether the tree is shown at the start, where it has room; Ctrl+B shows and hides it."""
    soft_wrap: bool = False
    """Whether lines wider than the editor go on in the next row; Alt+Z changes it."""
    pairs: bool = True
    """Whether a bracket or quote that is typed brings its partner along."""
    problems: bool = True
    """Whether Python files are looked at for mistakes, by ruff or else by pyflakes, which are then
    marked."""
    ruff: str = "auto"
    """Which ruff looks: `auto` takes that of the environment you activated, or of `PATH`, but none
    that lies in the repository unless you activated it; a full path names another; `none` leaves
    it to pyflakes."""


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models: where more of them lie, and which one is used."""

    default: str = ""
    """Name or path of the model used without `--model`; empty: chosen by what is fetched."""
    second: str = ""
    """Name of a small model beside it, such as `spark-nano`, whose suggestions are shown until the
    large one says something else; empty: none. It needs memory of its own."""
    folders: tuple[str, ...] = ()
    """Folders in which `spark-tui models` also looks, as in `["~/models"]`."""


class EditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Edits by instruction."""

    instructions: dict[str, str] = {}
    """Your own instructions for Ctrl+P, “Edit”: `{ Simplify = "Make this shorter." }`."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a user may set; a key that the file does not name has its default."""

    theme: str = "spark"
    """Name of a colour theme; the command “Change theme” lists them."""
    suggestions: SuggestionSettings = SuggestionSettings()
    models: ModelSettings = ModelSettings()
    privacy: PrivacySettings = PrivacySettings()
    panes: PaneSettings = PaneSettings()
    editor: EditorSettings = EditorSettings()
    edits: EditSettings = EditSettings()
    keys: dict[str, str] = {}
    """Other keys for actions, as in `"app.save" = "f12"`; [KEYS.md](KEYS.md) names the actions.
    Several keys stand with commas between them; `"none"` takes the keys away."""


class LoadedSettings(msgspec.Struct, frozen=True):
    """Settings, and what is wrong with their file."""

    settings: Settings
    problems: tuple[str, ...] = ()
    """One line per mistake; empty if the file is right or absent."""
    privacy_known: bool = True
    """Whether all private patterns are known; not so if the section ``privacy`` has a mistake."""


def load_settings(path: Path | None = None) -> LoadedSettings:
    """Read the settings file; without one, everything has its default.

    Args:
        path: The file; None means the place that `tui.user_folders` names.
    """
    path = settings_file() if path is None else path
    try:
        text = read_plain(path, LARGEST_FILE).decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return LoadedSettings(Settings())
    except (OSError, UnicodeDecodeError) as error:
        return LoadedSettings(Settings(), (f"{path} cannot be read: {error}",), False)
    return parse_settings(text)


def parse_settings(text: str) -> LoadedSettings:
    """Return the settings in the TOML ``text``; a key with a mistake has its default."""
    try:
        table = parse_toml(text)
    except ValueError as error:  # also a number of more digits than Python takes
        return LoadedSettings(Settings(), (f"not valid TOML: {error}",), False)
    problems: list[str] = []
    settings = _section(Settings, table, "", problems)
    refused = {each: why for each in settings.privacy.extra_patterns if (why := why_refused(each))}
    problems += [
        f"privacy.extra_patterns: {_shown(each)} protects nothing: {why}"
        for each, why in refused.items()
    ]
    kept = tuple(each for each in settings.privacy.extra_patterns if each not in refused)
    settings = replace(settings, privacy=replace(settings.privacy, extra_patterns=kept))
    known = not refused and _has_no_mistake(table.get("privacy", {}))
    return LoadedSettings(settings, tuple(problems), known)


def _has_no_mistake(privacy: object) -> bool:
    """Return whether all of the section ``privacy`` is right."""
    try:
        msgspec.convert(privacy, PrivacySettings)
    except msgspec.ValidationError:
        return False
    return True


def _section(
    kind: type[_Section], table: dict[str, Any], prefix: str, problems: list[str]
) -> _Section:
    """Return a ``kind`` made of the right keys of ``table``; add the wrong ones to ``problems``."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if key not in fields:
            problems.append(f"unknown setting {name}{did_you_mean(key, list(fields), prefix)}")
            continue
        type_ = fields[key].type
        if key == "keys" and isinstance(value, dict):
            values[key] = _keys(value, "", problems)
        elif isinstance(type_, type) and issubclass(type_, msgspec.Struct):
            if isinstance(value, dict):
                values[key] = _section(type_, value, f"{name}.", problems)
            else:
                problems.append(f"{name} is a section: write it as [{name}]")
        else:
            try:
                values[key] = msgspec.convert(value, type_)
            except msgspec.ValidationError:
                wrong = f"{name} = {_shown(value)} must be {allowed_values(type_)}"
                default = fields[key].default
                used = "none" if default is msgspec.NODEFAULT else _shown(default)
                problems.append(f"{wrong}; {used} is used")
    return kind(**values)


def _keys(table: dict[str, Any], prefix: str, problems: list[str]) -> dict[str, str]:
    """Return the keys by action.  ``"app.save" = …`` and ``app.save = …`` mean the same."""
    found: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found |= _keys(value, f"{prefix}{name}.", problems)
        elif isinstance(value, str):
            found[prefix + name] = value
        else:
            problems.append(f"keys.{prefix}{name} = {_shown(value)} must be text in quotes")
    return found


def with_setting(settings: Settings, name: str, value: object) -> Settings:
    """Return settings in which one key has another value.

    Args:
        settings: All others stay.
        name: The key, with its section: ``suggestions.delay_ms``.
        value: As a settings file would have it.

    Raises:
        ValueError: There is no such key, or it may not have this value; says what it may have.
    """
    if name.startswith("keys."):
        return replace(settings, keys=_other_keys(settings.keys, name.removeprefix("keys."), value))
    section, _, key = name.rpartition(".")
    types = _types(settings, section)
    if key not in types:
        raise ValueError(f"there is no setting {name}")
    try:
        checked = msgspec.convert(value, types[key])
    except msgspec.ValidationError:
        raise ValueError(f"{name} must be {allowed_values(types[key])}") from None
    if not section:
        return replace(settings, **{key: checked})
    return replace(settings, **{section: replace(getattr(settings, section), **{key: checked})})


def _other_keys(keys: dict[str, str], action: str, value: object) -> dict[str, str]:
    """Return keys by action in which one has others; None takes them away."""
    if value is not None and not isinstance(value, str):
        raise ValueError(f"keys.{action} must be text in quotes")
    others = {name: own for name, own in keys.items() if name != action}
    return others if value is None else others | {action: value}


def _types(settings: Settings, section: str) -> dict[str, Any]:
    """Return the types of a section's keys; none if there is no such section."""
    owner = getattr(settings, section, None) if section else settings
    if not isinstance(owner, msgspec.Struct):
        return {}
    return {field.name: field.type for field in msgspec.structs.fields(owner)}


def allowed_values(type_: Any) -> str:
    """Return which values a setting of a type may have, in words.

    Args:
        type_: The annotation of a field above.
    """
    match msgspec.inspect.type_info(type_):
        case msgspec.inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.VarTupleType():
            return "a list of texts in quotes"
        case msgspec.inspect.StrType():
            return "text in quotes"
        case msgspec.inspect.LiteralType(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case msgspec.inspect.DictType():
            return "texts in quotes by name"
        case other:
            raise TypeError(f"no words for a setting of {other}")


def _shown(value: object) -> str:
    """Return a value as TOML writes it, or the beginning of a long one."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, (list, tuple)):
        text = f"[{', '.join(map(_shown, value))}]"
    else:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def did_you_mean(key: str, known: list[str], prefix: str = "") -> str:
    """Return a hint, in brackets: the nearest known key, or all of them if they are few."""
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f" (did you mean {prefix}{near[0]}?)"
    return f" (known here: {', '.join(known)})" if len(known) <= _FEW else ""
