"""Finds the names that a file imports from other files of its repository."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

__all__ = ["ImportedName", "imports_of", "names_from_other_files"]

_SOURCE_FOLDERS = ((), ("src",), ("lib",))

Parts = tuple[str, ...]
"""A path or a dotted name, split at its separators."""


class ImportedName(NamedTuple):
    """A name that an import binds."""

    bound: str
    """In the importing file."""
    name: str
    """In the other file; empty: the whole file is bound."""
    file: str
    """The other file, relative to the root."""


def names_from_other_files(
    tree: ast.Module, path: str, repository: str, paths: frozenset[str]
) -> frozenset[str]:
    """Return the names that a file's imports bind to other files or to names in them.

    Args:
        tree: The parsed file.
        path: Its path relative to the root, with ``/``.
        repository: The name of the root's folder, which may itself be the package.
        paths: All Python files of the repository.
    """
    return frozenset(each.bound for each in imports_of(tree, path, repository, paths))


def imports_of(
    tree: ast.Module, path: str, repository: str, paths: frozenset[str]
) -> Iterator[ImportedName]:
    """Yield what a file's imports bind, as for `names_from_other_files`."""

    def elsewhere(module: Parts, *, relative: bool) -> str | None:
        places = [module] if relative else list(_places(module, repository))
        found = next((file for place in places if (file := _file(place, paths))), path)
        return None if found == path else found

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module, relative = _module(node, path), node.level > 0
            if module is None:
                continue
            for alias in node.names:
                inside = elsewhere((*module, alias.name), relative=relative)
                file = inside or elsewhere(module, relative=relative)
                if alias.name != "*" and file:
                    name = "" if inside else alias.name
                    yield ImportedName(alias.asname or alias.name, name, file)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if file := elsewhere(tuple(alias.name.split(".")), relative=False):
                    yield ImportedName(alias.asname or alias.name.partition(".")[0], "", file)


def _module(node: ast.ImportFrom, path: str) -> Parts | None:
    """Return the imported module, a relative one from the root; None if it lies above the root."""
    named = tuple(node.module.split(".")) if node.module else ()
    if not node.level:
        return named
    folders = PurePosixPath(path).parts[:-1]
    up = node.level - 1
    return None if up > len(folders) else (*folders[: len(folders) - up], *named)


def _places(module: Parts, repository: str) -> Iterator[Parts]:
    """Yield the places below the root where an absolute module may lie."""
    for folder in _SOURCE_FOLDERS:
        yield (*folder, *module)
    if module[:1] == (repository,):
        yield module[1:]


def _file(place: Parts, paths: frozenset[str]) -> str | None:
    """Return the file of a module; None if there is none."""
    candidates = ["/".join((*place, "__init__.py"))]
    if place:
        candidates.append("/".join(place) + ".py")
    return next((path for path in candidates if path in paths), None)
