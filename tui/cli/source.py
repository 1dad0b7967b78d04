"""Reads the text that a command works on, from a file or standard input, and checks it."""

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from engine.plain_files import open_plain
from engine.repository.secret_files import secret_file
from tui.cli.failures import WrongCallError
from tui.cli.output import tell
from tui.files.repository import find_root
from tui.format import printable
from tui.settings import load_settings
from tui.user_folders import settings_file

__all__ = ["MAX_BYTES", "check_not_secret", "private_patterns", "read_source", "shown_path"]

MAX_BYTES = 64 * 1024 * 1024
"""Most of a file that a command reads."""


def read_source(path: Path, stdin: BinaryIO | None) -> str:
    """Return the text of ``path``, or of ``stdin`` where one is given.

    Raises:
        WrongCallError: There is no such file, or it is no UTF-8 text that may be used.
    """
    check_not_secret(path)
    data = _read_file(path) if stdin is None else stdin.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise WrongCallError(f"'{path}' is larger than {MAX_BYTES // 2**20} MB")
    if b"\0" in data:
        raise WrongCallError(f"'{path}' is a binary file; suggestions need text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongCallError(
            f"'{path}' is not valid UTF-8 (byte {error.start}); convert it to UTF-8 first"
        ) from error


def check_not_secret(path: Path) -> None:
    """Refuse a file that is private, or links to one that is.

    Raises:
        WrongCallError: The file, or what it links to, matches a pattern of secret files, or
            the person's own patterns cannot be known.
    """
    extra = private_patterns()
    pattern = secret_file(path, extra)
    if pattern is not None:
        raise WrongCallError(
            f"'{path}' may hold secrets ({pattern}); such files are never given to the model"
        )


def shown_path(path: Path) -> str:
    """Return the path as the model sees it: relative to the repository, with ``/``."""
    try:
        with suppress(FileNotFoundError, NotADirectoryError):  # a name for stdin need not exist
            path.parent.stat()  # refuses links in a circle, which `resolve` accepts from 3.13 on
        full = path.parent.resolve() / path.name
        return printable(full.relative_to(find_root(full.parent)))
    except OSError as error:
        raise WrongCallError(f"'{path}' cannot be opened: {error.strerror}") from error


def private_patterns() -> tuple[str, ...]:
    """Return the private patterns of the settings file; report its mistakes on stderr."""
    file = settings_file()
    loaded = load_settings(file)
    if not loaded.privacy_known:
        raise WrongCallError(
            f"your private patterns are unknown; repair {file}: {'; '.join(loaded.problems)}"
        )
    for problem in loaded.problems:
        tell(f"spark-tui: {file}: {problem}")
    return loaded.settings.privacy.extra_patterns


def _read_file(path: Path) -> bytes:
    """Return the bytes of a regular file."""
    try:
        with open_plain(path) as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise WrongCallError(f"'{path}' does not exist; with --stdin it need not") from error
    except IsADirectoryError as error:
        raise WrongCallError(f"'{path}' is a directory; name a file and a line") from error
    except OSError as error:
        raise WrongCallError(f"'{path}' cannot be read: {error.strerror}") from error
