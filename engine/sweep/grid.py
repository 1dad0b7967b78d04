"""A grid of questions as a person writes it, and the points that it stands for.  Computes none.

A grid is a TOML file with lists; a point takes one value of each, the last list varying fastest::

    question = "plan"                     # plan, decode or simulate
    machines = ["wse3"]
    models = ["spark-nano", "config.json"]    # a path counts from the grid's folder
    contexts = [512, 1024]                # KV rows; 0: the model's own
    dtypes = ["model", "int8"]            # of all weights; "model": the file's own
    placements = ["auto", "8 blocks of 64x64", "64x64"]
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Literal

import msgspec

from engine.errors import EngineError
from engine.toml_files import parse_toml, read_toml_text

__all__ = ["Point", "SweepError", "read_grid"]

MOST_POINTS = 1_000_000
_LARGEST_FILE = 1 << 20
_PLACEMENT = re.compile(
    r"(?:(?P<blocks>\d{1,4}) blocks?)?(?: of )?(?:(?P<columns>\d{1,5})x(?P<rows>\d{1,5}))?"
)

Question = Literal["plan", "decode", "simulate"]


class SweepError(EngineError):
    """A grid makes no sense, or its results cannot be kept."""


class Point(msgspec.Struct, frozen=True, order=True):
    """One question of a grid."""

    question: Question
    machine: str
    model: str
    """As the grid names it; a path is absolute."""
    context: int
    """KV rows; 0: the model's own."""
    dtype: str
    placement: str
    clock_ghz: float | None = None

    @property
    def key(self) -> str:
        """Tells a point from others, also in another sweep."""
        return msgspec.json.encode(self, order="deterministic").decode()

    @property
    def blocks(self) -> int | None:
        """Blocks of layers; None: the planner's choice."""
        found = _placement(self.placement)["blocks"]
        return None if found is None else int(found)

    @property
    def block(self) -> tuple[int, int] | None:
        """Columns and rows of a block; None: the planner's choice."""
        found = _placement(self.placement)
        columns, rows = found["columns"], found["rows"]
        return None if columns is None or rows is None else (int(columns), int(rows))


class _Grid(msgspec.Struct, forbid_unknown_fields=True):
    models: tuple[str, ...]
    question: Question = "plan"
    machines: tuple[str, ...] = ("wse3",)
    contexts: tuple[int, ...] = (0,)
    dtypes: tuple[str, ...] = ("model",)
    placements: tuple[str, ...] = ("auto",)
    clock_ghz: float | None = None


def read_grid(file: Path) -> tuple[Point, ...]:
    """Return the points of a grid in their order, each once.

    Raises:
        SweepError: The file cannot be read, or a list in it makes no sense.
    """
    try:
        table = parse_toml(read_toml_text(file, _LARGEST_FILE))
        grid = msgspec.convert(table, _Grid)
    except msgspec.ValidationError as error:
        raise SweepError(f"{file}: {error}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SweepError(f"{file}: cannot be read: {reason}") from None
    _check(grid, file)
    return tuple(dict.fromkeys(_points(grid, file.resolve().parent)))


def _points(grid: _Grid, folder: Path) -> Iterator[Point]:
    lists = grid.machines, grid.models, grid.contexts, grid.dtypes, grid.placements
    for machine, model, context, dtype, placement in product(*lists):
        yield Point(
            grid.question, machine, _model(model, folder), context, dtype, placement, grid.clock_ghz
        )


def _model(text: str, folder: Path) -> str:
    """Return a model so that it means the same in every process."""
    with suppress(OSError, RuntimeError, ValueError):  # a name that no file can have is none
        path = folder / Path(text).expanduser()
        if path.exists():
            return str(path)
    return text


def _check(grid: _Grid, file: Path) -> None:
    """Refuse lists that are empty, or hold what nobody can mean.

    Raises:
        SweepError: One is.
    """
    lists: dict[str, tuple[object, ...]] = {
        "machines": grid.machines,
        "models": grid.models,
        "contexts": grid.contexts,
        "dtypes": grid.dtypes,
        "placements": grid.placements,
    }
    count = 1
    for name, values in lists.items():
        if not values:
            raise SweepError(f"{file}: {name} is empty; a point takes one value of it")
        count *= len(values)
    if count > MOST_POINTS:
        raise SweepError(f"{file}: {count:,} points; a grid has at most {MOST_POINTS:,}")
    if any(context < 0 for context in grid.contexts):
        raise SweepError(f"{file}: a context has at least 1 row, or 0 for the model's own")
    for text in grid.placements:
        _placement(text)


def _placement(text: str) -> dict[str, str | None]:
    """Return the parts of a placement's words.

    Raises:
        SweepError: They have another form.
    """
    match = _PLACEMENT.fullmatch("" if text == "auto" else text)
    if match is None or (text != "auto" and not text.strip()):
        raise SweepError(
            f'placement {text!r}: write "auto", "64x64", "8 blocks" or "8 blocks of 64x64"'
        )
    return match.groupdict()
