"""Tells which files of a repository git ignores.

Git is asked.  Where it is not on this machine, or will not answer, its rule files are read and
applied as git does it.  Knows nothing of what the files are for.
"""

import logging
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from engine.repository.git import GIT, ignored_names, list_tree, nearest_top
from engine.repository.ignore_patterns import IgnorePattern, last_match, read_patterns

__all__ = ["IgnoreRules"]

_Answer = TypeVar("_Answer")
_FolderRules = tuple[tuple[int, list[IgnorePattern]], ...]
"""What applies in a folder, the strongest file first: patterns, and where the part of a path begins
that they are about."""

_log = logging.getLogger(__name__)

RULES = ".gitignore"
MAX_RULE_BYTES = 1_000_000
"""Of a rule file that we read ourselves; no person wrote a longer one."""


class IgnoreRules:
    """What git ignores below ``root``.

    In a repository inside another one only its own rules count.  Any thread may ask.

    Args:
        root: The repository's top folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._silent: set[Path | None] = set()  # repositories of which git lists nothing
        self._known: dict[Path, _FolderRules] = {}
        self._tops: dict[Path, Path | None] = {}

    def forget(self) -> None:
        """Forget what was read, so that the next question looks at the files again."""
        self._silent.clear()
        self._known.clear()
        self._tops.clear()

    def top_of(self, folder: Path) -> Path | None:
        """Return the top of the repository that a folder belongs to; None if there is none.

        A repository that ignores the whole root says nothing of what lies in it.
        """
        unknown = []
        while folder not in self._tops:
            unknown.append(folder)
            if os.path.lexists(folder / GIT) or folder == folder.parent:
                self._tops[folder] = folder if os.path.lexists(folder / GIT) else None
            elif folder == self.root:
                self._tops[folder] = self._top_around_root()
            else:
                folder = folder.parent
        found = self._tops[folder]
        self._tops |= dict.fromkeys(unknown, found)
        return found

    def _top_around_root(self) -> Path | None:
        """Return the top of the repository around the root, unless that ignores the root."""
        top = nearest_top(self.root.parent)
        if top is None:
            return None
        name = self.root.relative_to(top).as_posix()
        try:
            hidden = ignored_names(top, [name])
        except TimeoutError as error:
            _log.warning("%s; its rule files are read instead", error)
            return top
        return None if hidden and name in hidden else top

    def shown(self, folder: Path, names: Iterable[str]) -> list[str]:
        """Return which entries of a folder that is not ignored are not, either.

        ``.git`` is never shown.
        """
        names = [name for name in names if name != GIT]
        hidden = self._hidden_by_git(folder, names)
        if hidden is None:
            return [name for name in names if not self._hidden_by_rules(folder, name)]
        return [name for name in names if name not in hidden]

    def ignored(self, path: Path) -> bool:
        """Return whether a path below the root, or a folder on the way to it, is ignored."""
        return bool(self.ignored_among([path]))

    def ignored_among(self, paths: Iterable[Path]) -> set[Path]:
        """Return those paths below the root that are ignored, or lie in an ignored folder."""
        found = set()
        groups: dict[Path | None, list[Path]] = {}
        for path in paths:
            if GIT in path.relative_to(self.root).parts:
                found.add(path)
            else:
                groups.setdefault(self.top_of(path.parent), []).append(path)
        for top, group in groups.items():
            found |= self._ignored_in(top, group)
        return found

    def _ignored_in(self, top: Path | None, paths: Sequence[Path]) -> set[Path]:
        """Return the ignored ones of paths in one repository."""
        hidden = None
        if top is not None:
            names = [path.relative_to(top).as_posix() for path in paths]
            folders = {path.parent for path in paths}
            hidden = self._ask_git(partial(ignored_names, top, names), top, *folders)
        if top is None or hidden is None:
            return {path for path in paths if self._hidden_on_the_way(path)}
        if top != self.root and top.is_relative_to(self.root) and self.ignored(top):
            return set(paths)  # a repository inside another one, which ignores it as a whole
        return {path for path in paths if path.relative_to(top).as_posix() in hidden}

    def list_by_git(self, folder: Path) -> list[str] | None:
        """Return the files that git lists below a folder, relative to it; None if it does not.

        Those of repositories inside are among them.
        """
        found = self._ask_git(partial(list_tree, folder), folder)
        if found is None:
            self._silent.add(self.top_of(folder))
            return None
        names, waiting = [], [("", found)]
        while waiting:
            place, found = waiting.pop()
            names += [place + name for name in found.files]
            for name in found.repositories:
                inner = folder / place / name
                # A submodule that is not there, or a link to elsewhere, holds nothing of ours.
                if os.path.lexists(inner / GIT) and not inner.is_symlink():
                    listed = self._ask_git(partial(list_tree, inner), inner)
                    if listed is not None:
                        waiting.append((f"{place}{name}/", listed))
        return names

    # ── git ─────────────────────────────────────────────────────────────────────────────────

    def _hidden_by_git(self, folder: Path, names: Sequence[str]) -> set[str] | None:
        """Return which names git hides in a folder; None if it does not say."""
        return self._ask_git(partial(ignored_names, folder, names), folder)

    def _ask_git(self, question: Callable[[], _Answer | None], *folders: Path) -> _Answer | None:
        """Return git's answer to a question about folders of one repository; None without one.

        Where it took too long once, it is not asked again.
        """
        top = self.top_of(folders[0])
        if top is None or top in self._silent or any(_has_pipe(each, top) for each in folders):
            return None
        try:
            return question()
        except TimeoutError as error:
            _log.warning("%s; its rule files are read instead", error)
            self._silent.add(top)
            return None

    # ── rule files ──────────────────────────────────────────────────────────────────────────

    def _hidden_on_the_way(self, path: Path) -> bool:
        """Return whether rule files hide a path or a folder on the way to it."""
        folder = self.root
        for name in path.relative_to(self.root).parts:
            if self._hidden_by_rules(folder, name):
                return True
            folder = folder / name
        return False

    def _hidden_by_rules(self, folder: Path, name: str) -> bool:
        """Return whether rule files hide an entry of a folder that they do not hide.

        The deepest file decides, and in one file the last line that fits.
        """
        rules = self._rules_for(folder)
        if not rules:
            return False
        place = os.path.join(folder, name)
        is_folder, path = _is_folder(place), os.fsencode(place)
        for start, patterns in rules:
            pattern = last_match(patterns, path[start:], is_folder=is_folder)
            if pattern is not None:
                return not pattern.negative
        return False

    def _rules_for(self, folder: Path) -> _FolderRules:
        """Return the rules that apply in a folder; each rule file is read once."""
        unknown = []
        while folder not in self._known:
            unknown.append(folder)
            if folder in (self.root, self.top_of(folder), folder.parent):
                break
            folder = folder.parent
        for each in reversed(unknown):
            outer = self._known[each.parent] if each is not folder else _outer_rules(each)
            self._known[each] = _with_file(each, each / RULES, outer, links=False)
        return self._known[unknown[0] if unknown else folder]


def _outer_rules(top: Path) -> _FolderRules:
    """Return the rules of a repository that are not in its work tree."""
    own = _with_file(top, _excludes_file(top), (), links=True)
    return _with_file(top, _git_dir(top) / "info" / "exclude", own, links=True)


def _with_file(folder: Path, file: Path, weaker: _FolderRules, *, links: bool) -> _FolderRules:
    """Return rules with those of a file, which are relative to a folder, before them."""
    patterns = read_patterns(_read_rule_file(file, links=links))
    start = len(os.fsencode(os.path.join(folder, "")))
    return ((start, patterns), *weaker) if patterns else weaker


def _is_folder(path: str) -> bool:
    """Return whether a path is a folder, and no link to one: as git sees it."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _has_pipe(folder: Path, top: Path) -> bool:
    """Return whether git would wait for ever, for somebody to write into a rule file's place."""
    between = [folder, *folder.parents][: len(folder.parts) - len(top.parts) + 1]
    return any(_is_pipe(each / RULES) for each in between)


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.lstat().st_mode)
    except OSError:
        return False


