"""Wafer time of a compiled model: cycles of a step, states of every core, utilisation.

Expands counts of steps into every core's states; runs nothing and knows no text.  All cycles come
from the micro-steps the compiler noted, so the app, the command line and predictions agree.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors.tensor import Format
from engine.wafer.compile.compiler import Compiled
from engine.wafer.cost import lines
from engine.wafer.ops import attention, embed
from engine.wafer.place.placement import Placement
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program
from engine.wafer.program.states import BUSY_STATES, STATES, Busy, State
from engine.wafer.timing.attention_cycles import AttentionCycles
from engine.wafer.timing.block_states import BlockStates, Did, RegionCosts
from engine.wafer.timing.blocks import Patch
from engine.wafer.timing.counts import Activity, CountedPasses, Counts
from engine.wafer.timing.lookups import lookup_shifts
from engine.wafer.timing.schedule import RegionRun, schedule

__all__ = ["CoreCosts", "Timing"]

_CHUNK = 64
"""Positions whose growth is worked out together."""


@dataclass(frozen=True, slots=True)
class CoreCosts:
    """What `Timing.expand` alone needs of single cores: most of a priced model's memory."""

    regions: tuple[RegionRun, ...]
    attending: Mapping[tuple[int, int], NDArray[np.int64]]
    """By region and window, the cycles that all its attentions together book for each KV row of a
    core, int64 (4, H, W)."""


