"""ProgramPage: a TOML file whose sections and keys know their lines, for messages.

The standard library's reader keeps no lines, so they are looked up in the text: a section by its
header and number, a key behind it.
"""

from pathlib import Path
from typing import Any

from engine.errors import FabricProgramError

__all__ = ["ProgramPage", "Section"]

_BLOCKS = ("'''", '"""')


class ProgramPage:
    """The lines of a file.

    Args:
        path: Its name, for messages.
        text: Its content.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._lines = text.splitlines()

    def refusal(self, line: int, text: str) -> FabricProgramError:
        """Return the error of a line."""
        where = f"{self.path}, line {line}" if line else str(self.path)
        return FabricProgramError(f"{where}: {text}")

    def header(self, name: str, number: int) -> int:
        """Return the line of the section ``name``, the ``number``-th of them from 0 on; 0 if none.

        A section without a header is the head of the file.
        """
        headers = [
            line
            for line, text in enumerate(self._lines, 1)
            if text.split("#")[0].strip().replace(" ", "") in (f"[{name}]", f"[[{name}]]")
        ]
        return headers[number] if number < len(headers) else 0

    def key(self, name: str, header: int) -> int:
        """Return the line that sets a key behind a header; the header's own if none does."""
        for line in range(header + 1, len(self._lines) + 1):
            text = self._lines[line - 1].strip()
            if text.startswith("[") and header < line:
                break
            if text.split("=")[0].strip().strip("\"'") == name and "=" in text:
                return line
        return header

    def first_of_block(self, line: int) -> int:
        """Return the line with which the text of a key begins that is set in ``line``."""
        text = self._lines[line - 1].partition("=")[2].strip() if line else ""
        opens = text in _BLOCKS
        return line + 1 if opens else line


class Section:
    """One table of the file, whose keys must all be taken.

    Args:
        page: The file.
        name: The section's name, empty for the head of the file.
        values: What stands in it.
        number: Which of the sections of that name.
        line: The line of the whole section, where it is written in one; 0: it has a header.
    """

    def __init__(
        self, page: ProgramPage, name: str, values: Any, number: int = 0, line: int = 0
    ) -> None:
        self.page, self.name = page, name
        self._line = line
        self.line = line or (page.header(name, number) if name else 0)
        if not isinstance(values, dict):
            raise page.refusal(self.line, f"[{name}] must be a table")
        self._values: dict[str, Any] = dict(values)

    def at(self, key: str) -> int:
        """Return the line that sets a key."""
        return self._line or self.page.key(key, self.line)

    def refusal(self, key: str, text: str) -> FabricProgramError:
        """Return the error of a key."""
        return self.page.refusal(self.at(key), text)

    def take(self, key: str, default: Any = None) -> Any:
        """Return a key's value, which counts as read."""
        return self._values.pop(key, default)

    def whole(self, key: str, default: int | None, least: int, most: int) -> int:
        """Return a whole number.

        Raises:
            FabricProgramError: It is missing, none, or outside least … most.
        """
        value = self.take(key, default)
        if value is None:
            raise self.refusal(key, f"no `{key}`: write a whole number, {least} to {most:,}")
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refusal(key, f"{key} is {value!r}: a whole number, {least} to {most:,}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text.

        Raises:
            FabricProgramError: It is missing or none.
        """
        value = self.take(key, default)
        if not isinstance(value, str):
            raise self.refusal(key, f"no text `{key}`" if value is None else f"{key} is no text")
        return value

    def names(self) -> list[str]:
        """Return the keys that nobody has read."""
        return list(self._values)

    def close(self, known: str) -> None:
        """Refuse keys that nobody has read.

        Raises:
            FabricProgramError: There is one.
        """
        for key in self._values:
            place = f"[{self.name}]" if self.name else "the file"
            raise self.refusal(key, f"{place} has no {key!r}: known are {known}")
