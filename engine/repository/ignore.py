"""Tells which files of a repository git ignores, and lists the others.

Reads only rule files and folders; knows nothing of what the files are for.
"""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

__all__ = ["IgnoreRules", "list_files"]

_log = logging.getLogger(__name__)

_GIT = ".git"


class IgnoreRules:
    """The ignore rules that git applies below ``root``.

    They come from every ``.gitignore`` on the way down, ``.git/info/exclude`` and the user's
    default exclude file, with git's precedence: the deepest file decides, and in one file the
    last matching line.  Rule files are read once, until `forget`.  Any thread may ask.

    Args:
        root: The repository's top folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._outer: list[GitIgnoreSpec] | None = None

    def forget(self) -> None:
        """Forget the rules, so that the next question reads the files again."""
        self._specs.clear()
        self._outer = None

    def ignored(self, path: Path, *, is_dir: bool) -> bool:
        """Return whether ``path`` or a folder on the way to it is ignored; ``.git`` always is.

        Args:
            path: A path below the root.
            is_dir: Whether it is a folder, so that patterns with a slash at the end apply.
        """
        parts = path.relative_to(self.root).parts
        folder = self.root
        for index, name in enumerate(parts):
            last = index == len(parts) - 1
            if self.hidden_in(folder, name, is_dir=is_dir or not last):
                return True
            folder = folder / name
        return False

    def hidden_in(self, folder: Path, name: str, *, is_dir: bool) -> bool:
        """Return whether the entry ``name`` is ignored in a ``folder`` that is not."""
        if name == _GIT:
            return True
        suffix = "/" if is_dir else ""
        relative = name + suffix
        while True:
            spec = self._spec_of(folder)
            if spec is not None and (decision := spec.check_file(relative).include) is not None:
                return decision
            if folder == self.root:
                break
            relative = f"{folder.name}/{relative}"
            folder = folder.parent
        for spec in self._outer_specs():
            if (decision := spec.check_file(relative).include) is not None:
                return decision
        return False

    def _spec_of(self, folder: Path) -> GitIgnoreSpec | None:
        """Return the rules of one folder's ``.gitignore``; None if it has none."""
        if folder not in self._specs:
            self._specs[folder] = _read_spec(folder / ".gitignore")
        return self._specs[folder]

    def _outer_specs(self) -> list[GitIgnoreSpec]:
        """Return the rules outside the work tree, the stronger first."""
        if self._outer is None:
            base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
            places = (_git_dir(self.root) / "info" / "exclude", Path(base) / "git" / "ignore")
            self._outer = [spec for place in places if (spec := _read_spec(place)) is not None]
        return self._outer


def list_files(rules: IgnoreRules, limit: int = 50_000) -> Iterator[Path]:
    """Yield the files that are not ignored, folder by folder, in name order.

    Args:
        rules: The repository.
        limit: At most this many files, so that a home folder cannot take minutes.
    """
    count = 0
    for where, folders, files in os.walk(rules.root):
        folder = Path(where)
        folders[:] = sorted(
            name for name in folders if not rules.hidden_in(folder, name, is_dir=True)
        )
        for name in sorted(files):
            if rules.hidden_in(folder, name, is_dir=False):
                continue
            yield folder / name
            count += 1
            if count >= limit:
                return


def _read_spec(path: Path) -> GitIgnoreSpec | None:
    """Return the patterns of a rule file; None if it is absent, unreadable or empty."""
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError:
        return None
    # Not splitlines: a form feed or U+2028 is a character of a name, as in git.
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    spec = GitIgnoreSpec([pattern for line in lines for pattern in _patterns(line)])
    return spec if len(spec) else None


def _patterns(line: str) -> Sequence[GitIgnoreSpecPattern]:
    """Return the pattern of one line as a list, empty if git gives the line no meaning."""
    try:
        return list(GitIgnoreSpec.from_lines([line]).patterns)
    except (ValueError, re.error) as error:
        _log.info("a line with an ignore rule is skipped: %s", error)
        return []


def _git_dir(root: Path) -> Path:
    """Return the folder that holds ``info/exclude``; a linked work tree uses the main one's."""
    git = root / _GIT
    if not git.is_file():
        return git
    try:
        line = git.read_text(encoding="utf-8").strip()
        own = (root / line.removeprefix("gitdir:").strip()).resolve()
        common = own / "commondir"
        return (own / common.read_text(encoding="utf-8").strip()) if common.exists() else own
    except (OSError, UnicodeDecodeError):
        return git
