"""The SRAM of the fullest core of a block and of the head, by use; what is too much is refused.

Bytes of one core, by formulas; where regions lie is not known here, and no address is assigned.
"""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.model.tensors.floats import FP32
from engine.wafer.ops.attention import HeadSplit, kv_bytes
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.shape import Shape, block_inputs, block_outputs, lies_on
from engine.wafer.program.geometry import Split
from engine.wafer.program.machine import MachineSpec

__all__ = ["block_fits", "block_sram", "block_weights", "head_sram", "head_weights"]


class _Cores(NamedTuple):
    """Cores of a block that hold alike, but for shares that do not come out even."""

    columns: range
    rows: range


class _Block:
    """The bytes of a block's cores.

    Args:
        model: The sizes.
        shape: That of the block.
        heads: How heads lie on its columns.
        context_length: KV rows to hold.
        layers: How many it has.
    """

    def __init__(
        self, model: ModelShape, shape: Shape, heads: HeadSplit, context_length: int, layers: int
    ) -> None:
        self._model, self._shape, self._heads, self._layers = model, shape, heads, layers
        self._positions = ceil(context_length / shape.rows)
        self._inputs = block_inputs(model, shape, heads)
        self._outputs = block_outputs(model, shape, heads)
        self._unpacked = max(
            model.formats.unpacked(role, self._outputs[role], lies)
            for role, lies in self._inputs.items()
        )

    def fullest(self, machine: MachineSpec) -> tuple[_Cores, dict[str, int]]:
        """Return those cores that hold most, and their bytes by use."""
        used = [(cores, self._used(machine, cores)) for cores in self._kinds()]
        return max(used, key=lambda each: each[1]["max_total"])

    def _kinds(self) -> list[_Cores]:
        """Return the cores that are told apart.

        Where heads are grouped, blocks are to fill a wafer: the west line with the norms, other
        columns with heads and columns without, and of their rows the north line with the angles.
        Elsewhere one core is taken to hold the largest share of everything.
        """
        everywhere = _Cores(range(self._shape.columns), range(self._shape.rows))
        if not self._shape.grouped:
            return [everywhere]
        columns = _cut(everywhere.columns, 1, self._heads.columns)
        return [_Cores(part, rows) for part in columns for rows in _cut(everywhere.rows, 1)]

    def _used(self, machine: MachineSpec, cores: _Cores) -> dict[str, int]:
        """Return the bytes by use of the fullest of ``cores``."""
        formats, has_heads = self._model.formats, cores.columns.start < self._heads.columns
        scores = 4 * self._heads.queries * self._positions if has_heads else 0
        angles = 4 * self._model.angles if cores.rows.start == 0 else 0  # on the north line
        return _sram(
            machine,
            weights=sum(self.weights(cores).values()),
            kv=self._layers * kv_bytes(self._heads, self._positions) if has_heads else 0,
            buffers=max(
                formats.input_bytes(role) * self._held(role, cores) for role in self._inputs
            )
            + max(self._results(role, cores) for role in self._inputs)
            + scores
            + angles
            + min(machine.unpack_bytes, self._unpacked),
        )

    def weights(self, cores: _Cores) -> dict[str, int]:
        """Return the bytes of all layers' weights by format in the fullest of ``cores``."""
        model, stream = self._model, self._held(Role.QKV, cores)
        vectors = model.vectors * stream if cores.columns.start == 0 else 0  # on the west line
        used = Counter({FP32.name: 4 * (vectors + ceil(model.biases / self._shape.columns))})
        for role, lies in self._inputs.items():
            inputs, _ = _lines(role, cores)
            here = self._outputs_of(role, cores)
            used.update(model.formats.bytes_by_format(role, here, lies, inputs))
        return {name: self._layers * size for name, size in used.items()}

    def _held(self, role: Role, cores: _Cores) -> int:
        """Return the most inputs of a product that one of ``cores`` takes."""
        inputs, _ = _lines(role, cores)
        return max(self._inputs[role].elements[inputs.start : inputs.stop])

    def _outputs_of(self, role: Role, cores: _Cores) -> tuple[NDArray[np.int64], ...]:
        """Return the most outputs of each tensor that one of ``cores`` has, int64 (1,) each."""
        _, outputs = _lines(role, cores)
        return tuple(
            each[outputs.start : outputs.stop].max(keepdims=True) for each in self._outputs[role]
        )

    def _results(self, role: Role, cores: _Cores) -> int:
        outputs = self._outputs_of(role, cores)
        return _result_bytes(self._model, role, outputs, self._inputs[role])


def _lines(role: Role, cores: _Cores) -> tuple[range, range]:
    """Return the cores of the line that a product's inputs lie along, and of its outputs'."""
    if role in (Role.QKV, Role.GATE_UP):
        return cores.rows, cores.columns
    return cores.columns, cores.rows


def _cut(cores: range, *at: int) -> list[range]:
    """Return a line cut in front of some of its cores, without empty pieces."""
    edges = [cores.start, *at, cores.stop]
    return [range(a, b) for a, b in pairwise(edges) if a < b]


def _result_bytes(
    model: ModelShape, role: Role, outputs: tuple[NDArray[np.int64], ...], inputs: Split
) -> int:
    """Return the bytes of a product's results in the fullest core.

    A core adds what it takes in to its own, so nothing received is kept apart; where a group spans
    cores, its int32 partial sums are.
    """
    most = int(np.sum(outputs, axis=0).max())
    return 4 * (most + (model.formats.partials(role, outputs) if inputs.span > 1 else 0))


