"""Predictions against numbers worked out by hand, and in which way they may move."""

import json
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import PlacementError, PredictionError
from engine.wafer.figures import calibration, layer_questions, waferllm
from engine.wafer.figures.collective_questions import CollectiveQuestion, collective, multicast
from engine.wafer.figures.prediction import Prediction, check_choice, check_size
from engine.wafer.figures.waferllm import (
    DecodeConstants,
    DecodeLayer,
    PrefillConstants,
    PrefillLayer,
)
from engine.wafer.program import machine

WSE2, WSE3 = machine.get("wse2"), machine.get("wse3")
quick = settings(max_examples=60, deadline=None, derandomize=True)


def cycles(spec="wse3", **question) -> int:
    return collective(spec, CollectiveQuestion(**question)).cycles


# ── collectives ─────────────────────────────────────────────────────────────────────────────


def test_two_cores_by_hand():
    """WSE-3: the first of four wavelets leaves in cycle 15, the last ⌈3 · 9/8⌉ = 4 later; a core's
    cycle, two ramps of 2 and a hop lie between; the sum is there a cycle after the last came."""
    asked = {"op": "reduce", "cores": 2, "wavelets": 4}

    for algorithm in ("chain", "star", "tree"):
        assert cycles(algorithm=algorithm, **asked) == 15 + 4 + (1 + 2 * 2 + 1) + 1


def test_a_third_core_is_a_stage_or_a_message_more():
    """A chain passes the stream on, a stage later; a star's root adds a second one after it."""
    chain, star = (
        cycles("wse2", op="reduce", algorithm=name, cores=3, wavelets=10)
        for name in ("chain", "star")
    )

    assert chain == (10 - 1) + 2 * (1 + 2 * 2 + 1) + 1
    assert star == (1 + 2 * 2 + 1) + 2 * 10


def test_a_broadcast_over_a_rectangle_by_hand():
    """From a corner to the other: 5 + 3 hops."""
    found = cycles(op="broadcast", algorithm="multicast", cores=6, rows=4, wavelets=9)

    assert found == 15 + 9 + 1 + (1 + 2 * 2 + 8)


def test_a_ring_by_hand():
    """Four cores and eight wavelets: three rounds of chunks of two to add, three to spread."""
    found = cycles("wse2", op="allreduce", algorithm="ring", cores=4, wavelets=8)

    turn = (1 + 2 * 2 + 1) + 1 + 1  # to the neighbour, the second wavelet, and done
    assert found == 2 * 3 * turn + 2 * 2


@quick
@given(
    algorithm=st.sampled_from(["chain", "star", "tree", "two-phase", "two-tree", "ring"]),
    cores=st.integers(2, 90),
    wavelets=st.integers(1, 400),
    more=st.integers(1, 50),
    spec=st.sampled_from(["wse2", "wse3"]),
)
def test_more_wavelets_never_take_fewer_cycles(algorithm, cores, wavelets, more, spec):
    asked = {"op": "allreduce", "algorithm": algorithm, "cores": cores}

    assert cycles(spec, wavelets=wavelets, **asked) <= cycles(
        spec, wavelets=wavelets + more, **asked
    )


@quick
@given(
    algorithm=st.sampled_from(["chain", "star", "tree"]),
    cores=st.integers(1, 200),
    rows=st.integers(1, 90),
    wavelets=st.integers(1, 300),
)
def test_more_cores_never_take_fewer_cycles(algorithm, cores, rows, wavelets):
    def over(columns: int, height: int) -> int:
        return cycles(
            op="reduce", algorithm=algorithm, cores=columns, rows=height, wavelets=wavelets
        )

    assert over(cores, rows) <= over(cores + 1, rows)
    assert over(cores, rows) <= over(cores, rows + 1)


# ── layers ──────────────────────────────────────────────────────────────────────────────────

SPEC = replace(WSE2, fmac_fp16=4)


