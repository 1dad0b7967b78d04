"""The texts of a repository that a model may learn, and which of its files are held out.

Reads what `engine.repository` allows: never an ignored or private file.  All is read at once, so
that files that change later change nothing of a run.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import AdaptError
from engine.quality.corpus import is_generated
from engine.repository.readable_files import find_files, read_text
from engine.units import size_text

__all__ = ["LearnableFile", "RepositorySplit", "RepositoryTexts", "read_texts", "split"]

JUDGED_SHARE, WATCHED_SHARE = 0.2, 0.1
"""Of the text: held out to compare the models; held out to know when to stop."""
LARGEST_HELD_OUT = 0.4
"""A file with a larger share of the text is learnt: too little else would be left."""
COPIED_LINES = 0.25
"""A file with a larger share of its lines in held-out files is not learnt: it would tell them."""
LEAST_FILES = 3
LEAST_LEARNT_BYTES = 16_000
"""Assumed: from less than some 5,000 tokens nothing is learnt that the files around a cursor do not
tell already."""

_LONG_LINE = 20
"""Shorter lines stand in many files by chance."""


@dataclass(frozen=True, slots=True)
class LearnableFile:
    """One file, as `engine.packing` takes it."""

    package: str
    """The repository's name."""
    path: str
    text: str = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """Its length in UTF-8."""
        return len(self.text.encode())


@dataclass(frozen=True, slots=True)
class RepositoryTexts:
    """What was read."""

    root: Path
    files: tuple[LearnableFile, ...]
    left_out: int
    """Files too many; see `engine.repository.readable_files`."""


@dataclass(frozen=True, slots=True)
class RepositorySplit:
    """The files by what they are for; none is in two of them."""

    learnt: tuple[LearnableFile, ...]
    watched: tuple[LearnableFile, ...]
    """Held out: learning stops when these get worse."""
    judged: tuple[LearnableFile, ...]
    """Held out: nothing is decided by them but whether the result is kept."""
    copies: int
    """Files that are not learnt because held-out ones repeat them."""

    @property
    def held_out_digest(self) -> str:
        """Tells whether the same texts are held out as another time."""
        digest = hashlib.sha256()
        for file in (*self.watched, *self.judged):
            digest.update(repr((file.path, file.text)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def read_texts(
    root: Path, suffixes: Sequence[str], private_patterns: Sequence[str] = ()
) -> RepositoryTexts:
    """Read the files that may be learnt; of equal ones the first, of generated ones none."""
    found = find_files(root, suffixes, private_patterns)
    texts: dict[str, str] = {}
    for file in found.files:
        text = read_text(file)
        if text and text.strip() and _is_plain(file.name) and not is_generated(text):
            texts.setdefault(text, file.name)
    files = tuple(LearnableFile(root.name, name, text) for text, name in texts.items())
    return RepositoryTexts(root, files, found.left_out)


def _is_plain(name: str) -> bool:
    """Return whether a file's name is text; its bytes may be anything."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def split(texts: RepositoryTexts) -> RepositorySplit:
    """Hold files out, whole, by a hash of their names: the same files every time.

    Raises:
        AdaptError: There are too few files, or too little text.
    """
    count = len(texts.files)
    if count < LEAST_FILES:
        raise AdaptError(
            f"{texts.root} has {_counted(count)} that may be learnt; at least {LEAST_FILES} are "
            "needed, because whole files are held out to tell whether the model got better"
        )
    total = sum(file.size_bytes for file in texts.files)
    order = sorted(texts.files, key=lambda file: hashlib.sha256(file.path.encode()).digest())
    small = [file for file in order if file.size_bytes <= LARGEST_HELD_OUT * total]
    judged = _leading(small[:-1], JUDGED_SHARE * total)  # one is left to watch
    watched = _leading(small[len(judged) :], WATCHED_SHARE * total)
    held_out = {file.path for file in (*judged, *watched)}
    rest = [file for file in texts.files if file.path not in held_out]
    learnt = tuple(_no_copies(rest, (*judged, *watched)))
    if not judged or sum(file.size_bytes for file in learnt) < LEAST_LEARNT_BYTES:
        raise AdaptError(
            f"{texts.root} has {size_text(total)} of text in {_counted(count)}; beside what is "
            f"held out at least {size_text(LEAST_LEARNT_BYTES)} are needed to learn from"
        )
    return RepositorySplit(learnt, watched, judged, len(rest) - len(learnt))


def _counted(files: int) -> str:
    return {0: "no file", 1: "one file"}.get(files, f"{files} files")


def _leading(files: Sequence[LearnableFile], wanted_bytes: float) -> tuple[LearnableFile, ...]:
    """Return as many of the first files as have so much text, at least one if there is one."""
    total = 0
    for i, file in enumerate(files):
        if total >= wanted_bytes:
            return tuple(files[:i])
        total += file.size_bytes
    return tuple(files)


def _no_copies(
    files: Iterable[LearnableFile], held_out: Sequence[LearnableFile]
) -> Iterable[LearnableFile]:
    known = {line for file in held_out for line in _long_lines(file.text)}
    for file in files:
        lines = _long_lines(file.text)
        if sum(line in known for line in lines) <= COPIED_LINES * len(lines):
            yield file


def _long_lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.split("\n")) if len(line) >= _LONG_LINE]
