"""A machine of somebody else as a TOML file: its published figures, checked.  Computes nothing.

A file in the folder ``machines`` is a peer that everybody has; a person names further ones.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from engine.errors import MachineError

__all__ = ["Peer", "bundled_peers", "read_peer"]

_FOLDER = Path(__file__).with_name("machines")

_MOST_BYTES = 1 << 16
"""A description is a few lines; more is another file by mistake."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The published figures of a machine that keeps a model in one memory beside its chip."""

    name: str
    memory_bytes: float
    """Capacity of that memory."""
    memory_bytes_per_second: float
    """Its published peak bandwidth."""
    sources: tuple[str, ...]
    """Where the figures stand: author, title, place."""
    operations_per_second: float | None = None
    """Published dense peak of the type that ``operation`` names; a multiply–accumulate is two.
    None: no such figure is published."""
    on_chip_bytes: float | None = None
    """Capacity of its largest cache or memory on the chip, in which a small model stays; None: no
    such figure is published."""
    operation: str = ""
    """The type of those operations: ``"int8"``, ``"bf16"``."""
    watts: float | None = None
    """Published power of board or package; None: it is not published."""


def bundled_peers() -> list[Peer]:
    """Return the peers that come with the program, in the order of their files' names."""
    return [read_peer(path) for path in sorted(_FOLDER.glob("*.toml"))]


def read_peer(path: Path) -> Peer:
    """Return the machine that a file describes.

    Args:
        path: A TOML file whose keys are the fields of `Peer`.

    Raises:
        MachineError: The file cannot be read, is no TOML, or a field is missing, unknown or no
            amount.
    """
    found = _table(path)
    known = {field.name for field in fields(Peer)}
    if unknown := sorted(found.keys() - known):
        raise MachineError(f"{path}: no peer has a field {unknown[0]!r}: known are {_list(known)}")
    needed = ("name", "memory_bytes", "memory_bytes_per_second", "sources")
    if missing := [name for name in needed if name not in found]:
        raise MachineError(f"{path}: {missing[0]!r} is missing: a peer has {_list(needed)}")
    for name in known - {"name", "sources", "operation"}:
        _check_amount(path, name, found.get(name, 1))
    for name in ("name", "operation"):
        if not isinstance(found.get(name, ""), str):
            raise MachineError(f"{path}: {name} is {found[name]!r}: it must be a text")
    if ("operations_per_second" in found) != bool(found.get("operation")):
        raise MachineError(f"{path}: operations_per_second and operation belong together")
    return Peer(**found | {"sources": _sources(path, found["sources"])})


def _table(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise MachineError(f"{path} is larger than {_MOST_BYTES:,} bytes: no peer is")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MachineError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise MachineError(f"{path} is no TOML: {error}") from error


def _check_amount(path: Path, name: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not isfinite(float(value)) or float(value) <= 0:  # type: ignore[arg-type]
        raise MachineError(f"{path}: {name} is {value!r}: it must be a finite number above 0")


def _sources(path: Path, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(e, str) for e in value):
        raise MachineError(f"{path}: sources must be a list of texts, and not empty")
    return tuple(value)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