class Timing:
    """Prices steps of one compiled model.

    Pickled, it leaves out what it knows of single cores: see `core_costs`.
    """

    def __init__(self, compiled: Compiled, placement: Placement, *, by_core: bool = True) -> None:
        """Run the row program of every region once; not ``by_core``: for cycles only."""
        self._program = compiled.program
        self._placement = placement
        self._heads = placement.heads
        self._table = compiled.program.instructions
        whole = schedule(compiled.program, compiled.steps, compiled.sites, by_core=by_core)
        self._schedule = replace(whole, regions=())
        self._attentions = AttentionCycles(compiled)
        self._costs: CoreCosts | None = CoreCosts(whole.regions, self._attending(compiled))
        self._restore: Callable[[], CoreCosts] | None = None
        self._restoring = Lock()
        self._alone = int(sum(cost.cycles[0] + cost.cycles[1] for cost in compiled.costs))
        self._growth: dict[int, NDArray[np.int64]] = {}
        _, _, scaled, format = compiled.steps[0].arguments
        assert isinstance(format, Format)
        head = compiled.sites[-1]
        self._lookups = lookup_shifts(compiled)
        self._owner = embed.owner_share(head, placement.hidden, bool(scaled), format)
        self._base = self._cycles_at(np.zeros(0, np.int64))
        self._products = sum(  # MACs of all weight products
            compiled.program.matrices[row[Field.WEIGHT]].inputs
            * compiled.program.matrices[row[Field.WEIGHT]].outputs
            for row in self._table
            if row[Field.OP] == Op.MATMUL
        )

    def _attending(self, compiled: Compiled) -> dict[tuple[int, int], NDArray[np.int64]]:
        numbers = np.flatnonzero(self._table[:, Field.OP] == Op.ATTENTION)
        slopes = [compiled.costs[number].states[1] for number in numbers]
        return {
            (region, window): np.asarray(np.sum([slopes[n] for n in among], axis=0))
            for region in range(len(compiled.sites))
            for window in self._attentions.windows
            if (among := self._attentions.in_region(region, window))
        }

    def __getstate__(self) -> dict[str, object]:
        """Return what cycles need."""
        return vars(self) | {"_costs": None, "_restore": None, "_restoring": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take what `__getstate__` returned; `restore_by` says where the rest is."""
        vars(self).update(state)
        self._restoring = Lock()

    def restore_by(self, restore: Callable[[], CoreCosts]) -> None:
        """Forget the costs of single cores until somebody asks; ``restore`` returns them then."""
        self._costs, self._restore = None, restore

    @property
    def core_costs(self) -> CoreCosts:
        """The costs of single cores, for `expand`.  Any thread may ask."""
        with self._restoring:
            if self._costs is None:
                assert self._restore is not None, "costs of single cores were left out"
                self._costs = self._restore()
            return self._costs

    @property
    def program(self) -> Program:
        """The compiled model."""
        return self._program

    @property
    def core_rows(self) -> int:
        """Rows of a region: position j of the KV cache lies in core row j mod this."""
        return self._program.kv_rows

    @property
    def skew_cycles(self) -> int:
        """Cycles of a token less those of its instructions, each alone from an aligned start.

        Both with one KV row in every core.
        """
        return self._schedule.latency - self._alone

    @property
    def latency_by_instruction(self) -> NDArray[np.int64]:
        """How far each instruction moves the end of a token, with one KV row in every core.

        int64 (instructions,).
        """
        return self._schedule.latency_by_instruction

    @property
    def intervals(self) -> tuple[int, int]:
        """Cycles that each further row of a step takes, without and with logits.

        Both with one KV row in every core.
        """
        return self._schedule.interval, self._schedule.interval_logits

    @property
    def attention_regions(self) -> NDArray[np.int64]:
        """In which region each attention lies, in the order of `growth`."""
        return np.asarray(self._attentions.regions)

    @property
    def in_first_region(self) -> NDArray[np.bool_]:
        """Which attentions, in the order of `growth`, lie in the region that rows enter first."""
        return np.asarray(self._attentions.regions == 0)

    def kv_rows(self, position: int, rows: int, window: int = 0) -> NDArray[np.int64]:
        """Return the KV rows that each of ``rows`` query rows at ``position`` and after sees.

        Returns:
            int64 (rows, core rows): the query at t sees positions 0 … t, or the last ``window``.
        """
        return self._seen(np.arange(position, position + rows), window)

    def _seen(self, last: NDArray[np.int64], window: int) -> NDArray[np.int64]:
        """Return the KV rows that queries at the positions ``last`` see, (queries, core rows)."""
        behind = last[:, None] - np.arange(self.core_rows)[None, :]
        kept = np.maximum(0, behind // self.core_rows + 1)
        if window:
            kept -= np.maximum(0, (behind - window) // self.core_rows + 1)
        return np.asarray(kept, np.int64)

    def growth(self, position: int, rows: int = 1) -> NDArray[np.int64]:
        """Return by query row how much longer each attention takes than with one KV row a core.

        Returns:
            int64 (rows, attentions), attentions in the order of their instructions; grows with the
            position, and is below 0 while core rows hold none.
        """
        chunks = range(position // _CHUNK, (position + max(rows, 1) - 1) // _CHUNK + 1)
        for chunk in chunks:
            if chunk not in self._growth:
                positions = np.arange(chunk * _CHUNK, (chunk + 1) * _CHUNK)
                self._growth[chunk] = self._cycles_at(positions) - self._base
        known = np.concatenate([self._growth[chunk] for chunk in chunks])
        start = position - chunks[0] * _CHUNK
        return known[start : start + rows]

    def step_cycles(self, position: int, rows: int = 1, last: int = 1) -> int:
        """Return the cycles of one step of ``rows`` rows appended at ``position``.

        The first row passes through everything.  Rows pipeline over blocks, so each further one
        adds what the slowest region needs for a row; the last one passes through the rest.

        Args:
            position: KV rows before the step.
            rows: Tokens appended.
            last: How many of them have logits: these go in `waves`.
        """
        return self._elapsed(self._passes(position, rows, last))

    def cycles_by_operation(self, position: int, rows: int = 1, last: int = 1) -> dict[str, int]:
        """Return a step's cycles by operation: how far each one moves the last core's clock."""
        return self._by_operation(self._passes(position, rows, last))

    def waves(self, rows: int, last: int) -> list[tuple[int, int]]:
        """Return the (rows, rows with logits) that are under way together, wave by wave.

        Every row with logits comes back to the head, which looks the next ones up.  A block holds
        one row, so no more than there are blocks may be looked up before the first comes back:
        one more, and head and blocks would wait for each other.
        """
        blocks = len(self._program.regions) - 1
        first = min(last, blocks)
        later = [min(blocks, last - done) for done in range(blocks, last, blocks)]
        return [(rows - last + first, first), *((each, each) for each in later)]

    def macs(self, position: int) -> int:
        """Return the multiply–accumulates of one decode step at ``position``, over all cores."""
        return int(self._products + self._attentions.products(position))

    def mac_utilisation(self, position: int) -> float:
        """Return MACs ÷ (cores used × cycles × MAC rate) of one decode step at ``position``."""
        macs = self.macs(position)
        peak = self._program.cores_used * self._program.machine.mac_int8
        return float(macs / (peak * self.step_cycles(position)))

    def count(self, tokens: NDArray[np.int32], position: int, last: int = 1) -> Counts:
        """Return the counts of one step of which the ``last`` rows have logits."""
        total = self.none()
        for rows, logits in self.waves(tokens.size, last):
            total = total.plus(self._count(tokens[:rows], position, logits))
            tokens, position = tokens[rows:], position + rows
        return total

    def count_decodes(self, tokens: NDArray[np.int32], position: int) -> Counts:
        """Return the counts of as many steps as there are tokens, each appending one."""
        steps = int(tokens.size)
        together = self._count(tokens, position, steps)
        return replace(together, steps=steps, last_growth=together.growth)

    def count_in_columns(self, tokens: NDArray[np.int32], position: int) -> Counts:
        """Return the counts of one step, its last row with logits, looked up where its tokens lie.

        The other counts take every lookup for one in the middle column, as steps are priced whose
        tokens nobody knows yet.
        """
        columns = self._columns_of(tokens)
        return replace(
            self.count(tokens, position),
            entering=self._lookups.entering[columns[0]],
            following=int(self._lookups.following[columns[:-1]].sum()),
        )

    def _count(self, tokens: NDArray[np.int32], position: int, logits: int) -> Counts:
        """Return the counts of one wave."""
        windows = self._attentions.windows
        seen = np.stack([self.kv_rows(position, tokens.size, window) for window in windows])
        growth = self.growth(position, tokens.size)
        columns = self._columns_of(tokens)
        kept = np.arange(position, position + tokens.size) % self.core_rows
        return Counts(
            steps=1,
            rows=tokens.size,
            logits=logits,
            growth=growth.sum(axis=0),
            last_growth=growth[-1:].sum(axis=0),
            kv_rows=seen.sum(axis=1),
            kv_comm=self._score_streams(seen).sum(axis=1),
            streams=(seen > 0).sum(axis=1),
            kept=np.bincount(kept, minlength=self.core_rows).astype(np.int64),
            lookups=np.bincount(columns, minlength=self._lookups.following.size).astype(np.int64),
            entering=np.zeros(2, np.int64),
            following=0,
        )

    def _columns_of(self, tokens: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the column of the head that holds each token's row."""
        edges = np.cumsum(self._placement.head_outputs)
        return np.asarray(np.searchsorted(edges, tokens, side="right"))

    def none(self) -> Counts:
        """Return counts of nothing."""
        zeros = np.zeros(self.core_rows, np.int64)
        columns = np.zeros(self._placement.shape.head_columns, np.int64)
        none = np.zeros(self._attentions.regions.size, np.int64)
        by_window = np.zeros((len(self._attentions.windows), self.core_rows), np.int64)
        entering = np.zeros(2, np.int64)
        return Counts(
            0, 0, 0, none, none, by_window, by_window, by_window, zeros, columns, entering, 0
        )

    def expand(self, counts: Counts) -> Activity:
        """Return every core's states.

        A core waits in those of its active cycles that nothing booked, and is idle in the rest
        of the elapsed cycles.
        """
        elapsed = self._elapsed(counts)
        states = []
        costs = self.core_costs
        for index, run in enumerate(costs.regions):
            busy = self._busy(index, run, counts)
            active = self._active(index, run, counts, elapsed)
            full = np.zeros((*active.shape, len(STATES)), np.int64)
            full[..., State.MAC] = busy[Busy.MAC]
            full[..., State.VECTOR] = busy[Busy.VECTOR]
            full[..., State.COMM] = busy[Busy.COMM]
            full[..., State.STALL_PIPE] = busy[Busy.PIPE]
            full[..., State.STALL_WAVELET] = active - busy.sum(axis=0)
            full[..., State.IDLE] = elapsed - active
            if index == len(costs.regions) - 1:
                self._add_lookups(full, counts.lookups)
            flipped = self._program.regions[index].flipped
            states.append(full[::-1] if flipped else full)
        return Activity(elapsed, tuple(states), self._by_operation(counts))

    def blocks(self, patches: Iterable[Patch], blocks: int) -> BlockStates:
        """Return what `sums` needs of blocks of cores.

        The costs of single cores, where they are kept in a small form, go back to it.

        Args:
            patches: Which cores are in which block.
            blocks: The number of blocks.
        """
        costs = self.core_costs
        regions = [
            RegionCosts(
                run,
                tuple(self._attending_in(index, costs)),
                self._owner if index == len(costs.regions) - 1 else None,
            )
            for index, run in enumerate(costs.regions)
        ]
        found = BlockStates(patches, blocks, regions)
        self._forget_costs()
        return found

    def done_at(self) -> tuple[NDArray[np.int64], ...]:
        """Return when each core has done its part of a token, with one KV row in every core.

        By region int64 (H, W), its rows as the region counts them; the token's logits are asked
        for.  The costs of single cores go back to their small form, as in `blocks`.
        """
        found = tuple(run.done for run in self.core_costs.regions)
        self._forget_costs()
        return found

    def _forget_costs(self) -> None:
        """Let go of the costs of single cores where they can be restored."""
        with self._restoring:
            if self._restore is not None:
                self._costs = None

    def sums(self, counts: Counts, blocks: BlockStates) -> NDArray[np.int64]:
        """Return the states of blocks of cores, (blocks, 6): the sums of `expand` over each."""
        regions = self._attentions.regions
        longer = np.array(
            [counts.growth[regions == index].sum() for index in range(len(self._program.regions))],
            np.int64,
        )
        return blocks.states(
            Did(
                elapsed=self._elapsed(counts),
                steps=counts.steps,
                rows=counts.rows,
                logits=counts.logits,
                longer=longer,
                kv_rows=counts.kv_rows,
                attention=self._besides(counts),
                lookups=counts.lookups,
                following=counts.following,
            )
        )

    def elapsed(self, counts: Counts) -> tuple[int, dict[str, int]]:
        """Return the wafer cycles of what was run, and the same by operation."""
        return self._elapsed(counts), self._by_operation(counts)

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _passes(self, position: int, rows: int, last: int) -> CountedPasses:
        """Return the waves of a step, added up."""
        waves, growth = self.waves(rows, last), self.growth(position, rows)
        ends = np.cumsum([wave for wave, _ in waves])
        return CountedPasses(
            len(waves), rows, last, growth.sum(axis=0), growth[ends - 1].sum(axis=0)
        )

    def _elapsed(self, passes: CountedPasses | Counts) -> int:
        run = self._schedule
        return (
            passes.steps * run.latency
            + (passes.rows - passes.logits) * run.interval
            + (passes.logits - passes.steps) * run.interval_logits
            + self._longer(passes.growth, passes.last_growth)
            + int(passes.entering.sum())
        )

    def _longer(self, growth: NDArray[np.int64], last_growth: NDArray[np.int64]) -> int:
        """Return the cycles attentions add: all rows' in the first region, the last row's after."""
        first = self._attentions.regions == 0
        return int(growth[first].sum() + last_growth[~first].sum())

    def _by_operation(self, passes: CountedPasses | Counts) -> dict[str, int]:
        run = self._schedule
        cycles = (
            passes.steps * run.latency_by_instruction
            + (passes.rows - passes.logits) * run.interval_by_instruction
            + (passes.logits - passes.steps) * run.interval_logits_by_instruction
        )
        total = {op.name.lower(): int(cycles[self._table[:, Field.OP] == op].sum()) for op in Op}
        total["attention"] += self._longer(passes.growth, passes.last_growth)
        for op, more in zip((Op.EMBED, Op.RECEIVE), passes.entering, strict=True):
            total[op.name.lower()] += int(more)
        return total

    def _busy(self, index: int, run: RegionRun, counts: Counts) -> NDArray[np.int64]:
        """Return the booked cycles of a region's cores, int64 (4, H, W)."""
        busy = counts.rows * run.busy_row[0] + counts.logits * run.busy_step[0]
        besides = self._besides(counts)
        for number, attentions, per_kv_row in self._attending_in(index, self.core_costs):
            busy = busy + counts.kv_rows[number][:, None] * per_kv_row
            busy += attentions * besides[number][:, :, None]
        return np.asarray(busy, np.int64)

    def _attending_in(
        self, index: int, costs: CoreCosts
    ) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
        """Yield the windows with attentions in a region, as `RegionCosts.attending` has them."""
        for number, window in enumerate(self._attentions.windows):
            if attentions := len(self._attentions.in_region(index, window)):
                yield number, attentions, costs.attending[index, window]

    def _besides(self, counts: Counts) -> NDArray[np.int64]:
        """Return what one attention books in a core however many KV rows that has.

        Returns:
            int64 (windows, 4, core rows).
        """
        vector, pipe = attention.keeping(self._program.machine, self._heads)
        # To the head's first column and back, where columns share a head.
        dispatches = 2 * self._program.machine.dispatch_cycles * (self._heads.parts > 1)
        besides = np.zeros((len(counts.kv_rows), BUSY_STATES, counts.kept.size), np.int64)
        besides[:, Busy.VECTOR] = vector * counts.kept
        besides[:, Busy.COMM] = counts.kv_comm
        besides[:, Busy.PIPE] = dispatches * counts.streams + pipe * counts.kept
        return besides

    def _active(
        self, index: int, run: RegionRun, counts: Counts, elapsed: int
    ) -> NDArray[np.int64]:
        """Return the cycles of a region's cores from first wavelet to last instruction, (H, W)."""
        more = counts.rows - counts.steps
        if run.idle_step is not None:
            between = np.maximum(0, run.active_row[:, :1] - run.active_row)
            between = more * between
            between[:, 1:] += counts.following
            return np.asarray(elapsed - counts.steps * run.idle_step - between)
        active = counts.steps * run.active_row + more * run.active_again
        active = active + counts.logits * run.active_step
        longer = counts.growth[self._attentions.regions == index].sum()
        return np.where(active > 0, active + longer, 0)

    def _add_lookups(self, full: NDArray[np.int64], lookups: NDArray[np.int64]) -> None:
        """Book the work of the columns that own the tokens' rows; it was counted as waiting."""
        elsewhere, at_west, west_less = self._owner
        states = (State.MAC, State.VECTOR, State.COMM, State.STALL_PIPE)
        for state, other, own, less in zip(states, elsewhere, at_west, west_less, strict=True):
            more = other[:, None] * lookups
            more[:, 0] = (own + less) * lookups[0]
            full[..., state] += more
            full[..., State.STALL_WAVELET] -= more

    def _score_streams(self, seen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cycles a core streams scores across its head, for the KV rows it sees."""
        wavelets = attention.streamed(self._heads) * seen
        pace = lines.pace(self._program.machine)
        return lines.all_lasting(wavelets, pace) + wavelets

    def _cycles_at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return each attention's cycles in one column at each position, (positions, attentions).

        No positions: one KV row in every core.
        """
        windows = self._attentions.windows
        if not positions.size:
            one = np.ones((self.core_rows, 1), np.int64)
            return self._attentions.run(dict.fromkeys(windows, one), None)
        keeps = positions[None, :] % self.core_rows == np.arange(self.core_rows)[:, None]
        seen = {window: self._seen(positions, window).T for window in windows}
        return self._attentions.run(seen, keeps)
