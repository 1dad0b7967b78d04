"""The patterns of git's ignore files, read and matched as git does it.

The time of a match grows with the length of the name and of the pattern, whatever the pattern says:
a part between two stars is tried from left to right, and where it fits, that is final.  Names and
patterns are bytes, as they are for git.  Knows nothing of files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

__all__ = ["IgnorePattern", "glob_expression", "last_match", "read_patterns"]

MAX_SIGNS = 4096
"""No path has more bytes, so a pattern that asks for more never matches."""

_BOM = b"\xef\xbb\xbf"
_SPECIAL = re.compile(rb"[*?\[\\]")
_SLASH = ord("/")
_NEVER = b"(?!)"
_CLASSES = {
    b"alnum": rb"0-9A-Za-z", b"alpha": rb"A-Za-z", b"blank": rb"\t ", b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9", b"graph": rb"\x21-\x7e", b"lower": rb"a-z", b"print": rb"\x20-\x7e",
    b"punct": rb"!-/:-@\[-`{-~", b"space": rb"\t-\r ", b"upper": rb"A-Z", b"xdigit": rb"0-9A-Fa-f",
}  # fmt: skip
"""The named classes in brackets, as git knows them: ASCII alone."""


@dataclass(frozen=True)
class IgnorePattern:
    """One line of an ignore file that means something."""

    glob: bytes
    """Without the signs for the two below."""
    negative: bool
    """Whether it takes back what a line above it ignores."""
    folders_only: bool
    """Whether it ended with a slash."""

    def matches(self, path: bytes) -> bool:
        """Return whether it fits a path relative to the folder of the ignore file."""
        name = path if b"/" in self.glob else path.rpartition(b"/")[2]
        literal = self._literal
        if literal is None:
            return self._expression.match(name) is not None
        return name == literal

    @cached_property
    def _literal(self) -> bytes | None:
        return None if _SPECIAL.search(self.glob) else self.glob.removeprefix(b"/")

    @cached_property
    def _expression(self) -> re.Pattern[bytes]:
        return re.compile(glob_expression(self.glob.removeprefix(b"/")), re.DOTALL)


def read_patterns(data: bytes) -> list[IgnorePattern]:
    """Return the patterns of an ignore file, in the order of their lines."""
    # Not splitlines: a form feed is a character of a name, as in git.
    lines = data.removeprefix(_BOM).split(b"\n")
    return [pattern for line in lines if (pattern := _read_line(line)) is not None]


def last_match(
    patterns: Sequence[IgnorePattern], path: bytes, *, is_folder: bool
) -> IgnorePattern | None:
    """Return the last pattern that fits a path, which decides about it; None if none does."""
    for pattern in reversed(patterns):
        if (is_folder or not pattern.folders_only) and pattern.matches(path):
            return pattern
    return None


def _read_line(line: bytes) -> IgnorePattern | None:
    """Return the pattern of a line; None if it is empty or a comment."""
    glob = _without_blanks(line.removesuffix(b"\r"))
    if not glob or glob.startswith(b"#"):
        return None
    negative = glob.startswith(b"!")
    glob = glob[negative:]
    folders_only = glob.endswith(b"/")
    glob = glob.removesuffix(b"/")
    return IgnorePattern(glob, negative, folders_only) if glob else None


def _without_blanks(line: bytes) -> bytes:
    """Return a line without the blanks at its end, but for one behind a backslash."""
    kept = line.rstrip(b" ")
    backslashes = len(kept) - len(kept.rstrip(b"\\"))
    return kept + b" " if backslashes % 2 and len(kept) < len(line) else kept


# ── globs as regular expressions ────────────────────────────────────────────────────────────


def glob_expression(glob: bytes) -> bytes:
    """Return the regular expression of a glob, for `re.match` with `re.DOTALL`.

    Each `*` and each `**` is followed by an atomic group, but for the last one: no more than one
    way to match is tried for what stands before it.
    """
    # As git does it, the part before the first special sign is compared by itself, so that `**`
    # counts as a path's own part also where that part ends in mid-name.
    special = _SPECIAL.search(glob)
    start = len(glob) if special is None else special.start()
    try:
        parts = _parts(glob[start:])
    except ValueError:
        return _NEVER
    if sum(part != b"*" for part in parts) + start > MAX_SIGNS:
        return _NEVER
    return re.escape(glob[:start]) + _across_folders(_split(parts, b"/")) + rb"\Z"


def _parts(glob: bytes) -> list[bytes]:
    """Return the parts of a glob: ``*``, ``/``, or the expression of one byte.

    Raises:
        ValueError: It cannot match anything.
    """
    parts: list[bytes] = []
    at = 0
    while at < len(glob):
        sign = glob[at : at + 1]
        at += 1
        if sign == b"[":
            part, at = _bracket(glob, at)
            parts.append(part)
        elif sign == b"\\":
            if at == len(glob):
                raise ValueError("a backslash at the end escapes nothing")
            escaped = glob[at : at + 1]
            if escaped == b"/" and _is_any_depth(_split(parts, b"/")[-1]):
                parts += (b"/", b"*")  # after this slash, `**` stands for one folder at least
            parts.append(re.escape(escaped))
            at += 1
        elif sign == b"?":
            parts.append(b"[^/]")
        elif sign == b"*":
            parts.append(b"*")
        else:
            parts.append(b"/" if sign == b"/" else re.escape(sign))
    return parts


def _bracket(glob: bytes, at: int) -> tuple[bytes, int]:
    """Return the expression of the brackets whose inside begins at ``at``, and where they end.

    Raises:
        ValueError: They do not end, or name a class that there is not.
    """
    negative = glob[at : at + 1] in (b"!", b"^")
    at += negative
    allowed: set[int] = set()
    before, first = 0, True
    while first or glob[at : at + 1] != b"]":
        first = False
        sign, at = _byte(glob, at)
        if sign == ord("[") and glob[at : at + 1] == b":" and (end := glob.find(b"]", at)) > 0:
            if end > at + 1 and glob[end - 1 : end] == b":":
                allowed |= _class(glob[at + 1 : end - 1])
                before, at = 0, end + 1
                continue
        elif sign == ord("-") and before and glob[at : at + 1] not in (b"", b"]"):
            last, at = _byte(glob, at + glob.startswith(b"\\", at))
            allowed.update(range(before, last + 1))
            before = 0
            continue
        elif sign == ord("\\"):
            sign, at = _byte(glob, at)
        allowed.add(sign)
        before = sign
    kept = (set(range(256)) - allowed if negative else allowed) - {_SLASH}
    if not kept:
        raise ValueError("brackets without a byte that may stand there")
    return b"[" + b"".join(rb"\x%02x" % byte for byte in sorted(kept)) + b"]", at + 1


def _byte(glob: bytes, at: int) -> tuple[int, int]:
    """Return the byte at a place and the place behind it.

    Raises:
        ValueError: There is none: brackets do not end.
    """
    if at >= len(glob):
        raise ValueError("brackets that do not end")
    return glob[at], at + 1


def _class(name: bytes) -> set[int]:
    """Return the bytes of a named class.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in _CLASSES:
        raise ValueError("brackets with an unknown class")
    expression = re.compile(b"[" + _CLASSES[name] + b"]")
    return {byte for byte in range(256) if expression.match(bytes([byte]))}


