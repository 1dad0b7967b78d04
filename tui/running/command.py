"""The command that runs a file: the interpreter of its language, the repository's own first."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

__all__ = ["run_command"]

_VENVS = (".venv", "venv", "env")
_PROGRAMS = {
    "python": (("python3",), ("python",)),
    "bash": (("bash",), ("sh",)),
    "javascript": (("node",),),
    "go": (("go", "run"),),
    "java": (("java",),),
}
"""By language: the commands that can run it, the best first."""


def run_command(path: Path, language: str | None, root: Path) -> Sequence[str] | str:
    """Return the command that runs a file, or why there is none, for a person.

    Args:
        path: The file.
        language: Its language; None if it is not known.
        root: The repository; a Python environment in it is used.
    """
    if language == "python":
        own = (root / name / "bin" / "python" for name in _VENVS)
        python = next((each for each in own if os.access(each, os.X_OK)), None)
        if python is not None:
            return [str(python), str(path)]
    if language not in _PROGRAMS and os.access(path, os.X_OK):
        return [str(path)]
    if language is None or language not in _PROGRAMS:
        known = ", ".join(sorted(_PROGRAMS))
        return f"{path.name} cannot be run: it is no program, and none of {known}"
    for program, *options in _PROGRAMS[language]:
        found = shutil.which(program)
        if found is not None:
            return [found, *options, str(path)]
    wanted = " or ".join(each[0] for each in _PROGRAMS[language])
    return f"{path.name} cannot be run: {wanted} is not on this computer (PATH)"
