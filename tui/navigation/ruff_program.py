"""Finds the ruff that looks at Python files: one that the person chose, never a repository's own.

A repository can bring a program along, in a virtual environment or anywhere else, and looking at
code must run nothing of it.  A person chooses an environment by activating it, which sets
``VIRTUAL_ENV``, and a program by naming it in the settings; either may lie in the repository.  Else
the first ruff in ``PATH`` counts, unless it, or what it links to, lies in there.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.repository.git import nearest_top

__all__ = ["AUTOMATIC", "NO_RUFF", "RuffNotFoundError", "ruff_program"]

AUTOMATIC = "auto"
"""A setting: the activated environment's, or that of ``PATH``."""
NO_RUFF = "none"
"""A setting: none at all."""


class RuffNotFoundError(Exception):
    """The program that the settings name cannot be run; the message is one line for a person."""


def ruff_program(setting: str, root: Path, environment: Mapping[str, str]) -> str:
    """Return the path of the ruff to run; empty if there is none.

    Args:
        setting: `AUTOMATIC`, `NO_RUFF`, or a path.
        root: The repository, or a folder of it.
        environment: The person's.

    Raises:
        RuffNotFoundError: ``setting`` is a path, and no program is there.
    """
    if setting == NO_RUFF:
        return ""
    if setting != AUTOMATIC:
        named = Path(setting).expanduser()
        if not named.is_absolute() or not _runs(named):
            raise RuffNotFoundError(f"editor.ruff: {setting} is no program with a full path")
        return str(named)
    top = Path(os.path.realpath(nearest_top(root) or root))
    return next((str(each) for each in _chosen(environment, top) if _runs(each)), "")


def _chosen(environment: Mapping[str, str], top: Path) -> Iterator[Path]:
    """Yield where a ruff may lie, the best first; a relative folder may be a repository's."""
    active = environment.get("VIRTUAL_ENV", "")
    if os.path.isabs(active):
        yield Path(active, "bin", "ruff")
    for folder in environment.get("PATH", "").split(os.pathsep):
        found = Path(folder, "ruff")
        inside = any(
            Path(each).is_relative_to(top)
            for each in (os.path.realpath(folder), os.path.realpath(found))
        )
        if os.path.isabs(folder) and not inside:
            yield found


def _runs(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)
