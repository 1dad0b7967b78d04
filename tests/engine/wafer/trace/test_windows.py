"""Any rectangle of cores: its tables are a piece of the whole chip's; what lies outside is refused.

And what a trace counts by time, cycle by cycle in a loop.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import TraceError
from engine.wafer.fabric.micro import ADDRESSES, Kind, Micro, MicroField, Reduce
from engine.wafer.fabric.network import PORTS, RAMP
from engine.wafer.fabric.record import MoveField, RunField, WaitField
from engine.wafer.program.states import STATES, State
from engine.wafer.trace import collect, mnemonics, occupancy
from engine.wafer.trace.hops import hops_of
from tests.engine.wafer.trace.scene import placed, traced

quick = settings(max_examples=40, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def everything(by_formula):
    """All cores of the chip, by the formulas."""
    return traced(
        "fast", tokens=1, region=(*by_formula.corner, by_formula.columns, by_formula.rows)
    )


# ── windows ─────────────────────────────────────────────────────────────────────────────────


@quick
@given(data=st.data())
def test_a_window_of_the_formulas_is_a_piece_of_the_whole(everything, data):
    """Also one that cuts regions, or reaches beyond them."""
    whole = everything
    left = data.draw(st.integers(0, whole.columns - 1))
    top = data.draw(st.integers(0, whole.rows - 1))
    width = data.draw(st.integers(1, whole.columns - left))
    height = data.draw(st.integers(1, whole.rows - top))
    piece = slice(top, top + height), slice(left, left + width)
    region = whole.corner[0] + left, whole.corner[1] + top, width, height
    if (whole.region_map()[piece] < 0).all():
        with pytest.raises(TraceError, match="not within the placed cores"):
            traced("fast", tokens=1, region=region)
        return

    part = traced("fast", tokens=1, region=region)

    assert part.states.tolist() == whole.states[piece].tolist()
    assert part.region_map().tolist() == whole.region_map()[piece].tolist()
    assert part.steps[0].states.tolist() == whole.states[piece].sum(axis=(0, 1)).tolist()


def test_a_window_of_the_simulation_is_a_piece_of_the_whole(whole):
    """Watching fewer cores changes none of their counts."""
    x, y = whole.corner
    part = traced("cycle", tokens=1, region=(x + 2, y + 1, 5, 3))
    piece = slice(1, 4), slice(2, 7)

    assert part.states.tolist() == whole.states[piece].tolist()
    assert part.links.tolist() == whole.links[piece].tolist()
    assert part.cycles == whole.cycles


@pytest.mark.parametrize("tier", ["fast", "cycle"])
def test_one_core_beyond_any_edge_is_refused(tier, everything):
    x, y = everything.corner
    columns, rows = everything.columns, everything.rows
    for region in (
        (x - 1, y, 2, 1), (x, y - 1, 1, 2), (x, y, columns + 1, 1), (x, y, 1, rows + 1),
        (x, y, 0, 1), (x, y, 1, 0), (x + columns, y, 1, 1),
    ):  # fmt: skip
        with pytest.raises(TraceError, match=f"region {region[0]},{region[1]}.*columns {x} to"):
            traced(tier, tokens=1, region=region)


def test_cores_that_hold_nothing_are_refused_with_what_is_placed(everything):
    """A trace of idle cores is a slip of the person who asked."""
    row, column = np.argwhere(everything.region_map() < 0)[0].tolist()
    region = everything.corner[0] + column, everything.corner[1] + row, 1, 1

    with pytest.raises(TraceError) as refusal:
        traced("fast", tokens=1, region=region)

    for each in placed().program.regions:
        assert f"{each.label} {each.x},{each.y},{each.width},{each.height}" in str(refusal.value)


def test_without_a_window_the_first_layers_cores_are_watched(by_formula, simulated):
    home = next(region for region in placed().program.regions if 0 in region.layers)

    for trace in (by_formula, simulated):
        window = trace.window
        assert (window.x, window.y) == (home.x, home.y)
        assert (window.width, window.height) == (home.width, home.height)
        assert (trace.region_map() == placed().program.regions.index(home)).all()


def test_a_trace_that_grows_too_large_ends_at_once(monkeypatch):
    """Not after hours of simulation, with a disk full of half a log."""
    monkeypatch.setattr(collect, "LIMIT_BYTES", 20_000)

    with pytest.raises(TraceError, match=r"by token 1; .* are written: ask for a smaller --region"):
        traced("cycle", tokens=2)


@pytest.mark.parametrize("tier", ["fast", "cycle"])
def test_progress_counts_tokens(tier):
    seen = []
    traced(tier, tokens=2, on_progress=lambda *news: seen.append(news))

    assert [news[:2] for news in seen if "token" in news[2]] == [(0, 2), (1, 2)]


def test_both_tiers_trace_the_same_tokens_one_after_the_other(simulated, by_formula):
    for trace in (simulated, by_formula):
        assert [step.position for step in trace.steps] == [0, 1]
        assert trace.steps[1].start == trace.steps[0].cycles
        for step in trace.steps:
            assert step.moved.sum() == step.cycles
            assert (step.moved >= 0).all()


# ── by time ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cycles", [1, 7, 499, 500, 501, 99_999])
def test_bins_part_a_step_without_gaps(cycles):
    edges = occupancy.edges_of(cycles)

    assert edges[0] == 0
    assert edges[-1] == cycles
    assert (np.diff(edges) > 0).all()
    assert edges.size - 1 == min(cycles, 500)


def cycle_by_cycle(step, tables):
    """What each core of the window does in each cycle, added up over the cores: (cycles, 6)."""
    found = np.zeros((step.cycles, len(STATES)), int)
    for run in step.events.runs.tolist():
        begun, started, ended = (
            run[field] for field in (RunField.BEGUN, RunField.STARTED, RunField.ENDED)
        )
        mac, vector = run[RunField.MAC], run[RunField.VECTOR]
        if tables.program[run[RunField.AT], MicroField.OP] == Micro.COMPUTE:
            found[begun : ended - mac - vector, State.STALL_PIPE] += 1
            found[ended - mac - vector : ended - vector, State.MAC] += 1
            found[ended - vector : ended, State.VECTOR] += 1
        else:
            found[begun:started, State.STALL_PIPE] += 1
            found[started:ended, State.COMM] += 1
    for wait in step.events.waits.tolist():
        since, until = wait[WaitField.FROM], wait[WaitField.UNTIL]
        if wait[WaitField.FRESH] == 0:
            found[since:until, State.STALL_WAVELET] += 1
        found[since:until, State.COMM] -= 1
    cores = step.states.sum() // step.cycles
    found[:, State.IDLE] = cores - found.sum(axis=1)
    return found


def test_states_lie_in_the_bins_where_they_happened(simulated):
    """Their sums are tested elsewhere; here that none slipped into another bin."""
    for step in simulated.steps:
        edges = occupancy.edges_of(step.cycles)
        slow = cycle_by_cycle(step, simulated.tables)

        expected = np.add.reduceat(slow, edges[:-1], axis=0)
        found = occupancy.state_cycles(step, simulated.tables, edges)
        assert found.tolist() == expected.tolist()


def test_wavelets_lie_in_the_bins_where_they_crossed(simulated):
    step, routes = simulated.steps[1], simulated.tables.routes
    edges = occupancy.edges_of(step.cycles)
    crossed = np.zeros((edges.size - 1, int(routes.target_link.max()) + 1), int)
    moves, links = hops_of(step.events.moves, routes).links
    for move, link in zip(moves.tolist(), links.tolist(), strict=True):
        if link % PORTS != RAMP:
            cycle = step.events.moves[move, MoveField.CYCLE]
            at = next(number for number in range(edges.size - 1) if cycle < edges[number + 1])
            crossed[at, link] += 1

    load, busiest, used = occupancy.link_load(step, routes, edges)

    assert load.tolist() == crossed.sum(axis=1).tolist()
    assert busiest.tolist() == crossed.max(axis=1).tolist()
    assert used == np.count_nonzero(crossed.sum(axis=0))


def test_a_step_without_a_move_has_no_load(simulated):
    step = simulated.steps[0]
    still = replace(step, events=replace(step.events, moves=step.events.moves[:0]))

    load, busiest, used = occupancy.link_load(
        still, simulated.tables.routes, occupancy.edges_of(still.cycles)
    )

    assert (load.sum(), busiest.sum(), used) == (0, 0, 0)


# ── names ───────────────────────────────────────────────────────────────────────────────────


def micro(**given):
    row = [0] * len(MicroField)
    for name, value in given.items():
        row[MicroField[name.upper()]] = value
    return row


def test_every_micro_instruction_has_a_name_and_a_mnemonic():
    """The log of a rare operation must not end in a KeyError."""
    for kind in Kind:
        name, mnemonic = mnemonics.operation(Micro.COMPUTE, kind).split()
        assert name == kind.name
        assert mnemonic.isupper()
    for op in (op for op in Micro if op != Micro.COMPUTE):
        for reduce in Reduce:
            name, mnemonic = mnemonics.operation(op, reduce).split()
            assert name == op.name
            assert mnemonic.isupper()


def test_operands_of_a_product_are_addresses_in_its_own_core():
    """Bytes from where the core's memory begins; a word is four of them."""
    row = micro(op=Micro.COMPUTE, kind=Kind.DOT)
    base = 1000
    for number, argument in enumerate(ADDRESSES[Kind.DOT]):
        row[MicroField.A0 + argument] = base + 16 * (number + 1)

    text = mnemonics.operands(row, base, -1, -1)

    fields = dict(field.split(":") for field in text.split())
    written = {fields["Dest"], fields["Src0"], fields["Src1"]}
    assert written <= {f"addr16({64 * n:04x})" for n in (1, 2, 3, 4)}
    assert len(written) == 3
    assert fields["Imm"] == "-"


@pytest.mark.parametrize(
    ("op", "into", "out", "expected"),
    [
        (Micro.SEND, -1, 5, "Dest:C5 Src0:addr16(0008) Src1:- Src2:- Imm:0020"),
        (Micro.RECEIVE, 7, -1, "Dest:addr16(0008) Src0:C7 Src1:- Src2:- Imm:0020"),
        (Micro.REDUCE, 7, -1, "Dest:addr16(0008) Src0:addr16(0008) Src1:C7 Src2:- Imm:0020"),
        (Micro.REDUCE_SEND, 7, 5, "Dest:C5 Src0:addr16(0008) Src1:C7 Src2:- Imm:0020"),
        (Micro.EXCHANGE, 7, 5, "Dest:C5 Src0:addr16(0008) Src1:C7 Src2:addr16(0010) Imm:0020"),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Micro) else "",
)
def test_operands_of_a_stream_are_its_colors_its_memory_and_its_length(op, into, out, expected):
    row = micro(op=op, address=102, address_2=104, count=32)

    assert mnemonics.operands(row, 100, into, out) == expected