def block_sram(
    model: ModelShape,
    machine: MachineSpec,
    shape: Shape,
    heads: HeadSplit,
    context_length: int,
    layers: int,
) -> dict[str, int]:
    """Return the bytes by use of the fullest core of a block of ``layers`` layers.

    Raises:
        PlacementError: They are more than a core has; says by how much and what would fit.
    """
    cores, used = _Block(model, shape, heads, context_length, layers).fullest(machine)
    if used["max_total"] > machine.sram_bytes:
        where = (
            f"a block of {shape.columns} × {shape.rows} cores with {layers} layers, core "
            f"({cores.columns.start}, {cores.rows.start})"
        )
        advice = _nearest_block(model, machine, shape, heads, context_length, layers, used)
        raise _too_small(where, used, machine, advice)
    return used


def block_fits(
    model: ModelShape,
    machine: MachineSpec,
    shape: Shape,
    heads: HeadSplit,
    context_length: int,
    layers: int,
) -> bool:
    """Return whether `block_sram` would not refuse a block."""
    _, used = _Block(model, shape, heads, context_length, layers).fullest(machine)
    return used["max_total"] <= machine.sram_bytes


def block_weights(
    model: ModelShape,
    machine: MachineSpec,
    shape: Shape,
    heads: HeadSplit,
    context_length: int,
    layers: int,
) -> dict[str, int]:
    """Return the bytes of weights by format in the core that `block_sram` tells of."""
    block = _Block(model, shape, heads, context_length, layers)
    cores, _ = block.fullest(machine)
    return block.weights(cores)


def head_weights(model: ModelShape, shape: Shape, hidden: Split) -> dict[str, int]:
    """Return the bytes of the head's weights by format in its fullest core."""
    outputs = np.array([ceil(model.vocabulary / shape.head_columns)])
    used = Counter({FP32.name: 4 * model.last_vectors * hidden.most_elements})
    for role in (Role.HEAD,) if model.tied else (Role.HEAD, Role.EMBED):
        used.update(model.formats.bytes_by_format(role, (outputs,), hidden))
    return dict(used)


def _nearest_block(
    model: ModelShape,
    machine: MachineSpec,
    shape: Shape,
    heads: HeadSplit,
    context_length: int,
    layers: int,
    used: dict[str, int],
) -> str:
    """Say which change of a block that is too small is the nearest one that fits."""
    spare = machine.sram_bytes - used["code"] - used["buffers"]
    per_layer = (used["weights"] + used["kv"]) // layers
    changes = []
    if fewer := max(0, min(layers - 1, spare // per_layer)):
        changes.append(f"{fewer} layers in a block ({ceil(model.layers / fewer)} blocks) would fit")
    without_kv = (
        used["max_total"] - used["kv"] - heads.queries * 4 * ceil(context_length / shape.rows)
    )
    a_row = layers * kv_bytes(heads, 1) + heads.queries * 4
    if used["kv"] and (positions := max(0, machine.sram_bytes - without_kv) // a_row):
        changes.append(f"a context of {positions * shape.rows:,} would fit")
    return ", ".join(changes) or "use more rows or columns"


def head_sram(model: ModelShape, machine: MachineSpec, shape: Shape) -> dict[str, int]:
    """Return the bytes by use of the fullest core of the head.

    Raises:
        PlacementError: They are more than a core has.
    """
    used = _head_bytes(model, machine, shape)
    if used["max_total"] <= machine.sram_bytes:
        return used
    low, high = shape.head_columns, model.vocabulary
    while low < high:
        middle = (low + high) // 2
        wider = _head_bytes(model, machine, replace(shape, head_columns=middle))
        low, high = (middle + 1, high) if wider["max_total"] > machine.sram_bytes else (low, middle)
    where = f"the head of {shape.head_columns} × {shape.rows} cores, core (0, 0)"
    raise _too_small(where, used, machine, f"{low:,} head columns would fit, or use more rows")


def _head_bytes(model: ModelShape, machine: MachineSpec, shape: Shape) -> dict[str, int]:
    hidden = lies_on(model, model.hidden, shape.rows)
    inputs = model.formats.input_bytes(Role.HEAD) * hidden.most_elements
    outputs = (np.array([ceil(model.vocabulary / shape.head_columns)]),)
    unpacked = model.formats.unpacked(Role.HEAD, outputs, hidden)
    return _sram(
        machine,
        weights=sum(head_weights(model, shape, hidden).values()),
        kv=0,
        buffers=inputs
        + _result_bytes(model, Role.HEAD, outputs, hidden)
        + 4 * model.angles
        + min(machine.unpack_bytes, unpacked),
    )


def _sram(machine: MachineSpec, *, weights: int, kv: int, buffers: int) -> dict[str, int]:
    used = {
        "code": machine.code_bytes,
        "weights": weights,
        "kv": kv,
        "buffers": buffers + machine.system_bytes,
    }
    return used | {"max_total": sum(used.values())}


def _too_small(
    where: str, used: dict[str, int], machine: MachineSpec, advice: str
) -> PlacementError:
    shares = ", ".join(f"{name} {size:,}" for name, size in used.items() if name != "max_total")
    return PlacementError(
        f"{where} needs {used['max_total']:,} bytes ({shares}), a core of {machine.name} has "
        f"{machine.sram_bytes:,}: {advice}"
    )
