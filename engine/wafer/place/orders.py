"""Orders: the groups in which each sum of a placement meets, for few cycles within the colors.

A color keeps its route for a region's whole life.  A chain needs two colors for its pitch and
axis (neighbours send on different ones), a multicast one for its pattern, the lanes three.  Chains
of one pitch share theirs, so group sizes are chosen together.  Prices nothing but collectives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.model.sum_orders import ReduceOrder, SumOrders
from engine.wafer.cost.lines import reduce_costs
from engine.wafer.ops import select
from engine.wafer.ops.site import ALONG_COLUMNS, ALONG_ROWS
from engine.wafer.place.lanes import turns_inside
from engine.wafer.place.placement import Placement, block_outputs
from engine.wafer.program.geometry import Split
from engine.wafer.program.machine import MachineSpec

__all__ = ["LANE_COLORS", "Orders", "choose_orders", "choose_orders_of_regions", "colors_used"]

LANE_COLORS = 3
"""Lanes out of even regions, lanes out of odd ones, the lookup's way back.  One more where lanes
turn inside a region."""
_CHAIN_COLORS = 2
_MULTICAST_COLORS = 1
_CANDIDATES = 12
"""How many pitches of group roots are also compared in pairs: those cheapest alone."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a placement's reductions, and how many colors a region needs for them."""

    sums: SumOrders
    select: ReduceOrder
    """The chain of the largest logit."""
    colors_used: int
    """Colors of the region that needs the most."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """A reduction whose group size is to be chosen."""

    axis: int
    length: int
    pitch: int
    streams: tuple[int, ...]
    """Wavelets of the reductions that share the order."""


def choose_orders(machine: MachineSpec, placement: Placement) -> SumOrders:
    """Choose for each sum the two-phase chain with the fewest cycles within the colors.

    Raises:
        PlacementError: Even plain chains need more colors than a program may use.
    """
    return choose_orders_of_regions(machine, placement).sums


def choose_orders_of_regions(machine: MachineSpec, placement: Placement) -> Orders:
    """Choose the order of every reduction; see `choose_orders`."""
    chains = _chains(placement)
    fixed = {region: _fixed_colors(placement, region) for region in ("block", "head")}
    budget = machine.colors - machine.reserved_colors
    best: tuple[int, dict[str, int], int] | None = None
    for rows, columns in _PAIRS:
        groups: dict[str, int] = {}
        cycles = 0
        for axis, allowed in ((ALONG_ROWS, rows), (ALONG_COLUMNS, columns)):
            names = tuple(name for name in _BLOCK if chains[name].axis == axis)
            free = tuple(sorted(_base_pitches(placement, "block", axis)))
            some = tuple(chains[name] for name in names)
            more, chosen = _choose(machine, some, free, allowed)
            groups.update(zip(names, chosen, strict=True))
            cycles += more
        used = _colors(placement, "block", fixed, chains, groups)
        if used <= budget and (best is None or cycles < best[0]):
            best = (cycles, groups, used)
    if best is None:
        raise _out_of_colors(placement, budget, _colors(placement, "block", fixed, chains, {}))
    _, groups, used = best
    return _with_select(machine, placement, chains, fixed, groups, budget, used)


_PAIRS = sorted(((r, c) for r in range(4) for c in range(3)), key=lambda pair: -sum(pair))
"""How many pitches of group roots each axis may add, the most first."""
_BLOCK = ("hidden", "norm", "positions", "heads", "ffn")
_HEAD = ("hidden", "norm", "select")


def _with_select(
    machine: MachineSpec,
    placement: Placement,
    chains: dict[str, _Chain],
    fixed: dict[str, int],
    groups: dict[str, int],
    budget: int,
    used: int,
) -> Orders:
    """Add the chain of the head, which shares the orders of the blocks' rows."""
    free = tuple(sorted(_base_pitches(placement, "head", ALONG_COLUMNS)))
    for allowed in (1, 0):
        _, (group,) = _choose(machine, (chains["select"],), free, allowed)
        head = _colors(placement, "head", fixed, chains, {**groups, "select": group})
        if head <= budget:
            break
    else:
        raise _out_of_colors(placement, budget, head)
    group_of = {name: ReduceOrder(chains[name].length, groups[name]) for name in _BLOCK}
    sums = SumOrders(**group_of, head_dim=ReduceOrder.chain(placement.heads.parts))
    return Orders(sums, ReduceOrder(chains["select"].length, group), max(used, head))


