"""Program: a compiled model as plain tables; save, load, list, hash.

Made by the compiler, read by everything else: the fast tier runs it, the cycle tier will
simulate it, the panes draw it.  Knows nothing of how it was made.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.scalars import ACTIVATIONS
from engine.wafer.program.isa import FIELDS, Field, Op
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "MAX_ROWS",
    "SCHEMA_VERSION",
    "Activation",
    "Attention",
    "Buffer",
    "Matrix",
    "Norm",
    "Program",
    "Region",
    "Rotary",
    "Scaling",
]

SCHEMA_VERSION = 5
"""Raised with every change of what a table means."""

_NO_PART_OF_A_PROGRAM = ("clock_ghz", "host_bytes_per_second", "host_round_trip_microseconds")

MAX_ROWS = 64
"""Rows of one step at most: what every tier makes room for."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of cores with one job, its north-west corner at column ``x``, row ``y``."""

    label: str
    x: int
    y: int
    width: int
    height: int
    layers: tuple[int, ...]
    """Layers that lie here; empty for the head."""
    sram_bytes: dict[str, int]
    """The fullest core by use: code, weights, kv, buffers, max_total."""
    flipped: bool = False
    """True in a band that runs west: row r lies at ``y + height − 1 − r``."""
    wafer: int = 0
    """Number of the wafer; coordinates count on each wafer from its own corner."""
    folds: bool = False
    """True: lanes that go on to another band turn over the columns of their own one."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """A value of one row of a step: ``width`` fp32 numbers."""

    name: str
    width: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight matrix (N, K) as the chip holds it: tensors that share their input, stacked along N.

    A vector (a norm's, a bias) is one of N = 1; those that lie side by side are joined along K.
    """

    tensors: tuple[str, ...]
    formats: tuple[str, ...]
    """Weight format of each tensor: a key of `engine.model.tensors.FORMATS`."""
    widths: tuple[int, ...]
    """Outputs of each tensor; (1,) for vectors."""
    inputs: int

    @property
    def outputs(self) -> int:
        """Outputs of all tensors, N."""
        return sum(self.widths)


@dataclass(frozen=True, slots=True)
class Norm:
    """A kind of norm."""

    kind: str
    """``"rms"``, or ``"layer"``, which takes the mean away first."""
    eps: float
    heads: tuple[int, ...] = ()
    """Heads normed one by one, of each of the vectors that lie side by side (queries, keys); none:
    the whole value."""


@dataclass(frozen=True, slots=True)
class Rotary:
    """A kind of rotary embedding; its angles travel with the row beside those of the others."""

    kind: str
    """``"half"``: pairs (i, i + D/2)."""
    base: float
    head_dim: int
    factors: tuple[float, ...] = ()
    """D/2 divisors of the angles; none: ones."""


@dataclass(frozen=True, slots=True)
class Attention:
    """A kind of attention: layers may differ in it."""

    kind: str
    """``"causal"``: a row sees the positions up to its own."""
    heads: int
    kv_heads: int
    head_dim: int
    scale: float
    """Factor of the scores."""
    window: int
    """Last positions that a row sees; 0: all."""
    softcap: float
    """Bound that scores approach; 0.0: none."""
    dim_parts: int
    """Cores that share a head; their parts of a score add up in one plain chain."""


@dataclass(frozen=True, slots=True)
class Activation:
    """A kind of activation."""

    kind: str
    """One of `ACTIVATIONS`."""
    gated: bool
    """Whether it is multiplied by a second half."""

    @property
    def number(self) -> int:
        """Its place in `ACTIVATIONS`."""
        return ACTIVATIONS.index(self.kind)


