"""The price of a size of blocks: placed, with what its layers and its head cost.

Adds up as if every core waited for the slowest (`ledger.Tally`), at half the context.  Says why a
size does not fit; which size is best is the planner's to choose.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Format
from engine.wafer.cost.ledger import Tally
from engine.wafer.ops.transfer import lane_wavelets
from engine.wafer.place.core_bytes import block_fits, block_sram, head_sram
from engine.wafer.place.lanes import lane_hops
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.placement import Placement, place
from engine.wafer.place.shape import Shape, heads_of
from engine.wafer.plan.dense_sizes import narrowest_head
from engine.wafer.plan.size_prices import HeadPrice, size_prices
from engine.wafer.program.machine import MachineSpec

__all__ = ["Candidate", "PlanOptions", "ShapeSearch"]

_HEAD_SLACK = 1.05
"""How much slower than the fastest head, about a tenth of a token, a narrower one may be."""
_BLOCK_SLACK = 1.05
"""How much slower than with the fewest blocks a decode may be with the most that fit: rows of a
prefill, drafts and alternatives pipeline over blocks."""
_HEAD_WIDTHS = (
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512, 640,
)  # fmt: skip
_MOST_WAFERS = 64


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan is for, and what of it is given."""

    blocks: int | None = None
    """Blocks the layers are split over; None: the planner's choice."""
    block: tuple[int, int] | None = None
    """(columns, rows) of a block; None: the planner's choice."""
    formats: Mapping[str, Format] | None = None
    """Format of every tensor by name; None: int8 for every matrix."""
    rows_per_step: int = 1
    """Rows of a step that sizes are compared with: 1 for decode, more for drafts."""
    runs: bool = False
    """True: only what the tiers can run; False: anything that can be priced."""
    wafers: int | None = None
    """How many wafers; None: as few as hold the model."""
    group: int = 0
    """Cores of a group in every sum, as in `Shape`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A size of blocks and what it would cost."""

    columns: int
    rows: int
    shape: Shape | None
    """None: it does not fit."""
    cores: int
    cycles_per_token: int
    """Estimated at half the context; 0 where it does not fit."""
    cycles_by_op: dict[str, int]
    refusal: str = ""


