"""A chip that lies about one value, count or cycle is caught: the operation, core and index named.

`fabric/test_token_tiers.py` breaks the chip itself; here the chip is right and its report is bent,
so that each thing the comparison looks at is bent alone.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.wafer.check.comparison import Comparison, check, first_tokens, progress_by_operation
from engine.wafer.fabric.chip import SimulatedChip
from engine.wafer.fast.fast_runner import open_fast
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.states import State
from tests.engine.wafer.trace.scene import model, placed

ROWS, TOKENS = 3, 2
quick = settings(max_examples=60, deadline=None, derandomize=True)


class LyingChip(SimulatedChip):
    """Does what a chip does and bends what it says of a step.

    ``lie`` takes (number of the step, what happened) and returns what is said.
    """

    lie = staticmethod(lambda number, step: step)
    steps = 0

    def step(self, tokens, *, reverse=False, recorder=None):
        found = super().step(tokens, reverse=reverse, recorder=recorder)
        self.steps += 1
        return self.lie(self.steps - 1, replace(found, trace=found.trace.copy()))


@cache
def runner():
    """The fast tier; every comparison begins at its position 0."""
    return open_fast(placed(), model().tensors)


def comparison(lie=None, tokens=TOKENS):
    """A comparison under way, with a chip that lies if told how."""
    runner().rewind(0)
    tiers = Comparison(runner(), model().tensors, ROWS, tokens)
    if lie is not None:
        tiers.chip = LyingChip(
            placed().compiled, placed().placement, model().tensors,
            rows=ROWS, context=ROWS + tokens,
        )  # fmt: skip
        tiers.chip.lie = lie
    return tiers


@pytest.fixture(scope="module")
def truth():
    """The report of a chip that does not lie."""
    return comparison().run()


@cache
def chip():
    """What every one of these chips is lowered to."""
    return comparison().chip.chip


def tap_of(op):
    """The last observer of an operation."""
    table = placed().program.instructions
    return [tap for tap in chip().taps if table[tap.instruction, Field.OP] == op][-1]


OBSERVED = (Op.NORM, Op.MATMUL, Op.ROTARY, Op.ATTENTION, Op.GATE, Op.ADD)
"""Operations whose values observers see; the others copy, or their values are seen through the
next one."""


def flip(tap, element):
    """Bend the last bit of one element in the last step."""

    def lie(number, step):
        if number == TOKENS:
            step.trace[0, tap.words[element]] ^= 1
        return step

    return lie


# ── values ──────────────────────────────────────────────────────────────────────────────────


def test_the_truth_is_bit_identical(truth):
    assert truth.bit_identical
    assert truth.first_difference is None
    assert truth.holds


@pytest.mark.parametrize("op", OBSERVED, ids=lambda op: op.name.lower())
def test_the_last_bit_of_one_value_of_any_operation_is_found(op):
    tap = tap_of(op)
    element = tap.elements.size // 2

    report = comparison(flip(tap, element)).run()

    found = report.first_difference
    row, column = divmod(int(tap.cores[element]), chip().network.columns)
    assert (found.operation, found.instruction) == (op.name.lower(), tap.instruction)
    assert (found.index, found.row) == (int(tap.elements[element]), 0)
    assert found.core == (chip().corner[0] + column, chip().corner[1] + row)
    assert found.layer == placed().program.instructions[tap.instruction, Field.LAYER]
    assert found.value == placed().program.buffers[tap.buffer].name
    bits = [np.float32(each).view(np.int32) for each in (found.fast, found.simulated)]
    assert bits[0] ^ bits[1] == 1
    assert not report.bit_identical
    assert not report.holds


def test_a_place_is_one_of_the_wafer_and_not_of_the_simulated_rectangle():
    tap = tap_of(Op.ADD)
    tiers = comparison(flip(tap, 3))
    tiers.chip.chip = replace(tiers.chip.chip, corner=(100, 200))

    row, column = divmod(int(tap.cores[3]), chip().network.columns)
    assert tiers.run().first_difference.core == (100 + column, 200 + row)


def test_the_sign_of_a_zero_is_a_difference(monkeypatch):
    """Numbers are compared by their bits: −0.0 = 0.0 would pass, and so would no NaN."""
    tap = tap_of(Op.NORM)  # after the layers: nothing else is kept in its buffer

    def lie(number, step):
        step.trace[:, tap.words[0]] = np.float32(-0.0).view(np.int32)
        return step

    tiers = comparison(lie)
    honest = tiers.runner.executor.value
    name = tiers.program.buffers[tap.buffer].name

    def zero(which, rows):
        values = honest(which, rows)
        if which == name:
            values = values.copy()
            values[:, tap.elements[0]] = 0.0
        return values

    monkeypatch.setattr(tiers.runner.executor, "value", zero)
    found = tiers.run().first_difference

    assert found.value == name
    assert str(found.fast) == "0.0"
    assert str(found.simulated) == "-0.0"


def test_of_several_the_first_in_the_program_is_named():
    """Even where a later one lies earlier in the trace."""
    taps = [tap_of(op) for op in (Op.ADD, Op.GATE, Op.MATMUL)]

    def lie(number, step):
        for tap in taps:
            step.trace[0, tap.words[0]] ^= 1
        return step

    found = comparison(lie).run().first_difference

    assert found.instruction == min(tap.instruction for tap in taps)


def test_of_several_rows_and_elements_the_first_is_named():
    tap = tap_of(Op.ADD)

    def lie(number, step):
        if number == 0:
            step.trace[1:, tap.words[5:8]] ^= 1
        return step

    found = comparison(lie).run().first_difference

    assert (found.row, found.index) == (1, int(tap.elements[5]))


def test_only_the_last_row_of_a_prefill_has_logits():
    """No tier computes the others, so nothing is compared with them."""
    tap = next(tap for tap in chip().taps if placed().program.buffers[tap.buffer].name == "logits")

    def lie(row):
        def bend(number, step):
            if number == 0:
                step.trace[row, tap.words] ^= 1
            return step

        return bend

    assert comparison(lie(0)).run().holds
    assert comparison(lie(ROWS - 1)).run().first_difference.value == "logits"


def test_it_ends_at_the_first_difference_and_keeps_no_account_of_that_step(truth):
    tap = tap_of(Op.ADD)
    report = comparison(flip(tap, 0)).run()
    ends_at_once = comparison(
        lambda number, step: replace(step, trace=step.trace ^ 1), tokens=TOKENS
    )
    nothing = ends_at_once.run()

    assert 0 < report.cycles_simulated < truth.cycles_simulated
    assert report.states["mac"].compared == TOKENS * placed().program.cores_used
    assert ends_at_once.chip.steps == 1
    assert (nothing.cycles_simulated, nothing.states) == (0, {})
    assert not nothing.holds


# ── counts ──────────────────────────────────────────────────────────────────────────────────


def states_bent(state, core, by):
    def lie(number, step):
        states = step.states.copy()
        states[core, state] += by * (number == 1)
        return replace(step, states=states)

    return lie


def test_one_multiplication_too_many_is_found_in_its_core():
    network, corner = chip().network, chip().corner
    region = placed().program.regions[0]
    x, y = region.x + 1, region.y + 2
    core = (y - corner[1]) * network.columns + x - corner[0]

    report = comparison(states_bent(State.MAC, core, 1)).run()

    assert report.bit_identical
    assert (report.states["mac"].largest, report.states["mac"].core) == (1, (x, y))
    assert report.states["mac"].beyond == 1
    assert not report.holds


@pytest.mark.parametrize("count", ["sent", "copied", "taken"])
def test_a_wavelet_lost_or_made_is_found(count, truth):
    report = comparison(
        lambda number, step: replace(step, **{count: getattr(step, count) + (number == 1)})
    ).run()

    assert report.wavelets[count] == truth.wavelets[count] + 1
    assert report.bit_identical
    assert not report.holds


def test_a_link_that_carries_more_than_one_wavelet_a_cycle_is_found():
    """The busiest step counts, not the mean."""
    report = comparison(
        lambda number, step: replace(step, busiest_link=step.cycles + 1) if number == 1 else step
    ).run()

    assert report.busiest_link > 1
    assert not report.holds


# ── cycles ──────────────────────────────────────────────────────────────────────────────────


def test_cycles_are_those_of_all_steps_with_their_tokens(truth, counted):
    timing = placed().timing
    comparison().run()

    assert [count.rows for count in counted] == [ROWS, 1, 1]
    assert truth.cycles_analytic == sum(timing.elapsed(count)[0] for count in counted)
    assert truth.skew_cycles == timing.skew_cycles
    assert truth.rows == ROWS + TOKENS


def test_a_chip_that_is_slower_is_an_error_of_the_formulas(truth):
    report = comparison(lambda number, step: replace(step, cycles=2 * step.cycles)).run()

    assert report.cycles_simulated == 2 * truth.cycles_simulated
    assert 1 + report.relative_error == pytest.approx((1 + truth.relative_error) / 2)
    assert report.bit_identical


@pytest.fixture
def counted(monkeypatch):
    """What the steps of a comparison counted, one after the other."""
    timing, counts = placed().timing, []
    count = timing.count_in_columns

    def note(*step):
        counts.append(count(*step))
        return counts[-1]

    monkeypatch.setattr(timing, "count_in_columns", note)
    return counts


def test_operations_add_up_to_the_decoded_tokens(truth, counted):
    timing = placed().timing
    comparison().run()
    decoded = sum(timing.elapsed(count)[0] for count in counted[1:])
    prefilled = comparison(tokens=0).run()

    assert sum(each.analytic for each in truth.by_op.values()) == decoded
    simulated = sum(each.simulated for each in truth.by_op.values())
    assert simulated == truth.cycles_simulated - prefilled.cycles_simulated
    for each in truth.by_op.values():
        if each.simulated:
            assert each.relative_error == pytest.approx(each.analytic / each.simulated - 1)


def slow_progress(operations, ended):
    """The end of a step moves from cycle to cycle; who ends in a cycle moved it there."""
    found, now = [0] * len(Op), 0
    flat = [(int(end), row, at) for row, ends in enumerate(ended) for at, end in enumerate(ends)]
    for end, _, at in sorted(flat):
        found[operations[at]] += max(0, end - now)
        now = max(now, end)
    return found


@quick
@given(data=st.data(), rows=st.integers(1, 4), count=st.integers(1, 12))
def test_progress_is_that_of_the_loop_and_adds_up(data, rows, count):
    ends = st.lists(st.integers(0, 60), min_size=count, max_size=count)
    ended = np.array(data.draw(st.lists(ends, min_size=rows, max_size=rows)), np.int64)
    program = placed().program
    table = program.instructions[:count]

    found = progress_by_operation(replace(program, instructions=table), ended)

    assert found.sum() == ended.max()
    assert found.tolist() == slow_progress(table[:, Field.OP].tolist(), ended)


# ── what is asked ───────────────────────────────────────────────────────────────────────────


def test_everybodys_check_has_the_same_tokens():
    assert first_tokens(288, 4).tolist() == [17, 160, 15, 158]
    assert len(set(first_tokens(49_152, 64).tolist())) == 64
    assert (first_tokens(300, 50) < 300).all()


@pytest.mark.parametrize(("tokens", "prefill"), [(-1, 8), (57, 8), (0, 65)])
def test_more_rows_than_the_context_holds_are_refused(tokens, prefill):
    """Before a kernel is compiled or a core is lowered."""
    with pytest.raises(EngineError, match=rf"{tokens} tokens after a prefill of {prefill}"):
        check(placed(), model().tensors, tokens=tokens, prefill=prefill)
