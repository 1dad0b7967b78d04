"""What a model may see of a repository's other files: outlines of those that a file imports.

Reads nothing but files that the imports name, that lie in the repository, and that are neither
ignored nor private.  Outlines depend on the imports and not on the cursor, so they stay the same
while a person types.  Of chunks that a client brings along it says which are of such files.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from math import inf
from pathlib import Path, PurePosixPath
from time import monotonic

from engine.repository.ignore import IgnoreRules
from engine.repository.readable_files import ReadableFile, look_at, read_text

__all__ = ["DEFINING_WORDS", "FileChunk", "OtherFiles", "outline"]

MAX_FILES = 4
"""Most files that are outlined; a prompt has room for about two outlines."""

MAX_CHARACTERS = 600
"""Longest outline."""

MAX_CHUNKS = 16
"""Most chunks that a client may bring along."""

MAX_HEAD_LINES = 8
"""Most further lines of a definition's head."""

RULES_SECONDS = 10.0
"""So long git's answers about files hold."""

LOOK_CHARACTERS = 6_000
"""Imports stand at the top: so much of a file's beginning is searched for them."""

_FROM = re.compile(r"^[ \t]*from[ \t]+([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w.]+)", re.MULTILINE)
_QUOTED = re.compile(r"""(?:\bfrom|\brequire\(|\bimport)\s*["'](\.[^"'\n]+)["']""")
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)
_ROOTS = ("", "src/", "lib/")
_SCRIPT_ENDINGS = (".ts", ".tsx", ".js", ".jsx", "/index.ts", "/index.js", "")
_SCRIPTS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue")
_C_FAMILY = (".c", ".cc", ".cpp", ".h", ".hpp")

_DEFINITION = re.compile(
    r"\s*(?:(?:export|public|static|async|abstract|pub|default)\s+)*"
    r"(?:def|class|function|func|fn|struct|enum|trait|impl|interface|type|typedef|#define)\b"
)
DEFINING_WORDS = "def|class|function|func|fn|struct|enum|trait|interface|type|const|let|var"
"""Words in front of the names that they define, as a part of a regular expression."""
_FIELD = re.compile(r"    \w+\s*:\s*[^\n=]+(?:=.*)?$")
"""An annotated name in a class of Python."""
_TRAILING = re.compile(r"(?:,|(?<![\s,]))\s+\)")
_PRIVATE = re.compile(r"\b(?:def\s+)?_(?!_)\w+\s*[(:]")


@dataclass(frozen=True, slots=True)
class FileChunk:
    """A part of another file."""

    path: str
    """Relative to the repository, with ``/``."""
    text: str


@dataclass(frozen=True, slots=True)
class _Import:
    """A file that may be meant by an import, and the names that are taken from it."""

    path: str
    names: tuple[str, ...] = ()
    """Empty: the whole file."""


class OtherFiles:
    """Outlines of the files that others of one repository import.

    Args:
        root: The repository's folder.
        private_patterns: More patterns of private files, from the person's settings.
    """

    def __init__(self, root: Path, private_patterns: Sequence[str] = ()) -> None:
        self.root = root
        self.private_patterns = tuple(private_patterns)
        self._rules = IgnoreRules(root)
        self._ignored: dict[Path, bool] = {}  # git's answers
        self._asked = -inf
        self._texts: dict[tuple[str, int, int], str | None] = {}

    def outlines(self, path: str, text: str) -> list[FileChunk]:
        """Return the outlines of the files that a file imports, in the order of its imports.

        Args:
            path: The importing file, relative to the repository.
            text: Its text; only the beginning is searched.
        """
        wanted = self._allowed(path, list(_imports(path, text[:LOOK_CHARACTERS])))
        chunks: list[FileChunk] = []
        for each in wanted:
            if len(chunks) == MAX_FILES:
                break
            if any(chunk.path == each.path for chunk in chunks):
                continue
            content = self._read(each.path)
            found = outline(content, each.names) if content else ""
            if found:
                chunks.append(FileChunk(each.path, found))
        return chunks

    def readable(self, path: str, chunks: Iterable[FileChunk]) -> list[FileChunk]:
        """Return those chunks, brought along by a client, that a request about a file may use.

        They are of other files of the repository, as they were found there: neither links nor
        ignored nor private.

        Args:
            path: The file, relative to the repository.
            chunks: The most useful first; the first `MAX_CHUNKS` count.
        """
        first = list(islice(chunks, MAX_CHUNKS))
        inside = [each for each in first if not {"", ".", ".."} & {*each.path.split("/")}]
        names = {each.path for each in self._allowed(path, [_Import(c.path) for c in inside])}
        there = {name for name in names if self._look_at(name) is not None}
        return [each for each in inside if each.path in there]

    def _look_at(self, name: str) -> ReadableFile | None:
        return look_at(self.root, self.root / name, self.private_patterns)

    def _read(self, name: str) -> str | None:
        """Return the text of a file of the repository; None if it may not or cannot be read."""
        file = self._look_at(name)
        if file is None:
            return None
        stamp = file.name, file.size_bytes, file.changed_ns
        if stamp not in self._texts:
            if len(self._texts) > 4 * MAX_FILES:
                self._texts.clear()
            self._texts[stamp] = read_text(file)
        return self._texts[stamp]

    def _allowed(self, path: str, wanted: list[_Import]) -> list[_Import]:
        """Return the files, other than the importing one, that are there and git does not ignore.

        Its answers hold for a while, since asking takes time; but rules change, and with them what
        may be read.
        """
        if monotonic() - self._asked > RULES_SECONDS:
            self._rules.forget()
            self._ignored.clear()
            self._asked = monotonic()
        places = {
            each.path: self.root / each.path
            for each in wanted
            if each.path != path and os.path.isfile(self.root / each.path)
        }
        new = [place for place in places.values() if place not in self._ignored]
        ignored = self._rules.ignored_among(new)
        self._ignored |= {place: place in ignored for place in new}
        there = {name for name, place in places.items() if not self._ignored[place]}
        return [each for each in wanted if each.path in there]


