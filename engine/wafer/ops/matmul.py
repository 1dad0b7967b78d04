"""Matrix–vector product: each core its tile of weights, then a reduction to a line.

Inputs lie along one axis, outputs along the other, so that a product turns rows into columns and
the next one turns them back (He et al., WaferLLM, MeshGEMV).

Micro-steps: COMPUTE (all cores with inputs and outputs) the tile → [where a group spans s cores:
REDUCE (int32) a line's n wavelets to the group's first core] → COMPUTE (cores that own groups)
terms → REDUCE a line's n wavelets over the cores that own groups to position 0 → [with a bias, a
scale or a cap: COMPUTE (the line the outputs lie on) the results].  Weights that are not quantised
have no groups: COMPUTE the tile → REDUCE.
"""

from collections.abc import Container

import numpy as np
from numpy.typing import NDArray

from engine.model.sum_orders import ReduceOrder
from engine.model.tensors.q8 import INT8
from engine.model.tensors.tensor import Format
from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.site import ALL, ALONG_COLUMNS, ALONG_ROWS, CAP_OPERATIONS, Site, home
from engine.wafer.program.geometry import Split

__all__ = ["cost", "finishing_of", "steps"]

_SCALE_OPERATIONS = 4
"""Per group and output: int32 → fp32, product of the scales, product, add."""


def steps(
    micro: MicroSteps,
    site: Site,
    inputs: Split,
    outputs: NDArray[np.int64],
    along: int,
    order: ReduceOrder,
    format: Format = INT8,
    finishing: int = 0,
) -> None:
    """Tell the micro-steps of a product on the whole region.

    Args:
        micro: What is told.
        site: The region.
        inputs: How the K inputs lie along ``along``.
        outputs: Outputs by core along the other axis, int64.
        along: Axis the inputs lie along; the reduction runs along it, to position 0.
        order: The reduction's order over the parts that own groups.
        format: Format of the weights.
        finishing: Operations on every output after the sum: see `finishing_of`.

    Cost (k inputs, n outputs, g groups of the fullest core, S = mac_int8, s cores a group):
        k·(⌈n/S⌉ + c_v) + [reduce(s, n) of int32] + 4·g·(⌈n/fmac_fp32⌉ + c_v) + reduce(P, n)

    Source:
        [S1] GEMV as read in its code: one vector instruction of length n for each input.
        Differs: the scales of the groups, which only quantised weights have.
    """
    machine = site.machine
    other = ALONG_COLUMNS if along == ALONG_ROWS else ALONG_ROWS
    k = site.across(along, np.asarray(inputs.elements, np.int64))
    g = site.across(along, np.asarray(inputs.groups, np.int64))
    n = site.across(other, outputs)
    has_work = (k > 0) & (n > 0)
    overhead = machine.vector_overhead_cycles
    rate = machine.mac_int8 if format.is_quantised else machine.fmac_fp16
    micro.work(ALL, mac=k * -(-n // rate), pipe=np.where(has_work, k * overhead, 0))
    if inputs.span > 1:
        micro.reduce(site.line(along, length=inputs.span, repeat=inputs.parts), inputs.span, n)
    if format.is_quantised:
        scaling = _SCALE_OPERATIONS * g * (n > 0)
        micro.work(ALL, vector=scaling * -(-n // machine.fmac_fp32), pipe=scaling * overhead)
    micro.reduce(site.line(along, length=inputs.parts, pitch=inputs.span), order.group, n)
    if finishing:
        cycles, overhead = vector(machine, n, finishing)
        micro.work(home(other), vector=cycles, pipe=np.where(n > 0, overhead, 0))


def cost(
    site: Site,
    inputs: Split,
    outputs: NDArray[np.int64],
    along: int,
    order: ReduceOrder,
    format: Format = INT8,
    finishing: int = 0,
) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, inputs, outputs, along, order, format, finishing)


def finishing_of(attributes: Container[str]) -> int:
    """Return the operations on every output that a product's attributes ask for."""
    return (
        ("bias" in attributes)
        + ("scale" in attributes or "softcap" in attributes)
        + CAP_OPERATIONS * ("softcap" in attributes)
    )
