"""Reads files of tasks: infilling tasks that bring tests, and situations with accepted answers.

Checks what is read; asks nobody anything.
"""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from engine.errors import TaskFileError
from engine.plain_files import read_plain

__all__ = [
    "EditTask",
    "InfillTask",
    "Situation",
    "draw_tasks",
    "read_edit_tasks",
    "read_infill_tasks",
    "read_situations",
]

_T = TypeVar("_T")

_SINGLE_LINE = "singleline"

MAX_BYTES = 256 * 1024 * 1024
"""A larger file, unpacked, is refused: a few bytes of gzip can become any number of them."""


@dataclass(frozen=True, slots=True)
class InfillTask:
    """A program with a hole and its tests, in the form of HumanEval-Infilling.

    Source:
        Bavarian et al., "Efficient training of language models to fill in the middle" (2022).
    """

    task_id: str
    prompt: str
    """Code before the hole."""
    suffix: str
    """Code after the hole."""
    test: str
    """Defines ``check``, which raises unless its argument does what it should."""
    entry_point: str
    """The function that ``check`` is called with."""
    canonical_solution: str | None = None
    """What stood in the hole, if the file tells."""

    @property
    def multi_line(self) -> bool:
        """Whether the hole may span lines: unless the task's name says ``SingleLine``."""
        return not self.task_id.lower().startswith(_SINGLE_LINE)

    def program(self, text: str) -> str:
        """Return the program with ``text`` in the hole, which raises unless the tests pass."""
        return f"{self.prompt}{text}{self.suffix}\n{self.test}\ncheck({self.entry_point})\n"


@dataclass(frozen=True, slots=True)
class Situation:
    """A cursor as a person would leave it, and which first lines help there."""

    name: str
    path: str
    """The file's path relative to its repository."""
    prefix: str
    suffix: str
    accept: tuple[re.Pattern[str], ...]

    def accepts(self, text: str) -> bool:
        """Say whether one of the expressions matches the whole first line, stripped."""
        first = text.strip().split("\n", 1)[0].strip()
        return any(pattern.fullmatch(first) for pattern in self.accept)


@dataclass(frozen=True, slots=True)
class EditTask:
    """Lines of a program, an instruction about them, and how to tell that it was followed."""

    name: str
    path: str
    text: str
    first: int
    last: int
    """The lines to edit, counted from 1; both belong to the range."""
    instruction: str
    test: str
    """Runs behind the edited program, whose text is in ``SOURCE``; raises unless it is right."""

    def program(self, edited: str) -> str:
        """Return the edited program with its test."""
        return f"{edited}\nSOURCE = {edited!r}\n{self.test}\n"


def read_edit_tasks(path: Path) -> tuple[EditTask, ...]:
    """Return the tasks of a file with a JSON list, perhaps compressed with gzip.

    Raises:
        TaskFileError: It cannot be read, or an item is no task.
    """
    return _all(path, (_edit_task(path, where, item) for where, item in _items(path)))


def read_infill_tasks(path: Path) -> tuple[InfillTask, ...]:
    """Return the tasks of a JSON-lines file, perhaps compressed with gzip.

    Raises:
        TaskFileError: It cannot be read, or a line is no task.
    """
    lines = _text(path).split("\n")  # not splitlines: U+2028 may stand in a string
    rows = ((f"line {number}", line) for number, line in enumerate(lines, 1) if line.strip())
    return _all(path, (_infill_task(path, where, _json(path, where, row)) for where, row in rows))


def read_situations(path: Path) -> tuple[Situation, ...]:
    """Return the situations of a file with a JSON list, perhaps compressed with gzip.

    Raises:
        TaskFileError: It cannot be read, or an item is no situation.
    """
    return _all(path, (_situation(path, where, item) for where, item in _items(path)))


def draw_tasks(tasks: tuple[_T, ...], count: int, seed: int) -> list[_T]:
    """Return ``count`` of the tasks in their order, or all; the same for the same seed."""
    if count >= len(tasks):
        return list(tasks)
    return [tasks[i] for i in sorted(Random(seed).sample(range(len(tasks)), count))]


def _text(path: Path) -> str:
    try:
        data = read_plain(path, MAX_BYTES)
        if data[:2] == b"\x1f\x8b":
            with gzip.open(BytesIO(data)) as packed:
                data = packed.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise TaskFileError(f"{path}: more than {MAX_BYTES:,} bytes of tasks")
        return data.decode("utf-8")
    except (EOFError, zlib.error) as error:
        raise TaskFileError(f"{path}: damaged gzip file ({error})") from error
    except OSError as error:
        raise TaskFileError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise TaskFileError(f"{path}: no UTF-8 text (byte {error.start})") from error


def _all(path: Path, tasks: Iterator[_T]) -> tuple[_T, ...]:
    found = tuple(tasks)
    if not found:
        raise TaskFileError(f"{path}: there is no task in it")
    return found


def _items(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (where it stands, item) of a JSON list."""
    items = _json(path, "", _text(path))
    if not isinstance(items, list):
        raise TaskFileError(f"{path}: a list is needed")
    yield from ((f"item {number}", item) for number, item in enumerate(items, 1))


def _json(path: Path, where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaskFileError(f"{path}: {where or 'the file'} is no JSON ({error})") from error


def _infill_task(path: Path, where: str, item: Any) -> InfillTask:
    field = _fields(path, where, item)
    solution = item.get("canonical_solution")
    return InfillTask(
        task_id=str(item.get("task_id", where)),
        prompt=field("prompt"),
        suffix=field("suffix"),
        test=field("test"),
        entry_point=field("entry_point"),
        canonical_solution=solution if isinstance(solution, str) else None,
    )


def _situation(path: Path, where: str, item: Any) -> Situation:
    field = _fields(path, where, item)
    accept = item.get("accept")
    if not isinstance(accept, list) or not all(isinstance(each, str) for each in accept):
        raise TaskFileError(f"{path}: {where}: 'accept' must be a list of regular expressions")
    try:
        patterns = tuple(re.compile(each) for each in accept)
    except (re.error, RecursionError, OverflowError) as error:
        raise TaskFileError(f"{path}: {where}: no regular expression: {error}") from error
    return Situation(field("name"), field("path"), field("prefix"), field("suffix"), patterns)


def _edit_task(path: Path, where: str, item: Any) -> EditTask:
    field = _fields(path, where, item)
    text, first, last = _joined(path, where, item, "text"), item.get("first"), item.get("last")
    if not (isinstance(first, int) and isinstance(last, int)) or not (
        1 <= first <= last <= text.count("\n") + 1
    ):
        raise TaskFileError(f"{path}: {where}: 'first' and 'last' must be lines of the text")
    test = _joined(path, where, item, "test")
    return EditTask(field("name"), field("path"), text, first, last, field("instruction"), test)


def _joined(path: Path, where: str, item: dict[str, Any], name: str) -> str:
    """Return a text that a file gives as the list of its lines."""
    lines = item.get(name)
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise TaskFileError(f"{path}: {where}: {name!r} must be a list of lines")
    return "\n".join(lines)


def _fields(path: Path, where: str, item: Any) -> Callable[[str], str]:
    """Return a reader of an object's texts."""
    if not isinstance(item, dict):
        raise TaskFileError(f"{path}: {where} is no object")

    def field(name: str) -> str:
        value = item.get(name)
        if not isinstance(value, str):
            raise TaskFileError(f"{path}: {where}: {name!r} is missing or no text")
        return value

    return field
