"""Write tui/SETTINGS.md: every setting, with the words and limits of `tui/settings.py`.

``python scripts/settings_page.py`` writes the page; a test fails when it is out of date.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tui import settings  # noqa: E402  # the package lies beside this folder
from tui.settings_words import field_words, is_section  # noqa: E402

__all__ = ["render"]

PAGE = ROOT / "tui" / "SETTINGS.md"

HEAD = """\
# Settings

<!-- scripts/settings_page.py writes this page from tui/settings.py -->

The program reads its settings from one TOML file when it starts. The file need not exist.
`spark-tui doctor` prints where it belongs; on Linux that is `~/.config/spark-tui/settings.toml`.
The variable `SPARK_CONFIG_DIR` names another folder for it.

A mistake costs one key: its default is used. The app shows a warning that says what is wrong,
and `spark-tui doctor` lists it. A mistake in `[privacy]` costs more, because then not all private
files are known: the app stops reading other files of the repository, and `spark-tui complete`
refuses to start, until it is mended.

What is changed in the app, by the command palette (Ctrl+P) or a key, holds at once and is written
to the file; your comments and everything else in it stay. A file that is not valid TOML is not
written.
"""

EXAMPLE = """\
## Example

The file with every default:
"""


def render() -> str:
    """Return the page."""
    parts = [HEAD, *_tables(settings.Settings, "")]
    return "\n".join([*parts, EXAMPLE, "```toml", _example(), "```", ""])


def _tables(kind: type[msgspec.Struct], name: str) -> Iterator[str]:
    """Yield the table of a section, then those of the sections inside it."""
    words = field_words(kind)
    title = f"`[{name}]`" if name else "At the top of the file"
    yield f"## {title}\n"
    if name:
        yield f"{inspect.getdoc(kind)}\n"
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for field in _keys(kind):
        values = settings.allowed_values(field.type)
        yield f"| `{field.name}` | {values} | `{_default(field)}` | {words[field.name]} |"
    yield ""
    for field in _sections(kind):
        yield from _tables(field.type, field.name)


def _example() -> str:
    """Return a settings file that says what the defaults are."""
    lines = [f"{field.name} = {_default(field)}" for field in _keys(settings.Settings)]
    for section in _sections(settings.Settings):
        lines += ["", f"[{section.name}]"]
        lines += [f"{field.name} = {_default(field)}" for field in _keys(section.type)]
    return "\n".join(lines)


def _keys(kind: type[msgspec.Struct]) -> list[msgspec.structs.FieldInfo]:
    return [field for field in msgspec.structs.fields(kind) if not is_section(field)]


def _sections(kind: type[msgspec.Struct]) -> list[msgspec.structs.FieldInfo]:
    return [field for field in msgspec.structs.fields(kind) if is_section(field)]


def _default(field: msgspec.structs.FieldInfo) -> str:
    """Return a field's default as TOML writes it; a table made anew for each has nothing in it."""
    return "{}" if field.default is msgspec.NODEFAULT else _toml(field.default)


def _toml(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(PAGE)