def _chains(placement: Placement) -> dict[str, _Chain]:
    """Return the two-phase reductions, by the name of their order."""
    shape, heads = placement.shape, placement.heads
    by_core = block_outputs(placement.model, shape, heads)
    outputs = {role: int(np.sum(each, axis=0).max()) for role, each in by_core.items()}

    def over(lies: Split, axis: int, *streams: int) -> _Chain:
        return _Chain(axis, lies.parts, lies.span, streams)

    queries = heads.queries
    return {
        "hidden": over(placement.hidden, ALONG_ROWS, outputs[Role.QKV], outputs[Role.GATE_UP]),
        "norm": _Chain(ALONG_ROWS, shape.rows, 1, (1, 1)),
        "positions": _Chain(ALONG_ROWS, shape.rows, 1, (queries, queries * (heads.dims + 1))),
        "heads": over(placement.attended, ALONG_COLUMNS, outputs[Role.OUT]),
        "ffn": over(placement.gated, ALONG_COLUMNS, outputs[Role.DOWN]),
        "select": _Chain(ALONG_COLUMNS, shape.head_columns, 1, (select.WAVELETS,)),
    }


# ── colors ──────────────────────────────────────────────────────────────────────────────────


def colors_used(placement: Placement, orders: Orders) -> dict[str, int]:
    """Return the colors of a block and of the head."""
    chains = _chains(placement)
    groups = {name: getattr(orders.sums, name).group for name in _BLOCK}
    groups["select"] = orders.select.group
    fixed = {region: _fixed_colors(placement, region) for region in ("block", "head")}
    return {name: _colors(placement, name, fixed, chains, groups) for name in fixed}


def _colors(
    placement: Placement,
    region: str,
    fixed: dict[str, int],
    chains: dict[str, _Chain],
    groups: dict[str, int],
) -> int:
    """Return the colors of a region with these groups; a chain without a group is plain."""
    pitches = {
        (axis, pitch)
        for axis in (ALONG_ROWS, ALONG_COLUMNS)
        for pitch in _base_pitches(placement, region, axis)
    }
    for name in _BLOCK if region == "block" else _HEAD:
        chain = chains[name]
        group = groups.get(name, chain.length)
        if group < chain.length:
            pitches.add((chain.axis, chain.pitch * group))
    return fixed[region] + _CHAIN_COLORS * len(pitches)


def _base_pitches(placement: Placement, region: str, axis: int) -> set[int]:
    """Return the pitches of plain chains: neighbours, and owners of groups that span cores."""
    shape = placement.shape
    if axis == ALONG_ROWS:
        pitches = {1, placement.hidden.span} if shape.rows > 1 else set()
    elif region == "head":
        pitches = {1} if shape.head_columns > 1 else set()
    else:
        spans = {placement.attended.span, placement.gated.span}
        pitches = {1, *spans} if shape.columns > 1 else set()
    return pitches


def _fixed_colors(placement: Placement, region: str) -> int:
    """Return the colors of lanes and multicasts."""
    shape = placement.shape
    columns = shape.columns if region == "block" else shape.head_columns
    patterns = {(ALONG_ROWS, shape.rows), (ALONG_COLUMNS, columns)}
    patterns.add((ALONG_ROWS, placement.hidden.span))
    if region == "block":
        lengths = (placement.attended.span, placement.gated.span, placement.heads.parts)
        patterns |= {(ALONG_COLUMNS, length) for length in lengths}
    multicasts = sum(length > 1 for _, length in patterns)
    lanes = LANE_COLORS + any(turns_inside(a, b) for a, b in pairwise(placement.regions))
    gathers = region == "head" and columns > 1  # the lookup's row, on its way to column 0
    return lanes + gathers + _MULTICAST_COLORS * multicasts