def _read_rule_file(path: Path, *, links: bool) -> bytes:
    """Return the beginning of a rule file; nothing if it is absent, unreadable or no file.

    Args:
        path: The rule file.
        links: Whether to follow a link; git does not in the work tree, which may be a stranger's.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if links else os.O_NOFOLLOW)
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return b""
            data = file.read(MAX_RULE_BYTES + 1)
    except (OSError, ValueError):
        return b""
    if len(data) > MAX_RULE_BYTES:
        _log.info("a file with ignore rules is longer than %d bytes", MAX_RULE_BYTES)
        data = data[: data.rfind(b"\n", 0, MAX_RULE_BYTES) + 1]
    return data


def _excludes_file(top: Path) -> Path:
    """Return the person's own rule file: ``core.excludesFile``, or where git looks without it.

    Reads the configuration files as far as that: without files that they include.
    """
    base = Path(os.environ.get("XDG_CONFIG_HOME") or _home(".config"))
    globally = os.environ.get("GIT_CONFIG_GLOBAL")
    own = [Path(globally)] if globally else [base / "git" / "config", Path(_home(".gitconfig"))]
    found = base / "git" / "ignore"
    for config in (*own, _git_dir(top) / "config"):
        named = _named_in(os.fsdecode(_read_rule_file(config, links=True)))
        found = found if named is None else Path(os.path.expanduser(named))
    return found


def _named_in(configuration: str) -> str | None:
    """Return the last ``core.excludesFile`` of a configuration file; None if it names none."""
    section, found = "", None
    for line in map(str.strip, configuration.split("\n")):
        key, _, value = map(str.strip, line.partition("="))
        if line.startswith("["):
            section = line[1:].partition("]")[0].strip().lower()
        elif (section, key.lower()) == ("core", "excludesfile"):
            inner, bare = value[1:].partition('"')[0], value.partition("#")[0].partition(";")[0]
            found = inner if value.startswith('"') else bare.strip()
    return found


def _home(name: str) -> str:
    """Return a path in the person's home folder, without failing where there is none."""
    return os.path.join(os.path.expanduser("~"), name)


def _git_dir(top: Path) -> Path:
    """Return the folder that holds ``info/exclude``; a linked work tree uses the main one's."""
    git = top / GIT
    line = os.fsdecode(_read_rule_file(git, links=True)).strip()
    if not line:
        return git
    try:
        own = (top / line.removeprefix("gitdir:").strip()).resolve()
    except (OSError, ValueError):
        return git
    common = os.fsdecode(_read_rule_file(own / "commondir", links=True)).strip()
    return own / common if common else own
