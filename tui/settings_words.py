"""What every setting means: the words under the fields of `tui.settings`, for pages and screens."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from tui.settings import Settings, allowed_values

__all__ = ["SettingWords", "every_setting", "field_words", "is_section"]


@dataclass(frozen=True, slots=True)
class SettingWords:
    """One setting, described."""

    name: str
    """With its section: ``suggestions.delay_ms``."""
    kind: Any
    """The annotation of its field."""
    allowed: str
    """Which values it may have."""
    default: object
    meaning: str


def every_setting(
    kind: type[msgspec.Struct] = Settings, section: str = ""
) -> Iterator[SettingWords]:
    """Yield all settings in the order of their fields; of ``keys`` there are too many to list."""
    words = field_words(kind)
    for field in msgspec.structs.fields(kind):
        name = f"{section}{field.name}"
        if is_section(field):
            yield from every_setting(field.type, f"{name}.")
        elif name != "keys":
            default = field.default if field.default is not msgspec.NODEFAULT else {}
            allowed = allowed_values(field.type)
            yield SettingWords(name, field.type, allowed, default, words[field.name])


def is_section(field: msgspec.structs.FieldInfo) -> bool:
    """Return whether a field is a section of its own."""
    return isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)


def field_words(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Return the text under each field of a class, as one line."""
    (body,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: " ".join(inspect.cleandoc(words.value.value).split())
        for field, words in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant)
        if isinstance(words.value.value, str)
    }