def test_a_decode_layer_by_hand():
    """Two cores a side, width 8, feed-forward 12, 6 KV rows: tiles of 4, 6 and 3."""
    layer = DecodeLayer(dim=8, ffn=12, seq=6, side=2, groups=1)
    found = dict(layer.operations(SPEC, DecodeConstants(5.0, 100.0, 2.0)))

    # hops and stages of an all-reduce of nothing: m = 2, g = 1
    bare = (1 + 1 + 1) + (1 + 0.5 + 1) * 5
    assert found["q, k, v: products"] == 3 * 4 * (1 + 5)
    assert found["scores: product"] == 4 * (1 + 5)
    assert found["values: product"] == 3 * (1 + 5)
    assert found["up, gate: products"] == 2 * 4 * (2 + 5)
    assert found["down: product"] == 6 * (1 + 5)
    assert found["softmax: largest"] == 100 + 2 * 1 + bare
    assert found["q, k, v: all-reduce"] == 100 + 2 * 6 + bare
    assert found["scores: all-reduce"] == 100 + 2 * 2 + bare
    assert found["up, gate: all-reduce"] == 100 + 2 * 6 + bare
    assert found["down: all-reduce"] == 100 + 2 * 2 + bare


def test_a_prefill_layer_by_hand():
    """MeshGEMM: half a side of alignment shifts, then a step a core of the side."""
    layer = PrefillLayer(dim=8, ffn=12, tokens=20, side=2)
    found = dict(layer.operations(SPEC, PrefillConstants(5.0, 30.0)))

    def shift(elements: int) -> int:
        return 2 + ceil(elements / 2) + 5

    # o: C[20, 8] = A[20, 8]·B[8, 8]: tiles of 10 × 4 and 4 × 4
    compute = 4 * 4 * (3 + 5)
    assert found["o"] == shift(10 * 4) + 2 * (compute + 30)
    assert found["q, k, v"] == 3 * found["o"]
    # scores: A[20, 8]·B[8, 20]
    assert found["scores"] == shift(10 * 4) + 2 * (4 * 10 * (3 + 5) + 30)
    assert found["down"] == shift(10 * 6) + 2 * (6 * 4 * (3 + 5) + 30)


def test_a_shift_that_is_longer_than_its_products_is_what_counts():
    layer = PrefillLayer(dim=2, ffn=2, tokens=4096, side=2)
    fast = replace(SPEC, fmac_fp16=10**6, sram_bytes=10**9)
    found = dict(layer.operations(fast, PrefillConstants(0.0, 0.0)))

    moving = 2 + ceil(2048 / 2) + 5
    assert found["o"] == moving + 2 * moving


def test_a_core_that_is_just_full_is_accepted():
    """The bytes in a refusal are those that would do."""
    asked = {"k": 16_384, "n": 16_384, "side": 128, "groups": 8}
    tile = 2 * (128 * 128 + 128 + 2 * 128)
    just = replace(WSE2, sram_bytes=tile + WSE2.code_bytes + WSE2.system_bytes)
    operations = waferllm.gemv_operations(
        just, asked["k"], asked["n"], asked["side"], asked["groups"]
    )
    assert dict(operations)["product"] == 128 * (128 // 4 + 6)

    short = replace(just, sram_bytes=just.sram_bytes - 1)
    with pytest.raises(PlacementError, match=f"needs {just.sram_bytes} bytes of SRAM"):
        waferllm.gemv_operations(short, asked["k"], asked["n"], asked["side"], asked["groups"])


def test_one_core_needs_no_all_reduce():
    found = dict(waferllm.gemv_operations(WSE2, 8, 8, 1, 1))

    assert found == {"product": 8 * (2 + 6), "all-reduce": 0.0}


@quick
@given(
    dim=st.integers(64, 4096),
    ffn=st.integers(64, 8192),
    seq=st.integers(1, 2048),
    more=st.integers(1, 500),
)
def test_a_larger_layer_never_takes_fewer_cycles(dim, ffn, seq, more):
    def decode(dim: int, ffn: int, seq: int) -> float:
        layer = DecodeLayer(dim, ffn, seq, 360, 18)
        return waferllm.total(layer.operations(WSE2, calibration.WSE2_DECODE))

    base = decode(dim, ffn, seq)
    assert base <= decode(dim + more, ffn, seq)
    assert base <= decode(dim, ffn + more, seq)
    assert base <= decode(dim, ffn, seq + more)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: layer_questions.gemv("wse2", k=0, n=8, side=2), "k is 0"),
        (lambda: layer_questions.gemv("wse2", k=8, n=10**10, side=2), "n is 10000000000"),
        (lambda: layer_questions.gemv("wse2", k=8, n=8, side=6, groups=4), "1, 2, 3, 6"),
        (
            lambda: layer_questions.decode_layer("wse2", dim=8, ffn=8, seq=0, side=2),
            "seq is 0: it must be 1",
        ),
        (
            lambda: layer_questions.prefill_layer("wse2", dim=8, ffn=8, tokens=-1, side=2),
            "tokens is -1",
        ),
    ],
)
def test_sizes_that_make_no_sense_are_refused_by_name(ask, words):
    with pytest.raises(PredictionError, match=words):
        ask()


