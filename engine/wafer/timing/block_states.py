"""The states of blocks of cores, from counts: the sums of `Timing.expand`, without expanding.

What a core does is linear in the counts, and its coefficients never change.  So they are added up
once over the cores of every block; a frame then costs some ten thousand multiplications, however
many cores there are.  All sums are of integers and exact.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.wafer.program.states import BUSY_STATES, STATES, Busy, State
from engine.wafer.timing.blocks import Patch
from engine.wafer.timing.schedule import RegionRun

__all__ = ["BlockStates", "Did", "RegionCosts"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RegionCosts:
    """What the cores of a region cost."""

    run: RegionRun
    attending: tuple[tuple[int, int, Ints], ...]
    """For each window with attentions here: its number, how many attentions, and the cycles that
    they book for each KV row of a core, int64 (4, H, W)."""
    owner: Ints | None
    """Only of the head: cycles that a lookup adds, as `ops.embed.owner_share` returns them."""


@dataclass(frozen=True, slots=True)
class Did:
    """What a placed model did, as far as its cores' states depend on it."""

    elapsed: int
    steps: int
    rows: int
    logits: int
    longer: Ints
    """By region, the cycles that its attentions add to a core's active time."""
    kv_rows: Ints
    """Σ over rows of the KV rows that a core sees, int64 (windows, core rows)."""
    attention: Ints
    """Cycles that one attention books in a core besides, int64 (windows, 4, core rows)."""
    lookups: Ints
    """Embedding rows read, by column of the head."""
    following: int
    """Cycles that the head's columns but the first wait longer between rows."""


class BlockStates:
    """Coefficients of a set of blocks.

    Args:
        patches: Which cores are in which block.
        blocks: The number of blocks; one without cores has no cycles.
        costs: Of every region, the head's last.
    """

    def __init__(self, patches: Iterable[Patch], blocks: int, costs: Sequence[RegionCosts]) -> None:
        self.blocks = blocks
        self._row, self._logit = (np.zeros((BUSY_STATES, blocks), np.int64) for _ in range(2))
        self._cores, self._active_logit = np.zeros((2, blocks), np.int64)
        self._active_row, self._active_again = np.zeros((2, blocks), np.int64)
        # Of the head, whose cores wait between its two visits: its cores, and less than elapsed.
        # And how many of them lie in other columns than the first.
        self._returning, self._idle_step, self._between = np.zeros((3, blocks), np.int64)
        self._inner = np.zeros(blocks, np.int64)
        longer, attending = _Longer([], [], [], []), _Attending([], [], [], [])
        self._owners: list[_Owner] = []
        for patch in patches:
            region = costs[patch.region]
            self._add(patch, region.run)
            if region.run.idle_step is None:
                longer.add(patch, region.run)
            for window, count, per_kv_row in region.attending:
                attending.add(patch, window, count, per_kv_row)
            if region.owner is not None:
                self._owners.append(_Owner(patch, region.owner))
        self._longer = longer.sums()
        self._attending = attending.sums()

    def states(self, did: Did) -> Ints:
        """Return the cycles of every block's cores by state, int64 (blocks, 6)."""
        busy = did.rows * self._row + did.logits * self._logit
        self._attending(busy, did)
        more = did.rows - did.steps
        active = did.steps * self._active_row + more * self._active_again
        active += did.logits * self._active_logit
        active += did.elapsed * self._returning - did.steps * self._idle_step
        active -= more * self._between + did.following * self._inner
        self._longer(active, did)
        full = np.empty((self.blocks, len(STATES)), np.int64)
        full[:, State.MAC] = busy[Busy.MAC]
        full[:, State.VECTOR] = busy[Busy.VECTOR]
        full[:, State.COMM] = busy[Busy.COMM]
        full[:, State.STALL_PIPE] = busy[Busy.PIPE]
        full[:, State.STALL_WAVELET] = active - busy.sum(axis=0)
        full[:, State.IDLE] = did.elapsed * self._cores - active
        for owner in self._owners:
            owner.add_lookups(full, did.lookups)
        return full

    def _add(self, patch: Patch, run: RegionRun) -> None:
        cells = _cells(patch)
        self._row[:, cells] += _summed(patch, run.busy_row[0])
        self._logit[:, cells] += _summed(patch, run.busy_step[0])
        self._cores[cells] += _summed(patch, np.ones_like(run.active_row))
        if run.idle_step is None:
            self._active_row[cells] += _summed(patch, run.active_row)
            self._active_again[cells] += _summed(patch, run.active_again)
            self._active_logit[cells] += _summed(patch, run.active_step)
        else:
            between = np.maximum(0, run.active_row[:, :1] - run.active_row)
            self._returning[cells] += _summed(patch, np.ones_like(run.active_row))
            self._idle_step[cells] += _summed(patch, run.idle_step)
            self._between[cells] += _summed(patch, between)
            inner = np.arange(between.shape[1]) > 0
            self._inner[cells] += _summed(patch, inner * np.ones_like(between))


_Add = Callable[[Ints, Did], None]
"""Adds a part to the cycles of all blocks, in place."""


