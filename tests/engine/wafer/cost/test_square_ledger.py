"""A region's clocks: random micro-steps on the ledger and in a loop over its cores are the same."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer.cost.ledger import Ledger, Tally, with_kv_slope
from engine.wafer.cost.lines import Line
from engine.wafer.ops.site import ALL, NORTH, NORTH_BUT_CORNER, WEST
from tests.engine.wafer.cost.slow_ledger import SlowLedger
from tests.wafers import random_machine

quick = settings(max_examples=60, deadline=None, derandomize=True)
thorough = settings(max_examples=200, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


class Both:
    """Tells the same micro-steps to the ledger and to the loop, and draws them at random."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.machine = replace(
            random_machine(self.random), task_cycles=int(self.random.choice([0, 9]))
        )
        self.height, self.width = (int(n) for n in self.random.integers(1, 8, 2))
        kv = self.random.integers(0, 4, (self.height, 1))
        keeps = np.arange(self.height)[:, None] == self.random.integers(self.height)
        self.ledger = Ledger(self.machine, self.height, self.width, kv=kv, keeps=keeps)
        self.slow = SlowLedger(
            self.machine, self.height, self.width, kv[:, 0].tolist(), keeps[:, 0].tolist()
        )

    def some(self, *shape, most=20):
        """Numbers of which every third or so is 0."""
        return self.random.integers(0, most, shape) * (self.random.random(shape) < 0.7)

    def cells(self):
        return (ALL, WEST, NORTH, NORTH_BUT_CORNER)[self.random.integers(4)]

    def chosen(self, cells):
        rows, columns = range(self.height)[cells[0]], range(self.width)[cells[1]]
        return [(row, column) for row in rows for column in columns]

    def work(self):
        cells = self.cells()
        shape = self.ledger.clock[cells].shape
        parts = [self.some(*shape) for _ in range(3)]
        kv = [int(n) for n in self.some(2, most=4)]
        keep = [int(n) for n in self.some(2, most=9)]
        by_core = []
        for part in parts:
            whole = np.zeros((self.height, self.width), int)
            whole[cells] = part
            by_core.append({core: int(whole[core]) for core in self.slow.cores})
        self.ledger.work(
            cells, mac=parts[0], vector=parts[1], pipe=parts[2], kv_mac=kv[0], kv_vector=kv[1],
            keep_vector=keep[0], keep_pipe=keep[1],
        )  # fmt: skip
        self.slow.work(self.chosen(cells), *by_core, kv=kv, keep=keep)

    def line(self):
        """Lines along an axis, perhaps several end to end, and their cores by line."""
        axis = int(self.random.integers(2))
        extent = (self.height, self.width)[axis]
        pitch = int(self.random.integers(1, 3))
        room = (extent - 1) // pitch + 1
        length = int(self.random.integers(1, room + 1))
        repeat = int(self.random.integers(1, room // length + 1))
        cells = (ALL, (WEST, NORTH)[axis])[self.random.integers(2)]
        across = 1 if cells is not ALL else (self.width, self.height)[axis]
        places = [
            [(number * length + place) * pitch for place in range(length)]
            for number in range(repeat)
        ]
        lines = [
            [(at, other) if axis == 0 else (other, at) for at in part]
            for other in range(across)
            for part in places
        ]
        return Line(cells, axis, extent, length, pitch, repeat), lines, pitch

    def collective(self, name):
        line, cores, pitch = self.line()
        count = np.zeros((self.height, self.width), int)
        for part in cores:  # a line has one length; its root says which
            for core in part:
                count[core] = int(self.some(1, most=12)[0]) if core == part[0] else 99
        kv = int(self.random.choice([0, 0, 1, 3]))
        group = int(self.random.integers(1, line.length + 1))
        arguments = (line, group, count, kv) if name == "reduce" else (line, count, kv)
        getattr(self.ledger, name)(*arguments)
        for part in cores:
            own = int(count[part[0]]), kv, pitch
            if name == "reduce":
                self.slow.reduce(part, group, *own)
            else:
                self.slow.multicast(part, *own)

    def look_up(self):
        column = int(self.random.integers(self.width))
        wavelets, vector = self.some(self.height), self.some(self.height)
        pipe = self.some(self.height)
        self.ledger.look_up(column, wavelets[:, None], vector, pipe)
        self.slow.look_up(column, wavelets.tolist(), vector.tolist(), pipe.tolist())

    def send_and_receive(self):
        wavelets, hops = self.some(self.height), self.some(self.height)
        link, along = int(self.some(1, most=400)[0]), int(self.some(1)[0])
        north = self.some(self.width)
        self.ledger.send(WEST, wavelets[:, None])
        self.ledger.receive(WEST, hops[:, None], wavelets[:, None], link)
        self.slow.send(wavelets.tolist())
        for row in range(self.height):
            self.slow.receive((row, 0), int(hops[row]), int(wavelets[row]), link)
        if self.width > 1:
            self.ledger.receive(NORTH_BUT_CORNER, north[None, 1:], along, link)
            for column in range(1, self.width):
                self.slow.receive((0, column), int(north[column]), along, link)

    def run(self, steps=8):
        for _ in range(steps):
            match self.random.integers(5):
                case 0 | 1:
                    self.work()
                case 2:
                    self.collective("reduce")
                case 3:
                    self.collective("multicast")
                case 4:
                    (self.look_up, self.send_and_receive)[self.random.integers(2)]()
        return self


def table(by_core, both):
    return np.array(
        [[by_core[row, col] for col in range(both.width)] for row in range(both.height)]
    )


@thorough
@given(seed=seeds)
def test_random_steps_are_those_of_the_loop(seed):
    both = Both(seed).run()
    ledger, slow = both.ledger, both.slow

    never = {core: -1 if cycle is None else cycle for core, cycle in slow.enter.items()}
    assert ledger.clock.tolist() == table(slow.clock, both).tolist()
    assert ledger.close().enter.tolist() == table(never, both).tolist()
    assert ledger.states[0].tolist() == table(slow.fixed, both).transpose(2, 0, 1).tolist()
    assert ledger.states[1].tolist() == table(slow.per_kv, both).transpose(2, 0, 1).tolist()


@quick
@given(seed=seeds)
def test_what_is_not_booked_moves_the_same_clocks(seed):
    """The timing of a step keeps clocks alone."""
    booked, bare = Both(seed), Both(seed)
    bare.ledger = replace(bare.ledger, booked=False)

    booked.run()
    bare.run()

    assert np.array_equal(bare.ledger.clock, booked.ledger.clock)
    assert np.array_equal(bare.ledger.enter, booked.ledger.enter)
    assert bare.ledger.states.size == 0


@quick
@given(seed=seeds)
def test_a_new_account_goes_on_with_the_old_clocks(seed):
    both = Both(seed).run()
    before = both.ledger.clock.copy()

    both.ledger.begin()
    assert not both.ledger.took_part().any()
    assert both.ledger.close(since=7).cycles == (0, 0)
    assert not both.ledger.active().any()
    both.run(steps=2)

    part = both.ledger.took_part()
    cost = both.ledger.close(since=5)
    assert (both.ledger.clock >= before)[part].all()
    assert cost.cycles[0] == (both.ledger.clock[part].max() - 5 if part.any() else 0)
    assert (both.ledger.active()[part] == (both.ledger.clock - both.ledger.enter)[part]).all()


def test_kv_rows_are_a_slope():
    """From one and from two rows in every core: the part without rows, and the part per row."""
    machine = random_machine(np.random.default_rng(3))
    costs = []
    for rows in (1, 2, 7):
        ledger = Ledger(machine, 2, 3, kv=np.full((2, 1), rows))
        ledger.work(ALL, mac=5, kv_mac=3, kv_vector=4)
        costs.append(ledger.close())

    assert [cost.cycles[0] for cost in costs] == [5 + 7, 5 + 14, 5 + 49]
    assert with_kv_slope(*costs[:2]).cycles == (5, 7)


# ── the planner's estimate ──────────────────────────────────────────────────────────────────


@quick
@given(seed=seeds)
def test_a_tally_is_never_less_than_the_ledger(seed):
    """Its steps wait for the slowest core, so a planner that sums them never promises too much."""
    random = np.random.default_rng(seed)
    machine = replace(random_machine(random), task_cycles=int(random.choice([0, 9])))
    height, width = (int(n) for n in random.integers(1, 8, 2))
    every = np.ones((height, 1), bool)
    ledger, tally = Ledger(machine, height, width, keeps=every), Tally(machine)
    for _ in range(6):
        axis = int(random.integers(2))
        extent = (height, width)[axis]
        line = Line(ALL, axis, extent, extent)
        kind, count = random.integers(3), int(random.integers(0, 9))
        kv, group = int(random.choice([0, 2])), int(random.integers(1, extent + 1))
        mac = random.integers(0, 20, (height, width))
        for micro in (ledger, tally):
            if kind == 0:
                micro.work(ALL, mac=mac, vector=count, kv_mac=kv, keep_vector=count)
            elif kind == 1:
                micro.reduce(line, group, count, kv)
            else:
                micro.multicast(line, count, kv)

    assert tally.cycles + tally.kv_cycles >= ledger.close().cycles[0]


@pytest.mark.parametrize("kv_wavelets", [0, 3])
@pytest.mark.parametrize("name", ["reduce", "multicast"])
def test_a_tally_of_one_collective_is_the_ledgers(name, kv_wavelets):
    """Also how much of it comes with each KV row."""
    spec = replace(
        random_machine(np.random.default_rng(8)),
        inject_cycles_per_wavelet=2.0,
        add_fp32_cycles_per_wavelet=3.0,
    )
    line = Line(ALL, 1, 6, 6)
    tally, ledgers = Tally(spec), [Ledger(spec, 2, 6, kv=np.full((2, 1), n)) for n in (1, 2)]
    arguments = (line, 3, 5, kv_wavelets) if name == "reduce" else (line, 5, kv_wavelets)
    for micro in (tally, *ledgers):
        getattr(micro, name)(*arguments)

    one, two = (ledger.close().cycles[0] for ledger in ledgers)
    assert tally.cycles + tally.kv_cycles == one
    if name == "multicast":
        assert tally.kv_cycles == two - one == 2 * kv_wavelets
    else:  # a root of two groups takes in two streams, of which a tally counts one
        assert tally.kv_cycles == 3 * kv_wavelets <= two - one
