"""The file tree in README.md: one line per file, taken from the head of the file itself.

``python scripts/readme_tree.py`` writes it; `tests/test_docs.py` fails when it is out of date.
Standard library only.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["render", "replace_tree"]

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- file tree: scripts/readme_tree.py writes it -->\n```text\n"
END = "```\n<!-- end of file tree -->"

FILES = {
    "pyproject.toml": "one distribution, three packages; all tool settings; import contracts",
    "README.md": "this page",
    "CONTRIBUTING.md": "set up, the gate, how to add an operation, a machine, a pane …",
    "CHANGELOG.md": "what users notice",
    "LICENSE": "Apache-2.0",
    ".ci/run": "the gate that every change passes",
    "tui/": "the terminal app and the command line",
    "engine/": "code generation and the emulated wafer; no screen",
    "weights/": "the bundled models: data, model cards, checksums",
    "tests/": "mirrors tui/ and engine/; tests/end_to_end drives the real app",
    "scripts/": "run, test, check, training, benchmarks, screenshots",
}
"""What the files and folders say that cannot say it themselves."""

LISTED = ("tui", "engine", "scripts")
"""Folders whose every file has a line; of the others only the first level is shown."""

SHALLOW = ("weights", "tests")
SUFFIXES = (".py", ".tcss", ".sh", ".md", ".svg", "")
SHORTEST = 24


def render(root: Path) -> str:
    """Return the tree of ``root``, without the fence around it."""
    lines = [_line(name, 0, FILES[name]) for name in FILES if not name.endswith("/")]
    for top in LISTED:
        lines += ["", _line(f"{top}/", 0, FILES[f"{top}/"]), *_folder(root, root / top, 1)]
    for top in SHALLOW:
        lines += ["", _line(f"{top}/", 0, FILES[f"{top}/"]), *_first_level(root, root / top)]
    return "\n".join(lines) + "\n"


def replace_tree(readme: str, tree: str) -> str:
    """Return ``readme`` with ``tree`` between its two marks.

    Raises:
        ValueError: A mark is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("README.md lacks the marks of its file tree")
    return before + begin + tree + end + after


def _folder(root: Path, folder: Path, depth: int) -> Iterator[str]:
    """Yield a line for every file in ``folder``, then its subfolders with theirs."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__pyc")))
    for path in entries:
        if path.is_file() and path.suffix in SUFFIXES and path.name != "__init__.py":
            yield _line(path.name, depth, _head(root, path))
    for path in entries:
        if path.is_dir() and any(path.rglob("*.*")):
            package = path / "__init__.py"
            yield _line(f"{path.name}/", depth, _head(root, package) if package.exists() else "")
            yield from _folder(root, path, depth + 1)


def _first_level(root: Path, folder: Path) -> Iterator[str]:
    """Yield a line for every file and folder directly in ``folder``."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")):
            continue
        if path.is_dir():
            if any(path.rglob("*.*")):
                yield _line(f"{path.name}/", 1, "")
        else:
            yield _line(path.name, 1, _head(root, path))


def _head(root: Path, path: Path) -> str:
    """Return what ``path`` says of itself in its first lines, cut to one clause."""
    known = FILES.get(path.relative_to(root).as_posix())
    if known is not None:
        return known
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        first = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
    elif path.suffix == ".md":
        first = text.partition("\n")[0].lstrip("# ")
    elif path.suffix == ".svg":
        first = "picture for the README"
    else:
        comments = [
            line.strip(" /*#") for line in text.splitlines()[:3] if not line.startswith("#!")
        ]
        first = comments[0] if comments else ""
    return _clause(" ".join(first.split()))


def _clause(sentence: str) -> str:
    """Return the first clause of ``sentence`` that is long enough to say something."""
    for index in range(SHORTEST, len(sentence) - 1):
        if sentence[index] in ".:;" and sentence[index + 1] == " ":
            return sentence[:index]
    return sentence.rstrip(".")


def _line(name: str, depth: int, text: str) -> str:
    """Return one line of the tree, its explanation in a column of its own."""
    return f"{'  ' * depth + name:<28} {text}".rstrip()


def main() -> None:
    """Write the tree into README.md."""
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = replace_tree(old, render(ROOT))
    if new != old:
        readme.write_text(new, encoding="utf-8")
        print("README.md: file tree written", file=sys.stderr)


if __name__ == "__main__":
    main()