@dataclass(frozen=True, slots=True)
class _Longer:
    """Cores that are active for longer because attentions take longer, by block and region."""

    blocks: list[Ints]
    regions: list[Ints]
    rows: list[Ints]
    """How many cores of the block take part in a row."""
    logits: list[Ints]
    """How many take part in a row, or in what follows where its logits are asked for."""

    def add(self, patch: Patch, run: RegionRun) -> None:
        cells = _cells(patch).ravel()
        self.blocks.append(cells)
        self.regions.append(np.full(cells.size, patch.region))
        taking, ending = run.active_row > 0, run.active_step > 0
        for counts, mask in ((self.rows, taking), (self.logits, taking | ending)):
            counts.append(_summed(patch, mask.astype(np.int64)).ravel())

    def sums(self) -> _Add:
        """Return what adds them up: region by region into few blocks, so all in one go."""
        if not self.blocks:
            return lambda active, did: None
        order, starts, blocks = _by_block(self.blocks)
        regions, rows, logits = (
            np.concatenate(each)[order] for each in (self.regions, self.rows, self.logits)
        )

        def add(active: Ints, did: Did) -> None:
            if did.rows:
                cores = logits if did.logits else rows
                active[blocks] += np.add.reduceat(cores * did.longer[regions], starts)

        return add


@dataclass(frozen=True, slots=True)
class _Attending:
    """What attentions book by block and core row, where it depends on the KV rows there."""

    blocks: list[Ints]
    places: list[Ints]
    """Window · core rows + core row."""
    per_kv_row: list[Ints]
    """Cycles for each KV row, int64 (4, …)."""
    attentions: list[Ints]
    """Attentions times cores."""

    def add(self, patch: Patch, window: int, count: int, per_kv_row: Ints) -> None:
        height = per_kv_row.shape[1]
        shares = _summed_across(patch, per_kv_row[:, patch.rows])
        across, cells = _groups(patch.column_cells)
        blocks = patch.row_cells[:, None] + cells[None, :]
        widths = np.diff(across, append=patch.columns.size)
        places = window * height + patch.rows
        self.blocks.append(blocks.ravel())
        self.places.append(np.broadcast_to(places[:, None], blocks.shape).ravel())
        self.per_kv_row.append(shares.reshape(BUSY_STATES, -1))
        self.attentions.append(np.broadcast_to(count * widths, blocks.shape).ravel())

    def sums(self) -> _Add:
        """Return what adds them up."""
        if not self.blocks:
            return lambda busy, did: None
        order, starts, blocks = _by_block(self.blocks)
        places = np.concatenate(self.places)[order]
        per_kv_row = np.concatenate(self.per_kv_row, axis=1)[:, order]
        attentions = np.concatenate(self.attentions)[order]

        def add(busy: Ints, did: Did) -> None:
            seen = did.kv_rows.ravel()[places]
            besides = np.ascontiguousarray(did.attention.transpose(1, 0, 2))
            for state in range(BUSY_STATES):
                booked = per_kv_row[state] * seen
                if state != Busy.MAC:
                    booked += attentions * besides[state].ravel()[places]
                busy[state, blocks] += np.add.reduceat(booked, starts)

        return add


class _Owner:
    """The lookups of the head's cores in some blocks; they were counted as waiting."""

    def __init__(self, patch: Patch, owner: Ints) -> None:
        elsewhere, at_west, west_less = (_summed_down(patch, share) for share in owner)
        self._columns = patch.columns
        self._starts, _ = _groups(patch.column_cells)
        self._cells = _cells(patch)
        self._elsewhere = elsewhere
        self._west = at_west + west_less - elsewhere if 0 in patch.columns else None

    def add_lookups(self, full: Ints, lookups: Ints) -> None:
        """Book the work of the columns that own the rows which were looked up."""
        read = np.add.reduceat(lookups[self._columns], self._starts)
        states = (State.MAC, State.VECTOR, State.COMM, State.STALL_PIPE)
        for state, share in zip(states, range(BUSY_STATES), strict=True):
            more = self._elsewhere[share][:, None] * read
            if self._west is not None:
                more[:, 0] += self._west[share] * lookups[0]
            full[self._cells, state] += more
            full[self._cells, State.STALL_WAVELET] -= more


# ── sums over the cores of a patch ──────────────────────────────────────────────────────────


def _groups(cells: Ints) -> tuple[Ints, Ints]:
    """Return where each run of equal cells begins, and these cells, each once."""
    starts = np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))
    return starts, cells[starts]


def _cells(patch: Patch) -> Ints:
    """Return the cells of a patch, int64 (cells down, cells across)."""
    down, across = _groups(patch.row_cells)[1], _groups(patch.column_cells)[1]
    return np.asarray(down[:, None] + across[None, :])


def _summed(patch: Patch, cores: Ints) -> Ints:
    """Return the sums of values (…, H, W) over the cores of each cell, as `_cells` orders them."""
    return _summed_down(patch, _summed_across(patch, cores[..., patch.rows, :]), within=True)


def _summed_across(patch: Patch, cores: Ints) -> Ints:
    starts, _ = _groups(patch.column_cells)
    return np.asarray(np.add.reduceat(cores[..., patch.columns], starts, axis=-1))


def _summed_down(patch: Patch, cores: Ints, *, within: bool = False) -> Ints:
    """Return sums over the rows of each cell: of values (…, H), or of rows that are cut out."""
    starts, _ = _groups(patch.row_cells)
    if within:
        return np.asarray(np.add.reduceat(cores, starts, axis=-2))
    return np.asarray(np.add.reduceat(cores[..., patch.rows], starts, axis=-1))


def _by_block(blocks: list[Ints]) -> tuple[Ints, Ints, Ints]:
    """Return an order in which equal blocks stand together, where each begins, and its number."""
    every = np.concatenate(blocks)
    order = np.argsort(every, kind="stable")
    return order, *_groups(every[order])