def _split(parts: list[bytes], separator: bytes) -> list[list[bytes]]:
    """Return the runs between the separators."""
    runs: list[list[bytes]] = [[]]
    for part in parts:
        if part == separator:
            runs.append([])
        else:
            runs[-1].append(part)
    return runs


def _is_any_depth(name: list[bytes]) -> bool:
    """Return whether the parts between two slashes are ``**``, or more stars."""
    return len(name) > 1 and all(part == b"*" for part in name)


def _across_folders(names: list[list[bytes]]) -> bytes:
    """Return the expression of a glob, given as the names between its slashes."""
    groups: list[list[bytes]] = [[]]  # of names, between one `**` and the next
    for name in names:
        if _is_any_depth(name):
            groups.append([])
        else:
            groups[-1].append(_within_folder(name))
    if len(groups) == 1:
        return b"/".join(groups[0])
    head, *inner, tail = groups
    expression = b"".join(name + b"/" for name in head)
    for group in inner:
        if group:
            expression += rb"(?>(?:[^/]*/)*?" + b"".join(name + b"/" for name in group) + b")"
    return expression + (rb"(?:[^/]*/)*?" + b"/".join(tail) if tail else b".*")


def _within_folder(name: list[bytes]) -> bytes:
    """Return the expression of a glob without slashes."""
    head, *rest = (b"".join(run) for run in _split(name, b"*"))
    rest = [run for run in rest[:-1] if run] + rest[-1:]  # many stars in a row are one
    if not rest:
        return head
    *inner, tail = rest
    return head + b"".join(rb"(?>[^/]*?" + run + b")" for run in inner) + rb"[^/]*" + tail
