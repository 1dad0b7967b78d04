"""Asks git which files of a repository there are, and which it ignores.

Runs nothing that a repository brings along: git reads its configuration, so what that may start is
switched off.  Each answer has a time limit, since a rule can keep git busy for ever; None says that
git gave none, for any other reason.
"""

import logging
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path, PurePosixPath
from time import monotonic

__all__ = ["GitFiles", "ask_git", "ignored_names", "list_tree", "nearest_top"]

_log = logging.getLogger(__name__)

GIT = ".git"
ANSWER_SECONDS = 3.0
"""A question about one folder; somebody looks at the screen meanwhile."""
LISTING_SECONDS = 8.0
"""A listing of the whole tree."""

_KEPT_VARIABLES = frozenset(
    {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES"}
)
"""Where the person's own settings are.  The others, as set in a hook, speak of another repository
than ours, or name files to write."""
RETRY_SECONDS = 300.0
"""So long git is not asked again in a folder where it took too long."""
_slow: dict[Path, float] = {}

_SUBMODULE = "160000"
_LINK = "120000"


@dataclass(frozen=True, slots=True)
class GitFiles:
    """What git lists below a folder; names are relative to it, with ``/``."""

    files: list[str]
    """Files that git does not ignore, and those that it keeps although a rule says so."""
    repositories: list[str]
    """Folders with a repository of their own, about which one must ask there."""


def list_tree(folder: Path) -> GitFiles | None:
    """Return the files below ``folder``, in the order of their names.

    Raises:
        TimeoutError: Git took too long.
    """
    arguments = ["ls-files", "-z", "-t", "-s", "-c", "-o", "-d", "--exclude-standard"]
    answer = ask_git(folder, arguments, seconds=LISTING_SECONDS)
    return None if answer is None else _listed(folder, answer)


def ignored_names(folder: Path, names: Sequence[str]) -> set[str] | None:
    """Return which paths, relative to a folder, git ignores, or a folder on the way to them.

    What a rule names, but git keeps, it does not ignore, nor a folder that holds such a file.

    Raises:
        TimeoutError: Git took too long.
    """
    if not names:
        return set()
    # As "./name", no name is taken for an option or for something else than itself.
    question = b"".join(b"./" + os.fsencode(name) + b"\0" for name in names)
    arguments = ["check-ignore", "-z", "--no-index", "--stdin"]
    answer = ask_git(folder, arguments, question, right=(0, 1))
    if answer is None:
        return None
    ignored = {name.removeprefix("./") for name in _split(answer)}
    if ignored:
        kept = ask_git(folder, ["ls-files", "-z", "-c", "-i", "--exclude-standard"])
        if kept is None:
            return None
        for name in _split(kept):
            ignored -= {name, *map(str, PurePosixPath(name).parents)}
    return ignored


def nearest_top(folder: Path) -> Path | None:
    """Return the nearest folder at or above ``folder`` that holds ``.git``; None if none does."""
    candidates = (folder, *folder.parents)
    return next((each for each in candidates if os.path.lexists(each / GIT)), None)


def _listed(folder: Path, answer: bytes) -> GitFiles:
    """Return what an answer of ``ls-files`` with tags and stages says."""
    present: dict[str, None] = {}
    repositories: dict[str, None] = {}
    gone = set()
    for entry in _split(answer):
        tag, rest = entry[0], entry[2:]
        if tag == "?":
            (repositories if rest.endswith("/") else present)[rest.removesuffix("/")] = None
            continue
        facts, _, name = rest.partition("\t")
        mode = facts.partition(" ")[0]
        if mode == _SUBMODULE:
            repositories[name] = None
        elif tag == "R" or (mode == _LINK and os.path.isdir(folder / name)):
            gone.add(name)
        elif tag != "S" or os.path.lexists(folder / name):  # S: left out of a sparse checkout
            present[name] = None
    return GitFiles(sorted(present.keys() - gone), sorted(repositories))


def _split(answer: bytes) -> Iterable[str]:
    """Return the names in an answer, each of which ends with NUL."""
    return map(os.fsdecode, answer.split(b"\0")[:-1])


def ask_git(
    folder: Path,
    arguments: Sequence[str],
    question: bytes = b"",
    *,
    seconds: float = ANSWER_SECONDS,
    right: Sequence[int] = (0,),
) -> bytes | None:
    """Return what git answers in a folder; None if it cannot or will not.

    Args:
        folder: Where to ask.
        arguments: The command.
        question: Its input.
        seconds: Time limit.
        right: Exit statuses of an answer.

    Raises:
        TimeoutError: It took too long.
    """
    program = _program(os.environ.get("PATH", os.defpath))
    if program is None:
        return None
    if _slow.get(folder, -inf) > monotonic() - RETRY_SECONDS:
        raise TimeoutError("git took too long a while ago")
    command = [program, "--no-pager", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environment(), input=question, capture_output=True,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        _slow[folder] = monotonic()
        raise TimeoutError(f"git gave no answer within {seconds} s") from error
    except (OSError, ValueError) as error:
        _log.info("git gave no answer: %s", type(error).__name__)
        return None
    return done.stdout if done.returncode in right else None


def _environment() -> dict[str, str]:
    """Return the environment of a git that starts no other program and writes nothing."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT_VARIABLES
    }
    return kept | {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_TERMINAL_PROMPT": "0",
    }


@lru_cache(maxsize=1)
def _program(path: str) -> str | None:
    """Return where git is; a relative folder in ``PATH`` is not searched, for it may be theirs."""
    folders = [folder for folder in path.split(os.pathsep) if os.path.isabs(folder)]
    return shutil.which("git", path=os.pathsep.join(folders)) if folders else None