def _out_of_colors(placement: Placement, budget: int, needed: int) -> PlacementError:
    shape = placement.shape
    return PlacementError(
        f"blocks of {shape.columns} × {shape.rows} cores need {needed} colors even with plain "
        f"chains, a program may use {budget}: use rows or columns that hold whole groups of 32 "
        f"(at most {placement.model.hidden // 32} rows), so that no group spans cores"
    )


# ── groups ──────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=4096)
def _choose(
    machine: MachineSpec, chains: tuple[_Chain, ...], free: tuple[int, ...], allowed: int
) -> tuple[int, tuple[int, ...]]:
    """Return (cycles, group of each chain) with at most ``allowed`` pitches besides the free ones.

    Args:
        machine: The chip.
        chains: The reductions of one axis.
        free: Pitches that have their colors already.
        allowed: Most further pitches of group roots; one for each chain gives each its best.
    """
    tables = [_by_pitch(machine, chain) for chain in chains]
    most = max((table.size for table in tables), default=1)
    costs = np.full((len(chains), most), np.inf)
    for row, table in zip(costs, tables, strict=True):
        row[: table.size] = table
    plain = np.array([table[0] for table in tables])
    for pitch in free:
        if pitch < most:
            plain = np.minimum(plain, costs[:, pitch])
    best = min(_pitch_sets(costs, plain, allowed), key=lambda s: (_total(costs, plain, s), s))
    return int(_total(costs, plain, best)), tuple(
        _group(chain, table, (*free, *best)) for chain, table in zip(chains, tables, strict=True)
    )


def _pitch_sets(
    costs: NDArray[np.float64], plain: NDArray[np.float64], allowed: int
) -> list[tuple[int, ...]]:
    """Return the sets of pitches to compare: the cheapest alone, each chain's best, and pairs."""
    sets: list[tuple[int, ...]] = [()]
    if not allowed:
        return sets
    together = np.minimum(costs, plain[:, None]).sum(axis=0)
    several = costs.shape[1] > 1
    own = [int(pitch) for pitch in np.argmin(costs[:, 1:], axis=1) + 1] if several else []
    cheapest = np.argsort(together, kind="stable")[:_CANDIDATES]
    pitches = sorted({int(pitch) for pitch in cheapest if pitch > 0} | set(own))
    for size in range(1, min(allowed, 2) + 1):
        sets += list(combinations(pitches, size))
    if allowed >= 3:
        sets += list(combinations(sorted(set(own)), 3))
    return sets


def _total(costs: NDArray[np.float64], plain: NDArray[np.float64], pitches: Sequence[int]) -> float:
    chosen = costs[:, list(pitches)].min(axis=1) if pitches else np.full(plain.size, np.inf)
    return float(np.minimum(plain, chosen).sum())


def _group(chain: _Chain, table: NDArray[np.float64], pitches: Sequence[int]) -> int:
    """Return the group of a chain with the fewest cycles: plain, or at one of these pitches."""
    best, group = table[0], chain.length
    for pitch in sorted(set(pitches), reverse=True):
        if pitch < table.size and table[pitch] < best:
            best, group = table[pitch], pitch // chain.pitch
    return group


@lru_cache(maxsize=4096)
def _by_pitch(machine: MachineSpec, chain: _Chain) -> NDArray[np.float64]:
    """Return the cycles by the pitch of the group roots; entry 0 is the plain chain."""
    costs = [reduce_costs(machine, chain.length, b, chain.pitch) for b in chain.streams]
    by_group = np.sum(costs, axis=0)
    table = np.full(chain.length * chain.pitch, np.inf)
    table[0] = by_group[-1]
    table[chain.pitch :: chain.pitch] = by_group[:-1]
    return table