@dataclass(frozen=True, slots=True)
class Scaling:
    """Constants that a result, or the second operand of a sum, meets."""

    scale: float
    """A factor; 1.0 changes no bit."""
    softcap: float = 0.0
    """Bound that what was multiplied then approaches; 0.0: none."""


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions and the tables they point into.  Two Programs are the same if `hash` is."""

    model: str
    machine: MachineSpec
    context_length: int
    vocabulary: int
    layers: int
    instructions: NDArray[np.int64]
    """Shape (instructions, `isa.FIELDS`)."""
    regions: tuple[Region, ...]
    buffers: tuple[Buffer, ...]
    matrices: tuple[Matrix, ...]
    orders: tuple[ReduceOrder, ...]
    norms: tuple[Norm, ...]
    rotaries: tuple[Rotary, ...]
    attentions: tuple[Attention, ...]
    activations: tuple[Activation, ...] = ()
    scalings: tuple[Scaling, ...] = ()
    schema_version: int = field(default=SCHEMA_VERSION)

    @property
    def cores_used(self) -> int:
        """Cores of all regions."""
        return sum(region.width * region.height for region in self.regions)

    @property
    def kv_rows(self) -> int:
        """Rows of cores over which positions lie: position j in core row j mod this."""
        return self.regions[0].height

    @cached_property
    def hash(self) -> str:
        """The Program's name: 16 hexadecimal digits over all its tables and the machine.

        Not over the clock, which turns cycles into seconds, nor over the link to the host: they
        change no instruction.
        """
        tables = self._tables()
        for name in _NO_PART_OF_A_PROGRAM:
            del tables["machine"][name]
        return hashlib.sha256(_canonical(tables).encode()).hexdigest()[:16]

    def _tables(self) -> dict[str, Any]:
        tables = {
            name: value
            for name, value in self.__dict__.items()
            if name not in {"hash", "instructions", "machine"}
        }
        plain = {
            name: [asdict(item) for item in value] if isinstance(value, tuple) else value
            for name, value in tables.items()
        }
        return plain | {
            "machine": asdict(self.machine),
            "instructions": self.instructions.tolist(),
        }

    def save(self, path: Path) -> None:
        """Write the Program as one JSON document."""
        path.write_text(_canonical(self._tables()), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Program":
        """Read what `save` wrote.

        Raises:
            ValueError: The document has another schema version or another instruction set.
        """
        tables = json.loads(path.read_text(encoding="utf-8"))
        if tables["schema_version"] != SCHEMA_VERSION:
            raise ValueError(
                f"{path}: program schema {tables['schema_version']}, this engine reads "
                f"{SCHEMA_VERSION}; compile the model again"
            )
        for name, kind in _ENTRIES.items():
            tables[name] = tuple(kind(**_tuples(row)) for row in tables[name])
        tables["machine"] = MachineSpec(**tables["machine"])
        tables["instructions"] = np.array(tables["instructions"], np.int64)
        return cls(**tables)

    def listing(self) -> str:
        """Return the Program for people: one line per instruction, with its cycles."""
        header = (
            f"; {self.model} on {self.machine.name}: {len(self.instructions)} instructions, "
            f"{self.cores_used} cores, program {self.hash}\n"
            "; cycles = one row alone, from an aligned start + per KV row of all cores\n"
        )
        return header + "".join(
            f"{number:4d}  {self._line(row)}\n" for number, row in enumerate(self.instructions)
        )

    def _line(self, row: NDArray[np.int64]) -> str:
        def name(field_: Field) -> str:
            index = int(row[field_])
            return self.buffers[index].name if index >= 0 else "-"

        weight, order = int(row[Field.WEIGHT]), int(row[Field.ORDER])
        notes = []
        if weight >= 0:
            matrix = self.matrices[weight]
            notes.append(f"{matrix.inputs}×{matrix.outputs}")
        if order >= 0:
            notes.append(f"order {self.orders[order].parts}/{self.orders[order].group}")
        if row[Field.COUNT]:
            notes.append(f"count {row[Field.COUNT]}")
        if row[Field.BIAS] >= 0:
            notes.append("bias")
        if row[Field.VARIANT] >= 0:
            notes += self._notes(Op(row[Field.OP]), int(row[Field.VARIANT]))
        return (
            f"{Op(row[Field.OP]).name.lower():9s} {self.regions[row[Field.REGION]].label:9s} "
            f"{name(Field.SOURCE):>19s} → {name(Field.TARGET):19s} {' '.join(notes):30s} "
            f"{row[Field.CYCLES]:6d} + {row[Field.CYCLES_KV]}"
        )

    def _notes(self, op: Op, variant: int) -> list[str]:
        """Say what is unusual about a kind of operation."""
        if op == Op.NORM:
            return ["layer"] if self.norms[variant].kind == "layer" else []
        if op == Op.ATTENTION:
            seen = self.attentions[variant]
            window = [f"window {seen.window}"] if seen.window else []
            return window + ([f"cap {seen.softcap:g}"] if seen.softcap else [])
        if op == Op.GATE:
            active = self.activations[variant]
            return [] if active == Activation("silu", True) else [active.kind]
        if op in (Op.EMBED, Op.MATMUL, Op.ADD):
            scaling = self.scalings[variant]
            cap = [f"cap {scaling.softcap:g}"] if scaling.softcap else []
            return [f"× {scaling.scale:g}", *cap]
        return []

    def __post_init__(self) -> None:
        """Refuse an instruction table of another instruction set.

        Raises:
            ValueError: It has other columns, or an operation that this engine does not know.
        """
        if self.instructions.ndim != 2 or self.instructions.shape[1] != FIELDS:
            raise ValueError(
                f"instruction table of shape {self.instructions.shape}; it must be (n, {FIELDS})"
            )
        if unknown := set(self.instructions[:, Field.OP].tolist()) - set(Op):
            raise ValueError(
                f"operations {sorted(unknown)} in the instruction table; this engine knows 0 to "
                f"{max(Op)}: compile the model again"
            )


_ENTRIES: Mapping[str, Callable[..., Any]] = {
    "regions": Region,
    "buffers": Buffer,
    "matrices": Matrix,
    "orders": ReduceOrder,
    "norms": Norm,
    "rotaries": Rotary,
    "attentions": Attention,
    "activations": Activation,
    "scalings": Scaling,
}
"""What each table of a saved Program holds."""


def _canonical(tables: dict[str, Any]) -> str:
    """The same text for the same tables."""
    return json.dumps(tables, sort_keys=True, separators=(",", ":"))


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples they were."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
