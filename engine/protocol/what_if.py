"""What-if: the same suggestion on a changed wafer, point by point over one parameter.

Both ends of the connection and ``--json`` use these types.  Depends on msgspec only.  Cycles are
**wafer** time, by the formulas of the emulated machine.
"""

from typing import Any

import msgspec

from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = [
    "WhatIfCurve",
    "WhatIfLine",
    "WhatIfPoint",
    "WhatIfQuestion",
    "WhatIfSetup",
    "WhatIfStep",
    "what_if_values",
]


class WhatIfSetup(msgspec.Struct, frozen=True):
    """A machine, its clock, and what is changed of it."""

    machine: str
    """A preset's name, or the path of a file that ends in ``.toml``."""
    clock_ghz: float
    changes: WaferChanges = UNCHANGED


class WhatIfStep(msgspec.Struct, frozen=True):
    """A step of the model that the suggestion took: as in `XrayStep`."""

    position: int
    rows: int
    logits: int
    used: int
    decode: bool


class WhatIfQuestion(msgspec.Struct, frozen=True):
    """What one process asks another to price."""

    model: str | None
    """A model's name, folder or file; None: the default."""
    setup: WhatIfSetup
    over: str
    """The parameter that takes every value it can; the others are as in ``setup``."""
    steps: list[WhatIfStep]


class WhatIfPoint(msgspec.Struct, frozen=True):
    """The suggestion on one machine."""

    label: str
    """The value for a person: ``"96 KiB"``."""
    value: float
    """On the curve's axis; of what has no measure, the number of the value."""
    setup: WhatIfSetup
    prompt_cycles: int = 0
    """Of the steps that read the prompt."""
    decode_cycles: int = 0
    """Of the steps that chose tokens."""
    cycles_by_operation: dict[str, int] = {}
    """Of all steps; sums to both together."""
    cores_used: int = 0
    block: tuple[int, int] = (0, 0)
    """(columns, rows) of a block of layers."""
    blocks: int = 0
    head_columns: int = 0
    sram_bytes: int = 0
    """Of the fullest core."""
    runs: bool = False
    """Whether a session can be opened so; else it is priced only."""
    refusal: str = ""
    """Why there are no cycles: what the model lacks there."""

    @property
    def cycles(self) -> int:
        """Of the whole suggestion."""
        return self.prompt_cycles + self.decode_cycles

    @property
    def microseconds(self) -> float:
        """Of the whole suggestion, at its clock; 0 where it does not fit."""
        return self.cycles / (self.setup.clock_ghz * 1e3)


class WhatIfCurve(msgspec.Struct, frozen=True):
    """A suggestion over one parameter, as far as it is priced."""

    over: str
    unit: str
    """Of the axis; empty where the values have no measure."""
    tokens: int
    """Tokens that the suggestion's steps chose."""
    prompt_rows: int
    """Rows of the prompt that its steps read: the rest was in the KV cache."""
    chosen: int
    """Index of the value of ``setup`` among all of them."""
    points: list[WhatIfPoint]
    """Those that are priced, in the axis' order."""
    total: int
    """Values in all."""

    @property
    def whole(self) -> bool:
        """Whether every value is priced."""
        return len(self.points) == self.total

    @property
    def best(self) -> WhatIfPoint | None:
        """The point with the least time; of equals the first.  None where none fits so far."""
        fits = [point for point in self.points if not point.refusal]
        return min(fits, key=lambda point: point.microseconds, default=None)


def what_if_values(curve: WhatIfCurve) -> dict[str, Any]:
    """Return a curve as plain values, with what follows from it: ``--json``."""
    best = curve.best
    found: dict[str, Any] = msgspec.to_builtins(curve)
    return found | {
        "best": None if best is None else best.label,
        "microseconds": [point.microseconds or None for point in curve.points],
    }


class WhatIfLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the program that prices: the curve so far, or what went wrong."""

    curve: WhatIfCurve | None = None
    error: str = ""