def outline(text: str, names: Sequence[str] = ()) -> str:
    """Return the lines of a file that say what it defines, at most `MAX_CHARACTERS`.

    Args:
        text: The file.
        names: What is wanted of it: each name's definition and the definitions inside; empty, or
            none of them found: everything.
    """
    lines = text.split("\n")
    kept = [each for name in names for each in _definition(lines, name)]
    kept = kept or [_whole(lines, i) for i, line in enumerate(lines) if _DEFINITION.match(line)]
    sizes = accumulate(len(line) + 1 for line in kept)
    return "\n".join(kept[: sum(size <= MAX_CHARACTERS for size in sizes)])


def _definition(lines: Sequence[str], name: str) -> Iterator[str]:
    """Yield the line that defines a name, and the public definitions and fields inside it."""
    words = rf".*\b(?:{DEFINING_WORDS})\s+{re.escape(name)}\b"
    head = re.compile(rf"(?:{words}|{re.escape(name)}\s*[:=])")
    at = next((i for i, line in enumerate(lines) if head.match(line)), None)
    if at is None:
        return
    yield _whole(lines, at)
    for i, line in enumerate(lines[at + 1 :], at + 1):
        if line.strip() and not line[0].isspace() and line[0] not in ")]}":
            return
        inside = _DEFINITION.match(line) or _FIELD.match(line)
        if inside and not _PRIVATE.search(line):
            yield _whole(lines, i)


def _whole(lines: Sequence[str], at: int) -> str:
    """Return a definition's head in one line, where it may span several."""
    parts = [lines[at].rstrip()]
    for line in lines[at + 1 : at + 1 + MAX_HEAD_LINES]:
        said = "".join(parts)
        if said.count("(") <= said.count(")"):
            break
        parts.append(line.strip())
    head, *rest = parts
    return head + _TRAILING.sub(")", " ".join(rest))


# ── imports ─────────────────────────────────────────────────────────────────────────────────


def _imports(path: str, text: str) -> Iterator[_Import]:
    """Yield the files that the imports of a file may mean, in order; most do not exist."""
    ending = PurePosixPath(path).suffix
    if ending in (".py", ".pyi"):
        yield from _of_python(path, text)
    elif ending in _SCRIPTS:
        for match in _QUOTED.finditer(text):
            base = _beside(path, match[1])
            if base is not None:
                yield from (_Import(base + end) for end in _SCRIPT_ENDINGS)
    elif ending in _C_FAMILY:
        for match in _INCLUDE.finditer(text):
            beside = _beside(path, match[1])
            places = [] if beside is None else [beside]
            yield from (_Import(place) for place in [*places, match[1], f"include/{match[1]}"])


def _of_python(path: str, text: str) -> Iterator[_Import]:
    found = [(m.start(), m[1], _names(m[2])) for m in _FROM.finditer(text)]
    found += [(m.start(), m[1], ()) for m in _IMPORT.finditer(text)]
    for _, module, names in sorted(found):
        bare = module.lstrip(".")
        level = len(module) - len(bare)
        base = bare.replace(".", "/")
        if level:
            folders = PurePosixPath(path).parts[:-1]
            if level - 1 > len(folders):
                continue
            own = "/".join(folders[: len(folders) - level + 1])
            places = ["/".join(part for part in (own, base) if part)]
        else:
            places = [root + base for root in _ROOTS]
        for place in places:
            yield from (_Import(f"{place}/{name}.py".lstrip("/")) for name in names)
            if place:
                yield _Import(f"{place}.py", names)
                yield _Import(f"{place}/__init__.py", names)


def _names(text: str) -> tuple[str, ...]:
    """Return the names in the second half of ``from … import …``."""
    return tuple(
        part.split()[0] for part in text.strip("() \t\\").split(",") if part.strip(" \t\n\\*")
    )


def _beside(path: str, name: str) -> str | None:
    """Return a path given relative to a file's folder; None if it leaves the repository."""
    parts = [*PurePosixPath(path).parts[:-1]]
    for part in PurePosixPath(name).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
