"""Asks git where a repository is: its branch, what differs from the last commit, a file there.

Like `engine.repository.git` it runs nothing that a repository brings along: filters that its
configuration names are switched off for the question, and submodules are not looked into.  Where
one cannot be switched off, git is not asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.repository.git import ask_git

__all__ = ["FileChange", "GitState", "committed_bytes", "git_state"]

FileChange = Literal["added", "changed", "deleted"]

_MAX_CHANGES = 10_000
_MAX_BYTES = 16_000_000
"""A larger file of a commit is not read."""
_FILTER_PARTS = ("clean", "smudge", "process")


@dataclass(frozen=True, slots=True)
class GitState:
    """Where a repository is."""

    branch: str
    """Its name; the beginning of a commit's where none is checked out."""
    commit: str
    """The last commit; empty before the first."""
    changes: Mapping[str, FileChange]
    """What differs from it, by name relative to the folder that was asked about, with ``/``; a new
    folder stands for all that is in it, with ``/`` at its end."""


def git_state(folder: Path) -> GitState | None:
    """Return the state of the repository that a folder belongs to; None if git does not say.

    Raises:
        TimeoutError: Git took too long.
    """
    switches = _without_filters(folder)
    if switches is None:
        return None
    options = ["--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=all"]
    status = ask_git(folder, [*switches, "status", *options, "--no-renames", "--", "."])
    prefix = ask_git(folder, ["rev-parse", "--show-prefix"])
    if status is None or prefix is None:
        return None
    commit = _line(ask_git(folder, ["rev-parse", "-q", "--verify", "HEAD"]))
    branch = _line(ask_git(folder, ["symbolic-ref", "--short", "-q", "HEAD"])) or commit[:10]
    changes = _changes(status.decode("utf-8", "surrogateescape"), _line(prefix))
    return GitState(branch, commit, dict(changes))


def committed_bytes(folder: Path, name: str) -> bytes | None:
    """Return a file's content in the last commit, unfiltered; None if not there, or very large.

    Args:
        folder: A folder of the repository.
        name: Relative to it, with ``/``.

    Raises:
        TimeoutError: Git took too long.
    """
    blob = f"HEAD:./{name}"
    size = ask_git(folder, ["cat-file", "-s", blob])
    if size is None or int(size) > _MAX_BYTES:
        return None
    return ask_git(folder, ["cat-file", "blob", blob])


def _changes(status: str, prefix: str) -> Iterator[tuple[str, FileChange]]:
    """Yield the entries of a status below a folder of the repository."""
    for number, entry in enumerate(status.split("\0")[:-1]):
        if number == _MAX_CHANGES:
            return
        codes, name = entry[:2], entry[3:]
        if not name.startswith(prefix):
            continue
        kind: FileChange = "changed"
        if "?" in codes or "A" in codes:
            kind = "added"
        elif "D" in codes:
            kind = "deleted"
        yield name.removeprefix(prefix), kind


def _without_filters(folder: Path) -> list[str] | None:
    """Return options that switch off every filter of the configuration; None if there are none.

    For git the name of a setting ends at the first ``=`` of an option: a filter with that sign in
    its name would stay on.
    """
    answer = ask_git(folder, ["config", "-z", "--name-only", "--get-regexp", r"^filter\."])
    names = {
        each.removeprefix("filter.").rpartition(".")[0]
        for each in (answer or b"").decode("utf-8", "surrogateescape").split("\0")
        if each
    }
    if any("=" in name for name in names):
        return None
    settings = [f"filter.{name}.{part}=" for name in sorted(names) for part in _FILTER_PARTS]
    settings += [f"filter.{name}.required=false" for name in sorted(names)]
    return [word for setting in settings for word in ("-c", setting)]


def _line(answer: bytes | None) -> str:
    return (answer or b"").decode("utf-8", "replace").rstrip("\n")
