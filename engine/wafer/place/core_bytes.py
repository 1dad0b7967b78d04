"""The SRAM of the fullest core of a block and of the head, by use; what is too much is refused.

Bytes of one core, by formulas; where regions lie is not known here, and no address is assigned.
"""

from collections import Counter
from dataclasses import replace
from math import ceil

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

__all__ = ["block_sram", "block_weights", "head_sram", "head_weights"]


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
    inputs = block_inputs(model, shape, heads)
    outputs = block_outputs(model, shape, heads)
    positions = ceil(context_length / shape.rows)
    widest_input = max(
        model.formats.input_bytes(role) * lies.most_elements for role, lies in inputs.items()
    )
    results = max(_result_bytes(model, role, outputs[role], lies) for role, lies in inputs.items())
    scores = heads.queries * positions * 4
    unpacked = max(
        model.formats.unpacked(role, outputs[role], lies) for role, lies in inputs.items()
    )
    used = _sram(
        machine,
        weights=sum(block_weights(model, shape, heads, layers).values()),
        kv=layers * kv_bytes(heads, positions),
        buffers=widest_input
        + results
        + scores
        + 4 * model.angles
        + min(machine.unpack_bytes, unpacked),
    )
    if used["max_total"] > machine.sram_bytes:
        where = f"a block of {shape.columns} × {shape.rows} cores with {layers} layers, core (0, 0)"
        advice = _nearest_block(model, machine, shape, heads, context_length, layers, used)
        raise _too_small(where, used, machine, advice)
    return used


def block_weights(model: ModelShape, shape: Shape, heads: HeadSplit, layers: int) -> dict[str, int]:
    """Return the bytes of ``layers`` layers' weights by format in the fullest core of a block."""
    inputs, outputs = block_inputs(model, shape, heads), block_outputs(model, shape, heads)
    stream = inputs[Role.QKV].most_elements
    vectors = model.vectors * stream * 4 + ceil(model.biases / shape.columns) * 4
    used = Counter({FP32.name: vectors})
    for role, lies in inputs.items():
        used.update(model.formats.bytes_by_format(role, outputs[role], lies))
    return {name: layers * size for name, size in used.items()}


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
    if positions := max(0, machine.sram_bytes - without_kv) // a_row:
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
