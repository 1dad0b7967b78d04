"""Finds the names that a file imports from other files of its repository."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

__all__ = ["names_from_other_files"]

_SOURCE_FOLDERS = ((), ("src",), ("lib",))

Parts = tuple[str, ...]
"""A path or a dotted name, split at its separators."""


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

    def is_elsewhere(module: Parts, *, relative: bool) -> bool:
        places = [module] if relative else list(_places(module, repository))
        found = next((file for place in places if (file := _file(place, paths))), path)
        return found != path

    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module, relative = _module(node, path), node.level > 0
            if module is None:
                continue
            for alias in node.names:
                inside = is_elsewhere((*module, alias.name), relative=relative)
                if alias.name != "*" and (inside or is_elsewhere(module, relative=relative)):
                    names.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if is_elsewhere(tuple(alias.name.split(".")), relative=False):
                    names.add(alias.asname or alias.name.partition(".")[0])
    return frozenset(names)


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
