"""Tells why a file is not shown to a model that a person asks, or not sent anywhere."""

from collections.abc import Sequence
from pathlib import Path

from engine.errors import PromptError
from engine.repository.ignore import IgnoreRules
from engine.repository.privacy import is_secret
from engine.repository.secret_files import secret_file

__all__ = ["refuse_closed", "why_closed"]


def why_closed(
    name: str, repository: str | None, private_patterns: Sequence[str] = ()
) -> str | None:
    """Return why a file is private or ignored by git, in words; None: it is neither.

    Args:
        name: The file, relative to the repository; empty: no file.
        repository: Its folder; None: the name alone is judged.
        private_patterns: More patterns of private files, from a person's settings.
    """
    if not name:
        return None
    path = Path(repository or "", name)
    asked = is_secret if repository is None else secret_file
    pattern = asked(path, private_patterns)
    if pattern is not None:
        return f"{name} is private (it matches {pattern!r}) and never shown to a model"
    if repository is not None:
        root = Path(repository).resolve()
        inside = (root / name).is_relative_to(root) and ".." not in path.parts
        if inside and IgnoreRules(root).ignored(root / name):
            return f"{name} is ignored by git and not shown to a model"
    return None


def refuse_closed(name: str, repository: str | None, private_patterns: Sequence[str] = ()) -> None:
    """Raise an error if a file is private or ignored by git.

    Raises:
        PromptError: It is.
    """
    closed = why_closed(name, repository, private_patterns)
    if closed is not None:
        raise PromptError(closed)
