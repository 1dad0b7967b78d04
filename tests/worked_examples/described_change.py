"""Reads a change from a page of Markdown and applies it to a copy of the sources.

A heading ``### path`` opens a file.  A block of ``python`` is the whole of a new one; a block of
``diff`` has no line numbers: its unmarked lines and those marked ``-`` must stand in the file
exactly once.
"""

import re
from pathlib import Path

__all__ = ["apply", "read"]

_PART = re.compile(
    r"^### (?P<path>\S+)$|^```(?P<kind>python|diff)\n(?P<text>.*?)^```$", re.M | re.S
)


def read(page: str) -> dict[str, list[tuple[str, str]]]:
    """Return the blocks of each file by its path: (kind, text)."""
    blocks: dict[str, list[tuple[str, str]]] = {}
    path = ""
    for part in _PART.finditer(page):
        if part["path"]:
            path = part["path"]
            blocks[path] = []
        else:
            blocks[path].append((part["kind"], part["text"]))
    return blocks


def apply(blocks: dict[str, list[tuple[str, str]]], root: Path) -> None:
    """Write the change into the files below ``root``.

    Raises:
        ValueError: The lines that say where a block belongs are not in the file exactly once.
        FileExistsError: A file that should be new is there.
    """
    for path, parts in blocks.items():
        for kind, text in parts:
            if kind == "python":
                with (root / path).open("x", encoding="utf-8") as file:
                    file.write(text)
            else:
                _edit(root / path, text)


def _edit(file: Path, difference: str) -> None:
    lines = difference.splitlines(keepends=True)
    old, new = (
        "\n" + "".join(line[1:] or line for line in lines if line[0] != other) for other in "+-"
    )
    source = "\n" + file.read_text(encoding="utf-8")
    if (found := source.count(old)) != 1:
        raise ValueError(f"{file}: {found} places, not one, for this block:\n{difference}")
    file.write_text(source.replace(old, new)[1:], encoding="utf-8")