class ShapeSearch:
    """Prices sizes of blocks for one model on one machine.

    Args:
        graph: The model.
        model: Its sizes, with the formats of the weights that are priced.
        machine: The chip.
        context: KV rows to hold.
        options: What the plan is for.
        dense: Whether blocks are to fill the wafer: attention's heads grouped, narrow heads.
    """

    def __init__(
        self,
        graph: ModelGraph,
        model: ModelShape,
        machine: MachineSpec,
        context: int,
        options: PlanOptions,
        *,
        dense: bool = False,
    ) -> None:
        self.dense = dense
        self.prices = size_prices(graph, model, machine, runs=options.runs, group=options.group)
        self.model, self.machine, self.context = model, machine, context
        self.runs, self.rows_per_step = options.runs, options.rows_per_step
        self.blocks, self.wafers, self.group = options.blocks, options.wafers, options.group

    def candidate(self, columns: int, rows: int, parts: int = 0, lighter: int = 0) -> Candidate:
        """Place and price one size, as `Shape` names them; what does not fit says why."""
        block = Shape(
            columns, rows, 1, 1, grouped=self.dense, group=self.group, parts=parts, lighter=lighter
        )
        try:
            most = self._most_layers(block)
            layers = self._layers(block)
        except PlacementError as error:
            return Candidate(columns, rows, None, columns * rows, 0, {}, str(error))
        fewest = self._fewest_blocks(block, most)
        if isinstance(fewest, str):
            return Candidate(columns, rows, None, columns * rows, 0, {}, fewest)
        refusal = ""
        last = min(self.wafers or _MOST_WAFERS, fewest + 1)  # the head may have its own
        for wafers in range(self.wafers or 1, last + 1):
            heads = self.heads(rows, columns)
            for head in heads if wafers == 1 or self.dense else heads[:1]:
                shape = replace(block, head_columns=head.columns, blocks=fewest, wafers=wafers)
                if not self._has_area(shape):
                    continue
                try:
                    return self._with_blocks(shape, head, layers)
                except PlacementError as error:
                    refusal = refusal or str(error)
        refusal = refusal or self._head_refusal(rows)
        return Candidate(columns, rows, None, columns * rows, 0, {}, refusal)

    def _fewest_blocks(self, shape: Shape, most: int) -> int | str:
        """Blocks that are needed, or asked for; a text where those hold too many layers."""
        fewest = ceil(self.model.layers / max(1, most))
        if self.blocks is None:
            return fewest
        if self.blocks >= fewest:
            return self.blocks
        layers = ceil(self.model.layers / self.blocks)
        heads = heads_of(self.model, shape, runs=self.runs)
        try:
            block_sram(self.model, self.machine, shape, heads, self.context, layers)
        except PlacementError as error:
            return str(error)
        raise AssertionError("a block that fits was counted as too small")

    def _has_area(self, shape: Shape) -> bool:
        """Whether the wafers have as many cores as the rectangles."""
        assert shape.blocks is not None
        cores = shape.rows * (shape.blocks * shape.columns + shape.head_columns)
        return cores <= shape.wafers * self.machine.columns * self.machine.rows

    def _with_blocks(self, shape: Shape, head: HeadPrice, layers: dict[str, int]) -> Candidate:
        """Choose the blocks: the most that fit, unless the fewest are clearly faster."""
        fewer = self._placed(shape)
        few = self._price(fewer, head, layers)
        if self.blocks is not None:
            return few
        many = self._price(self._most_blocks(shape, fewer), head, layers)
        return many if many.cycles_per_token <= _BLOCK_SLACK * few.cycles_per_token else few

    def _placed(self, shape: Shape) -> Placement:
        return place(self.model, self.machine, shape, self.context, runs=self.runs)

    def _most_blocks(self, shape: Shape, fewer: Placement) -> Placement:
        """The placement with the most blocks on as many wafers."""
        assert shape.blocks is not None
        low, high = shape.blocks, self.model.layers
        best = fewer
        while low < high:
            middle = (low + high + 1) // 2
            try:
                best = self._placed(replace(shape, blocks=middle))
                low = middle
            except PlacementError:
                high = middle - 1
        return best

    def _most_layers(self, shape: Shape) -> int:
        """Layers of a block that fit a core."""
        heads = heads_of(self.model, shape, runs=self.runs)
        one = block_sram(self.model, self.machine, shape, heads, self.context, 1)
        spare = self.machine.sram_bytes - one["code"] - one["buffers"]
        most = min(self.model.layers, spare // max(1, one["weights"] + one["kv"]))
        # other cores may be the fullest of more layers
        asked = (self.model, self.machine, shape, heads, self.context)
        return next(n for n in range(most, 0, -1) if block_fits(*asked, n))

    # ── prices ──────────────────────────────────────────────────────────────────────────────

    def _layers(self, block: Shape) -> dict[str, int]:
        """Cycles of all layers at half the context, by operation."""
        total: dict[str, int] = defaultdict(int)
        for cost in self.prices.layers(block):
            seen = min(self.context / 2, cost.window or self.context)
            cycles = cost.cycles + ceil(seen / block.rows) * cost.cycles_by_kv_row
            total[cost.operation] += cost.layers * cycles
        return dict(total)

    def _price(self, placement: Placement, head: HeadPrice, layers: dict[str, int]) -> Candidate:
        """Cycles per token of a placement at half the context."""
        shape = placement.shape
        by_op = dict(layers)
        in_layers = sum(by_op.values())
        by_op["transfer"], transfer = self._transfers(placement)
        by_op["head"] = head.cycles
        latency = sum(by_op.values())
        in_block = shape.layers_by_block(self.model.layers)[0]
        interval = in_block * in_layers // self.model.layers + transfer
        cycles = (latency + (self.rows_per_step - 1) * interval) // self.rows_per_step
        cores = sum(region.width * region.height for region in placement.regions)
        return Candidate(shape.columns, shape.rows, shape, cores, cycles, by_op)

    def _transfers(self, placement: Placement) -> tuple[int, int]:
        """Cycles of all transfers of the stream, and of one between blocks."""
        machine, regions = self.machine, placement.regions
        hidden, angles = placement.hidden, self.model.angles
        tally = Tally(machine)
        tally.send((slice(None), slice(0, 1)), lane_wavelets(hidden, angles)[:, None])
        sending = tally.cycles
        total = 0
        for source in range(len(regions)):
            target = (source + 1) % len(regions)
            tally = Tally(machine)
            link = machine.wafer_link_cycles * (regions[source].wafer != regions[target].wafer)
            hops = lane_hops(regions, source, target)
            tally.receive((slice(None), slice(0, 1)), hops, 1, link)
            total += tally.cycles + sending
        return total, sending

    def heads(self, rows: int, columns: int) -> list[HeadPrice]:
        """Widths of the head that fit a core: the narrowest of the fast ones, then by cycles.

        Besides round numbers, those that blocks of ``columns`` leave free in a band.
        """
        left = [self.machine.columns - n * columns for n in range(1, 5)]
        widths = [*_HEAD_WIDTHS, *(width for width in left if width > 0)]
        if self.dense and (narrow := narrowest_head(self.model, self.machine, rows)):
            widths.append(narrow)
        found = [head for width in sorted(set(widths)) if (head := self.prices.head(rows, width))]
        least = min((head.cycles for head in found), default=0)
        return sorted(
            found,
            key=lambda head: (
                (0, head.columns) if head.cycles <= _HEAD_SLACK * least else (1, head.cycles)
            ),
        )

    def _head_refusal(self, rows: int) -> str:
        """Why no head fits."""
        widest = min(_HEAD_WIDTHS[-1], self.machine.columns)
        try:
            head_sram(self.model, self.machine, Shape(1, rows, widest))
        except PlacementError as error:
            return str(error)
        return (
            f"the head of {rows} rows finds no room beside the blocks on {self.machine.columns} × "
            f"{self.machine.rows} cores: use a larger machine or a shorter context (`spark-tui "
            "wafer plan` says how many wafers it would take)"
        )
