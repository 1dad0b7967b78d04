r"""What stands in place of a match: a text, in which ``$1`` names a group of the expression.

``$0`` is the whole match, ``${name}`` a group by its name, ``$$`` a dollar; ``\n`` and ``\t`` are
a newline and a tab, ``\\`` a backslash.  For a query that is no regular expression all of them
stand for themselves.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tui.search.query import Pattern, QueryError

__all__ = ["Replacement"]

_PARTS = re.compile(r"\$(?:(\d{1,2})|\{(\w+)\}|(\$))|\\([nt\\])")
_SHOWN = 24
"""Characters of a query or a template that name it."""
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class _Group:
    name: str


class Replacement:
    """A template that fits a pattern.

    Args:
        template: As a person types it.
        pattern: What it replaces.

    Raises:
        QueryError: It names a group that the expression does not have.
    """

    def __init__(self, template: str, pattern: Pattern) -> None:
        self._template = template
        self._pattern = pattern
        self._parts = list(_parts(template)) if pattern.query.regex else [template]
        for part in self._parts:
            if isinstance(part, _Group) and not _known(part.name, pattern):
                has = f"the expression has {pattern.groups} group(s)"
                raise QueryError(f"there is no group ${part.name}: {has}; $$ writes a dollar")

    def __str__(self) -> str:
        """Return what is replaced by what, for a person: the beginning of each."""
        parts = self._pattern.query.text, self._template or "nothing"
        return " → ".join(part[:_SHOWN] + "…" * (len(part) > _SHOWN) for part in parts)

    def text_at(self, data: bytes, start: int) -> str:
        """Return what stands in place of the match that begins at a byte of a UTF-8 text."""
        needs = any(isinstance(part, _Group) for part in self._parts)
        return self.text_for((self._pattern.groups_at(data, start) or {}) if needs else {})

    def text_for(self, groups: Mapping[str, str]) -> str:
        """Return what stands in place of a match with these groups."""
        return "".join(
            groups.get(part.name, "") if isinstance(part, _Group) else part for part in self._parts
        )


def _known(name: str, pattern: Pattern) -> bool:
    return int(name) <= pattern.groups if name.isdecimal() else name in pattern.group_names


def _parts(template: str) -> Iterator[str | _Group]:
    """Yield the parts of a template: texts and groups."""
    end = 0
    for match in _PARTS.finditer(template):
        yield template[end : match.start()]
        number, name, dollar, escape = match.groups()
        if escape:
            yield _ESCAPES[escape]
        elif dollar:
            yield dollar
        else:
            yield _Group(str(int(number)) if number else name)
        end = match.end()
    yield template[end:]