# ── answers ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "ask",
    [
        lambda clock: multicast("wse3", cores=9, payload_bytes=64, clock_ghz=clock),
        lambda clock: collective(
            "wse2",
            CollectiveQuestion("reduce", "chain", 9, 9),
            clock_ghz=clock,
        ),
        lambda clock: layer_questions.gemv("wse2", k=64, n=64, side=4, clock_ghz=clock),
    ],
    ids=["multicast", "collective", "gemv"],
)
def test_a_clock_turns_the_same_cycles_into_other_seconds(ask):
    slow, fast = ask(0.5), ask(1.0)

    assert slow.cycles == fast.cycles
    assert slow.as_json()["clock_ghz"] == 0.5
    assert slow.as_json()["seconds"] == pytest.approx(2 * fast.as_json()["seconds"])
    assert fast.as_json()["seconds"] == pytest.approx(fast.cycles / 1e9)


def test_an_answer_repeats_the_question_and_says_what_it_rests_on():
    answer = Prediction(
        1500, "analytic", WSE3, False, {"cores": 4}, [("a", 700.25), ("b", 799.75)], "cycles_per_x"
    ).as_json()

    assert json.loads(json.dumps(answer)) == {
        "cycles_per_x": 1500, "tier": "analytic", "machine": "wse3", "clock_ghz": 0.85,
        "seconds": pytest.approx(1500 / 0.85e9), "calibrated": False, "cores": 4,
        "operations": {"a": 700.2, "b": 799.8},
    }  # fmt: skip
    assert "operations" not in Prediction(1, "cycle", WSE3, True, {}).as_json()


def test_constants_are_plain_and_say_where_they_come_from():
    """`wafer validate --json` prints them."""
    found = json.loads(json.dumps(calibration.facts()))

    assert {fact["origin"] for fact in found} <= {"identity", "measured", "fitted", "assumed"}
    assert {(fact["machine"], fact["name"]) for fact in found} >= {
        ("wse2", "ramp"), ("wse3", "dispatch"), ("wse3", "task"),
    }  # fmt: skip
    rows = [set(fact["fitted_on"]) & set(fact["kept_out"]) for fact in found]
    assert not any(rows)  # no row is on both sides of a fit


def test_bounds_of_a_size_belong_to_it():
    for value in (1, 7):
        check_size("side", value, 7, "cores")
    for value in (0, 8):
        with pytest.raises(PredictionError, match=rf"side is {value}: it must be 1 to 7 \(cores\)"):
            check_size("side", value, 7, "cores")
    check_choice("tier", "a", ("a", "b"))
    with pytest.raises(PredictionError, match="unknown tier 'c': known are a, b"):
        check_choice("tier", "c", ("a", "b"))
