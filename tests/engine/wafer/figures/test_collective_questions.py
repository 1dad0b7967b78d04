"""What ``wafer predict`` answers and refuses, as functions; the command line has its own tests."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import MachineError, PredictionError
from engine.wafer.figures import closed_forms
from engine.wafer.figures.collective_questions import (
    CollectiveQuestion,
    collective,
    multicast,
    nearest_groups,
)
from engine.wafer.figures.measured_rows import MULTICAST_ROWS, SLOW_MULTICAST, MulticastRow
from engine.wafer.figures.prediction import Prediction

quick = settings(max_examples=60, deadline=None, derandomize=True)


def predicted(machine: str, *, tier: str = "analytic", **question: Any) -> Prediction:
    return collective(machine, CollectiveQuestion(**question), tier=tier)


# ── collectives ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cores", [2, 3, 64, 377, 750])
@pytest.mark.parametrize("wavelets", [1, 2, 31, 1000, 4096])
def test_analytic_chain_star_and_broadcast_are_the_closed_forms_on_wse2(
    cores: int, wavelets: int
) -> None:
    for op, algorithm in (("reduce", "chain"), ("reduce", "star"), ("broadcast", "multicast")):
        ask = {"op": op, "algorithm": algorithm, "cores": cores, "wavelets": wavelets}
        ours = predicted("wse2", **ask).cycles
        published = predicted("wse2", **ask, tier="formula").cycles
        assert abs(ours - published) <= 2


@pytest.mark.parametrize("algorithm", ["tree", "two-phase"])
@pytest.mark.parametrize("cores", [4, 16, 64, 256])
def test_analytic_tree_and_two_phases_are_near_theirs(algorithm: str, cores: int) -> None:
    for wavelets in (1, 16 * cores, 12000):
        ask = {"op": "reduce", "algorithm": algorithm, "cores": cores, "wavelets": wavelets}
        ours = predicted("wse2", **ask).cycles
        published = predicted("wse2", **ask, tier="formula").cycles
        assert ours == pytest.approx(published, rel=0.04)


@quick
@given(
    columns=st.integers(1, 60),
    rows=st.integers(1, 60),
    wavelets=st.integers(1, 300),
    algorithm=st.sampled_from(["star", "chain", "tree", "two-phase"]),
    machine=st.sampled_from(["wse2", "wse3"]),
)
def test_an_all_reduce_is_a_reduction_and_a_multicast(
    columns: int, rows: int, wavelets: int, algorithm: str, machine: str
) -> None:
    def cycles(op: str, name: str) -> int:
        return predicted(
            machine, op=op, algorithm=name, cores=columns, rows=rows, wavelets=wavelets
        ).cycles

    together = cycles("allreduce", algorithm)

    assert together == cycles("reduce", algorithm) + cycles("broadcast", "multicast")


@quick
@given(cores=st.integers(1, 300), rows=st.integers(1, 300), wavelets=st.integers(1, 500))
def test_x_then_y(cores: int, rows: int, wavelets: int) -> None:
    def chain(columns: int, height: int = 1) -> int:
        return predicted(
            "wse3", op="reduce", algorithm="chain", cores=columns, rows=height, wavelets=wavelets
        ).cycles

    assert chain(cores, rows) == chain(cores) + chain(rows)


@quick
@given(
    cores=st.integers(2, 200),
    wavelets=st.integers(1, 500),
    algorithm=st.sampled_from(["star", "chain", "tree", "two-phase", "two-tree"]),
)
def test_fp16_sums_never_take_less_than_fp32(cores: int, wavelets: int, algorithm: str) -> None:
    def cycles(dtype: str) -> int:
        return predicted(
            "wse2", op="reduce", algorithm=algorithm, cores=cores, wavelets=wavelets, dtype=dtype
        ).cycles

    assert cycles("fp16") >= cycles("fp32")


def test_the_default_groups_are_the_divisor_nearest_the_root() -> None:
    assert nearest_groups(256) == 16
    assert nearest_groups(420) == 20
    assert nearest_groups(13) == 1
    asked = predicted("wse2", op="reduce", algorithm="two-phase", cores=512, wavelets=9).asked
    assert asked["group"] == nearest_groups(512)


def test_the_formula_of_two_phases_has_root_p_groups_unless_told() -> None:
    ask = {"op": "reduce", "algorithm": "two-phase", "cores": 512, "wavelets": 256}

    assert predicted("wse2", **ask, tier="formula").cycles == 1218
    told = predicted("wse2", **ask, groups=16, tier="formula").cycles
    assert told == round(closed_forms.two_phase(512, 256, 16))


def test_groups_that_do_not_divide_leave_a_smaller_last_one() -> None:
    asked = predicted(
        "wse2", op="reduce", algorithm="two-phase", cores=512, wavelets=9, groups=100
    ).asked

    assert asked["group"] == 86  # of six cores
    assert asked["last_group_cores"] == 2


def test_one_core_has_nothing_to_do() -> None:
    for algorithm in ("star", "chain", "tree", "two-phase", "two-tree", "ring"):
        answer = predicted("wse3", op="allreduce", algorithm=algorithm, cores=1, wavelets=8)
        assert answer.cycles == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cores": 0}, "cores is 0: it must be 1 to 755"),
        ({"cores": 756}, "1 to 755"),
        ({"rows": -1}, "rows is -1"),
        ({"wavelets": 0}, "wavelets is 0"),
        ({"wavelets": 20_000}, "80000 bytes"),
        ({"groups": 3, "algorithm": "two-tree"}, "must divide the cores: 1, 2, 4, 8"),
        ({"groups": 9, "algorithm": "two-phase"}, "9 groups of 8 cores"),
        ({"groups": 0}, "0 groups of 8 cores"),
        ({"algorithm": "butterfly"}, "unknown algorithm 'butterfly'"),
        ({"op": "scatter"}, "unknown operation 'scatter'"),
        ({"algorithm": "multicast"}, "no reduce by multicast: use star or chain"),
        ({"algorithm": "ring"}, "no reduce by ring"),
        ({"op": "broadcast"}, "no broadcast by chain: use multicast"),
        ({"tier": "guess"}, "unknown tier 'guess'"),
        ({"dtype": "fp8"}, "unknown dtype 'fp8'"),
        ({"cores": 700, "rows": 1000, "tier": "cycle"}, "tile-cycles"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], words: str) -> None:
    ask = {"op": "reduce", "algorithm": "chain", "cores": 8, "rows": 1, "wavelets": 4} | change

    with pytest.raises(PredictionError) as refused:
        predicted("wse3", **ask)

    assert words in str(refused.value)


def test_an_unknown_machine() -> None:
    with pytest.raises(MachineError):
        multicast("wse9", cores=4, payload_bytes=4)


# ── multicast ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", MULTICAST_ROWS, ids=lambda row: row.name)
def test_multicast_within_a_cycle_of_the_measured_minima(row: MulticastRow) -> None:
    cycles = multicast("wse3", cores=row.cores, payload_bytes=row.payload_bytes).cycles

    if (row.payload_bytes, row.cores) != SLOW_MULTICAST:
        assert abs(cycles - row.cycles) <= 1


@quick
@given(cores=st.integers(1, 755), size=st.integers(1, 4096))
def test_multicast_of_any_size_is_the_measured_line(cores: int, size: int) -> None:
    ours = multicast("wse3", cores=cores, payload_bytes=size).cycles
    line = multicast("wse3", cores=cores, payload_bytes=size, tier="formula").cycles

    assert abs(ours - line) <= 1


# ── the answer ──────────────────────────────────────────────────────────────────────────────


def test_an_answer_in_seconds_has_the_clock_that_was_named() -> None:
    answer = multicast("wse3", cores=16, payload_bytes=64, clock_ghz=0.5).as_json()

    assert answer["clock_ghz"] == 0.5
    assert answer["seconds"] == pytest.approx(answer["cycles"] / 0.5e9)
    assert list(answer)[:6] == [
        "cycles", "tier", "machine", "clock_ghz", "seconds", "calibrated",
    ]  # fmt: skip
