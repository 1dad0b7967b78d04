"""Write the tree of folders in CONTRIBUTING.md: a line per folder, from its package's docstring.

``python scripts/folder_tree.py`` does it; `tests/test_docs.py` fails when it is out of date.
Standard library only.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["render", "replace_tree"]

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- folders: scripts/folder_tree.py writes them -->\n```text\n"
END = "```\n<!-- end of folders -->"

PACKAGES = ("tui", "engine")
OTHERS = {
    "weights": "The bundled model: data, model card, checksums",
    "tests": "Mirrors the packages; tests/end_to_end drives the real app in a terminal",
    "scripts": "Set up, run, test, check, measure; scripts/train makes the bundled model",
}
"""Folders that are no package of the program, and what they hold."""

DEEPEST = 2
"""Levels shown below a top package."""
NAME_COLUMNS, LINE_COLUMNS = 16, 100
SHORTEST = 20
"""Characters that a clause must have to stand for its sentence."""


def render(root: Path) -> str:
    """Return the tree of ``root``, without the fence around it."""
    lines = [line for name in PACKAGES for line in _package(root / name, 0)]
    lines += [_line(name, 0, text) for name, text in OTHERS.items()]
    return "\n".join(lines) + "\n"


def replace_tree(document: str, tree: str) -> str:
    """Return ``document`` with ``tree`` between its two marks.

    Raises:
        ValueError: A mark is missing.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("CONTRIBUTING.md lacks the marks of its tree of folders")
    return before + begin + tree + end + after


def _package(folder: Path, depth: int) -> Iterator[str]:
    """Yield a line for the package in ``folder``, then the lines of its subpackages."""
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    room = LINE_COLUMNS - NAME_COLUMNS - 1
    yield _line(folder.name, depth, _short(docstring or "", room))
    if depth < DEEPEST:
        for inner in sorted(folder.glob("*/__init__.py")):
            yield from _package(inner.parent, depth + 1)


def _short(docstring: str, room: int) -> str:
    """Return the first sentence of a docstring, or its first clause where it is too long."""
    sentence = " ".join(docstring.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")
    if len(sentence) <= room:
        return sentence
    ends = (sentence.find(sign, SHORTEST) for sign in (": ", "; "))
    return sentence[: min((end for end in ends if end > 0), default=None)]


def _line(name: str, depth: int, text: str) -> str:
    """Return one line of the tree, its explanation in a column of its own."""
    return f"{'  ' * depth + name + '/':<{NAME_COLUMNS}} {text}".rstrip()


def main() -> None:
    """Write the tree into CONTRIBUTING.md."""
    document = ROOT / "CONTRIBUTING.md"
    old = document.read_text(encoding="utf-8")
    new = replace_tree(old, render(ROOT))
    if new != old:
        document.write_text(new, encoding="utf-8")
        print("CONTRIBUTING.md: tree of folders written", file=sys.stderr)


if __name__ == "__main__":
    main()
