"""A text that is typed key by key, with the editor's indentation.  Knows no engine and no clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from engine.protocol.completion import PREFIX_CHARACTERS, SUFFIX_CHARACTERS
from tui.assist.cursor_place import CursorPlace
from tui.assist.ghost import rest_after
from tui.code.indentation import after_enter, indent_unit, leading

__all__ = ["LANGUAGES", "Page", "open_page", "stretches"]

LANGUAGES = {".py": "python", ".js": "javascript"}

_ACCEPT_CHARACTERS = 3
"""A shorter suggestion is typed: that takes hardly more keys."""


@dataclass
class Page:
    """A file as it grows; ``target`` is what remains to be typed behind ``before``."""

    path: str
    language: str | None
    before: str
    target: str
    below: str
    unit: str
    ghost: str = ""
    """What is shown at the cursor."""
    _right: int = 0
    """Right suggestions so far: every second one is accepted, the others are typed."""
    _typing: bool = False
    """Whether the ghost text is one that is typed although it is right."""

    @property
    def place(self) -> CursorPlace:
        """The cursor, as suggestions see it."""
        return CursorPlace(
            self.path,
            self.language,
            self.before[-PREFIX_CHARACTERS:],
            self.below[:SUFFIX_CHARACTERS],
        )

    def show(self, text: str) -> None:
        """Show a text at the cursor, in place of what is shown there."""
        self.ghost = text

    def press(self) -> str:
        """Press the next key; return its kind: ``character``, ``enter`` or ``accept``.

        A right suggestion is accepted with Tab every second time, else typed through.
        """
        if self._is_accepted():
            self._insert(self.ghost)
            return "accept"
        if self.target[0] == "\n":
            self._enter()
            return "enter"
        self._insert(self.target[0])
        return "character"

    def _is_accepted(self) -> bool:
        ghost = self.ghost
        right = len(ghost.strip()) >= _ACCEPT_CHARACTERS and self.target.startswith(ghost)
        if not right:
            self._typing = False
            return False
        if self._typing:
            return False
        self._right += 1
        self._typing = self._right % 2 == 0
        return not self._typing

    def _insert(self, text: str) -> None:
        self.before += text
        self.target = self.target[len(text) :]
        self.ghost = rest_after(self.ghost, text) or ""

    def _enter(self) -> None:
        """Start a line with the indentation that it will have: the person corrects it at once."""
        left = self.before.rpartition("\n")[2]
        if left.isspace():
            self.before = self.before[: -len(left)]  # the editor leaves no line of spaces behind
        line = self.target[1:].partition("\n")[0]
        wanted = leading(line) if line.strip() else after_enter(left, self.unit)
        self.ghost = rest_after(self.ghost, "\n" + wanted) or ""
        self.before += "\n" + wanted
        self.target = self.target[1 + (len(wanted) if line.strip() else 0) :]


def open_page(path: Path, text: str, start: int, *, inside: bool) -> Page:
    """Return the page on which everything from an offset on is to be typed.

    Args:
        path: The file's name.
        text: The whole file.
        start: Where typing begins.
        inside: Whether the file's last third is there already, below the cursor's line.
    """
    end = _line_start(text, 2 * len(text) // 3) if inside else len(text)
    return Page(
        path.name,
        LANGUAGES.get(path.suffix),
        text[:start],
        text[start : end - inside],
        text[end - inside :],
        indent_unit(text.split("\n")),
    )


def stretches(files: list[Path], seed: int) -> Iterator[Page]:
    """Yield a page for each file; typing begins at a line in its second quarter.

    Every second page has text below the cursor.
    """
    for number, path in enumerate(files):
        text = path.read_text(encoding="utf-8")
        at = Random(f"{seed}/{path.name}").randrange(len(text) // 4, len(text) // 2)
        yield open_page(path, text, _line_start(text, at), inside=number % 2 == 1)


def _line_start(text: str, at: int) -> int:
    """Return the offset behind the line break before an offset."""
    return text.rfind("\n", 0, at) + 1
