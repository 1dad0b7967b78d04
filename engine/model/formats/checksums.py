"""checksums.json: which bytes each file of a model folder must have.

Reads files and refuses those that are not the right ones; knows nothing of what is in them.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from engine.errors import WeightsError
from engine.plain_files import open_plain, read_plain

__all__ = [
    "CHECKSUMS_FILE",
    "RESTORE",
    "Checksums",
    "check_digest",
    "check_file_digest",
    "check_listed",
    "is_plain_name",
    "read_bytes",
    "read_checksums",
    "read_file",
]

CHECKSUMS_FILE = "checksums.json"

RESTORE = "restore it from the model's source"
"""What to do about a file that is not as it should be: the end of an error message."""

_LARGEST_FILE = 1 << 28
"""Bytes of a file that is read as a whole: the largest vocabularies have a seventh of it."""
_LARGEST_CHECKSUMS = 1 << 20
_LONGEST_NAME = 255
"""Bytes of a file's name, on every file system in use."""

Checksums = Mapping[str, str]
"""The sha256 of a folder's files by name, lower-case hexadecimal digits."""


def read_checksums(folder: Path) -> dict[str, str] | None:
    """Return the checksums of a model folder, or None without a checksums.json.

    Raises:
        WeightsError: checksums.json cannot be read or is not
            ``{"files": {name: 64 hexadecimal digits}}``.
    """
    path = folder / CHECKSUMS_FILE
    try:
        raw = json.loads(read_plain(path, _LARGEST_CHECKSUMS))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not valid JSON ({error}); {RESTORE}") from error
    files = raw.get("files") if isinstance(raw, dict) else None
    if not isinstance(files, dict) or not all(map(_is_checksum, files.items())):
        raise WeightsError(
            f'{path}: must be {{"files": {{name: sha256 as 64 hexadecimal digits}}}}; {RESTORE}'
        )
    return {name: digest.lower() for name, digest in files.items()}


def _is_checksum(entry: tuple[str, object]) -> bool:
    name, digest = entry
    hexadecimal = isinstance(digest, str) and set(digest.lower()) <= set("0123456789abcdef")
    return is_plain_name(name) and hexadecimal and len(str(digest)) == 64


def is_plain_name(name: str) -> bool:
    """Tell whether a name is one of a file in the model folder itself."""
    try:
        short = len(os.fsencode(name)) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False
    return short and name not in ("", ".", "..") and not set("/\\\0") & set(name)


def read_file(folder: Path, name: str, checksums: Checksums | None) -> bytes:
    """Return a file of a model folder, checked against its checksum if it has one.

    Raises:
        WeightsError: As `read_bytes` and `check_digest`.
    """
    path = folder / name
    data = read_bytes(path)
    check_digest(path, data, checksums)
    return data


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        WeightsError: The file is missing or unreadable.
    """
    try:
        return read_plain(path, _LARGEST_FILE)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; {RESTORE}") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error


def check_digest(path: Path, data: bytes, checksums: Checksums | None) -> None:
    """Refuse bytes that are not those the file's checksum belongs to.

    Raises:
        WeightsError: They differ; the message has the size, both checksums and what to do.
    """
    expected = None if checksums is None else checksums.get(path.name)
    if expected is not None:
        _compare(path, len(data), hashlib.sha256(data).hexdigest(), expected)


def check_file_digest(path: Path, checksums: Checksums | None) -> None:
    """Refuse a file that is not the one its checksum belongs to; reads it piece by piece.

    Raises:
        WeightsError: As `check_digest`, or the file cannot be read.
    """
    expected = None if checksums is None else checksums.get(path.name)
    if expected is None:
        return
    try:
        with open_plain(path) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    _compare(path, path.stat().st_size, found, expected)


def _compare(path: Path, size_bytes: int, found: str, expected: str) -> None:
    if found != expected:
        raise WeightsError(
            f"{path}: altered or incomplete: sha256 of its {size_bytes} bytes is {found}, "
            f"{CHECKSUMS_FILE} expects {expected}; {RESTORE}"
        )


def check_listed(folder: Path, name: str, checksums: Checksums | None) -> None:
    """Refuse checksums that leave out a file, such as one with weights.

    Raises:
        WeightsError: There are checksums, and none of this file.
    """
    if checksums is not None and name not in checksums:
        raise WeightsError(f"{folder / CHECKSUMS_FILE}: has no entry for {name}; {RESTORE}")
