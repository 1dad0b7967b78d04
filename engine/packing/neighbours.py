"""Pieces of other files of a package that belong beside a piece of code.

Works on texts; knows nothing of tokens.  Two kinds: the piece of a file nearby that shares most
names, and the definition of a name that the code uses, taken from the file it is imported from.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Protocol

__all__ = [
    "FileNeighbours",
    "Snippet",
    "TextFile",
    "definitions",
    "imported",
    "modules",
    "related_snippet",
]

Snippet = tuple[str, str]
"""A path and a text."""


class TextFile(Protocol):
    """One file of a package or repository."""

    @property
    def package(self) -> str:
        """What the file belongs to: files of different packages are no neighbours."""
        ...

    @property
    def path(self) -> str:
        """Its path there, with ``/``."""
        ...

    @property
    def text(self) -> str:
        """All of it."""
        ...


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,}")
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import\b|import[ \t]+([\w.]+))", re.M)
_DEFINITION = re.compile(r"^(?:async def|def|class)[ \t]+(\w+)|^([A-Za-z_]\w{3,})[ \t]*[:=]", re.M)

DEFINITION_CHARACTERS = (240, 480, 960)
"""Longest piece of a definition; one of these at random."""


def related_snippet(
    text: str, siblings: list[TextFile], characters: int, generator: random.Random
) -> Snippet | None:
    """Return path and text of the piece of a sibling file that shares most names.

    The best of a few random windows: what an editor's ring of recent pieces looks like.
    """
    if not siblings or characters < 80:
        return None
    names, best, best_score = set(_NAME.findall(text)), None, -1
    for document in generator.sample(siblings, min(4, len(siblings))):
        body = document.text
        start = body.rfind("\n", 0, generator.randrange(len(body))) + 1
        end = body.rfind("\n", start, start + characters) + 1
        if end <= start:
            continue
        score = len(names.intersection(_NAME.findall(body[start:end])))
        if score > best_score:
            best, best_score = (document.path, body[start:end]), score
    return best


@lru_cache(maxsize=4096)
def definitions(text: str) -> dict[str, int]:
    """Return where a module's functions, classes and variables begin, by name."""
    return {m[1] or m[2]: m.start() for m in _DEFINITION.finditer(text)}


def modules(path: str) -> str:
    """Return the dotted name of a file's module.

    Example:
        >>> modules("package/sub/__init__.py"), modules("package/sub/part.py")
        ('package.sub', 'package.sub.part')
    """
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(path: str, text: str) -> list[str]:
    """Return the dotted names of modules that a file may import, in order of appearance.

    Example:
        >>> imported("package/sub/part.py", "from ..base import Base")
        ['package.base']
    """
    package = PurePosixPath(path).parts[:-1]
    found = []
    for match in _IMPORT.finditer(text):
        name = match[1] or match[2]
        dots = len(name) - len(name.lstrip("."))
        if dots > len(package):
            continue
        base = package[: len(package) - dots + 1] if dots else ()
        found.append(".".join([*base, *filter(None, [name.lstrip(".")])]))
    return found


class FileNeighbours:
    """Finds the files beside a file, and those it imports."""

    def __init__(self, documents: Iterable[TextFile]) -> None:
        self._folders: dict[tuple[str, str], list[TextFile]] = defaultdict(list)
        self._modules: dict[str, TextFile] = {}
        self._imports: dict[str, list[TextFile]] = {}
        for document in documents:
            self._folders[self._folder(document)].append(document)
            self._modules[f"{document.package}:{modules(document.path)}"] = document

    def siblings(self, document: TextFile) -> list[TextFile]:
        """Return the other files of the same folder."""
        return [other for other in self._folders[self._folder(document)] if other != document]

    def definition(
        self, document: TextFile, text: str, characters: int, generator: random.Random
    ) -> Snippet | None:
        """Return the beginning of the definition of a name that ``text`` uses.

        Only modules of the same package that the document imports are searched.
        """
        if characters < 80:
            return None
        # Sorted, because the order of a set differs from one process to the next.
        names = sorted(set(_NAME.findall(text)))
        places = [
            (other, start)
            for other in self._imported(document)
            for start in _found(definitions(other.text), names)
        ]
        if not places:
            return None
        other, start = generator.choice(places)
        # Long pieces show bodies, short ones leave room for a second definition.
        shown = min(characters, generator.choice(DEFINITION_CHARACTERS))
        end = other.text.rfind("\n", start, start + shown) + 1
        return (other.path, other.text[start:end]) if end > start else None

    def _imported(self, document: TextFile) -> list[TextFile]:
        key = f"{document.package}:{document.path}"
        if key not in self._imports:
            names = dict.fromkeys(imported(document.path, document.text))
            found = (self._modules.get(f"{document.package}:{name}") for name in names)
            self._imports[key] = [other for other in found if other not in (None, document)]
        return self._imports[key]

    @staticmethod
    def _folder(document: TextFile) -> tuple[str, str]:
        return document.package, document.path.rpartition("/")[0]


def _found(places: dict[str, int], names: list[str]) -> list[int]:
    return [places[name] for name in names if name in places]
