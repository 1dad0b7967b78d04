"""Collectives on the simulated fabric: the sums, bit for bit in their order, and their cycles.

Against plain NumPy loops written here, the published closed forms, and the analytic tier.
"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wafer.cost import collectives
from engine.wafer.fabric import lone_collectives
from engine.wafer.fabric.simulator import Totals
from engine.wafer.figures import closed_forms
from engine.wafer.figures.collective_questions import (
    CollectiveQuestion,
    collective,
    nearest_groups,
)
from engine.wafer.program import machine

WSE2, WSE3 = machine.get("wse2"), machine.get("wse3")
REDUCTIONS = ("star", "chain", "tree", "two-phase", "two-tree")
quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


# ── the order of the sums, as plain loops ───────────────────────────────────────────────────


def chain_sum(vectors):
    """From the last core to the first."""
    total = vectors[-1]
    for own in vectors[-2::-1]:
        total = own + total
    return total


def star_sum(vectors, groups):
    total = vectors[0]
    for arrived in vectors[1:]:
        total = total + arrived
    return total


def tree_sum(vectors, groups, core=0):
    total, distance = vectors[core], 1
    while (core == 0 or distance < (core & -core)) and core + distance < len(vectors):
        total = total + tree_sum(vectors, groups, core + distance)
        distance *= 2
    return total


def two_phase_sum(vectors, groups):
    size = len(vectors) // groups
    return chain_sum([chain_sum(vectors[g * size : (g + 1) * size]) for g in range(groups)])


def both_sides(vectors, root):
    """The farther half first, then the nearer, both in chains towards ``root``."""
    total = vectors[root]
    if root + 1 < len(vectors):
        total = total + chain_sum(vectors[root + 1 :])
    if root:
        total = total + chain_sum(vectors[root - 1 :: -1])
    return total


def two_tree_sum(vectors, groups):
    size = len(vectors) // groups
    parts = [both_sides(vectors[g * size : (g + 1) * size], size // 2) for g in range(groups)]
    return both_sides(parts, groups // 2)


SUMS: dict[str, Callable] = {
    "star": star_sum,
    "chain": lambda vectors, groups: chain_sum(vectors),
    "tree": tree_sum,
    "two-phase": two_phase_sum,
    "two-tree": two_tree_sum,
}


def ring_sum(vectors):
    """Chunk c starts at core c and goes once round."""
    cores = len(vectors)
    chunks = [np.split(vector, cores) for vector in vectors]
    total = []
    for c in range(cores):
        acc = chunks[c][c]
        for step in range(1, cores):
            acc = chunks[(c + step) % cores][c] + acc
        total.append(acc)
    return np.concatenate(total)


def random_vectors(seed, rows, columns, wavelets, dtype):
    """Values of mixed size, whose sums depend on their order; float32, or pairs of float16."""
    rng = np.random.default_rng(seed)
    width = wavelets * (2 if dtype == "fp16" else 1)
    values = rng.standard_normal((rows, columns, width)) * 10.0 ** rng.integers(
        -2, 3, (rows, columns, width)
    )
    return values.astype(np.float16 if dtype == "fp16" else np.float32)


def run(asked, values, **options):
    """Simulate, and return (result, values afterwards)."""
    result = lone_collectives.run(asked, np.ascontiguousarray(values).view(np.int32), **options)
    return result, result.vectors.view(values.dtype)


# ── values ──────────────────────────────────────────────────────────────────────────────────


@quick
@given(
    seed=seeds,
    algorithm=st.sampled_from(REDUCTIONS),
    columns=st.integers(1, 24),
    rows=st.integers(1, 6),
    wavelets=st.integers(1, 20),
    dtype=st.sampled_from(["fp32", "fp16"]),
    spec=st.sampled_from([WSE2, WSE3]),
)
def test_a_reduction_is_the_sum_in_its_order(seed, algorithm, columns, rows, wavelets, dtype, spec):
    values = random_vectors(seed, rows, columns, wavelets, dtype)
    groups = nearest_groups(columns), nearest_groups(rows)
    asked = lone_collectives.Collective(
        spec, "reduce", algorithm, columns, rows, wavelets, groups, dtype
    )

    _, after = run(asked, values)

    along_x = [SUMS[algorithm](list(row), groups[0]) for row in values]
    expected = SUMS[algorithm](along_x, groups[1])
    column, row = asked.root
    assert after[row, column].tobytes() == expected.tobytes()


@quick
@given(
    seed=seeds,
    cores=st.integers(2, 40),
    groups=st.integers(1, 40),
    wavelets=st.sampled_from([1, 2, 7, 40]),
    spec=st.sampled_from([WSE2, WSE3]),
)
def test_groups_need_not_divide_a_line(seed, cores, groups, wavelets, spec):
    """The last group is smaller: the sum in its order, and cycles near the analytic tier's."""
    groups = min(groups, cores)
    values = random_vectors(seed, 1, cores, wavelets, "fp32")
    asked = lone_collectives.Collective(
        spec, "reduce", "two-phase", cores, 1, wavelets, (groups, 1)
    )

    result, after = run(asked, values)

    size = -(-cores // groups)
    parts = [chain_sum(values[0][at : at + size]) for at in range(0, cores, size)]
    assert after[0, 0].tobytes() == chain_sum(parts).tobytes()
    assert result.cycles == pytest.approx(collectives.cycles(asked), rel=0.01, abs=1)


@quick
@given(
    seed=seeds,
    algorithm=st.sampled_from(REDUCTIONS),
    columns=st.integers(1, 12),
    rows=st.integers(1, 12),
    wavelets=st.integers(1, 9),
)
def test_after_an_all_reduce_all_cores_hold_the_sum(seed, algorithm, columns, rows, wavelets):
    values = random_vectors(seed, rows, columns, wavelets, "fp32")
    groups = nearest_groups(columns), nearest_groups(rows)
    asked = lone_collectives.Collective(
        WSE3, "allreduce", algorithm, columns, rows, wavelets, groups
    )

    _, after = run(asked, values)

    along_x = [SUMS[algorithm](list(row), groups[0]) for row in values]
    expected = SUMS[algorithm](along_x, groups[1])
    assert all(core.tobytes() == expected.tobytes() for row in after for core in row)


@quick
@given(seed=seeds, cores=st.integers(2, 12), chunk=st.integers(1, 6))
def test_a_ring_leaves_its_sum_in_all_cores(seed, cores, chunk):
    values = random_vectors(seed, 1, cores, cores * chunk, "fp32")
    asked = lone_collectives.Collective(WSE2, "allreduce", "ring", cores, 1, cores * chunk)

    _, after = run(asked, values)

    expected = ring_sum(list(values[0]))
    assert all(core.tobytes() == expected.tobytes() for core in after[0])


def test_a_ring_along_both_axes():
    values = random_vectors(3, 2, 3, 12, "fp32")

    _, after = run(lone_collectives.Collective(WSE3, "allreduce", "ring", 3, 2, 12), values)

    expected = ring_sum([ring_sum(list(row)) for row in values])
    assert all(core.tobytes() == expected.tobytes() for row in after for core in row)


@quick
@given(seed=seeds, columns=st.integers(1, 20), rows=st.integers(1, 20), wavelets=st.integers(1, 30))
def test_a_broadcast_brings_the_first_cores_vector_to_all(seed, columns, rows, wavelets):
    values = random_vectors(seed, rows, columns, wavelets, "fp32")
    asked = lone_collectives.Collective(WSE3, "broadcast", "multicast", columns, rows, wavelets)

    _, after = run(asked, values)

    assert all(core.tobytes() == values[0, 0].tobytes() for row in after for core in row)


# ── cycles ──────────────────────────────────────────────────────────────────────────────────


@quick
@given(
    seed=seeds,
    algorithm=st.sampled_from(REDUCTIONS),
    columns=st.integers(1, 20),
    rows=st.integers(1, 5),
    wavelets=st.integers(1, 20),
)
def test_the_order_of_visits_changes_nothing(seed, algorithm, columns, rows, wavelets):
    values = random_vectors(seed, rows, columns, wavelets, "fp32")
    groups = nearest_groups(columns), nearest_groups(rows)
    asked = lone_collectives.Collective(
        WSE3, "allreduce", algorithm, columns, rows, wavelets, groups
    )

    forwards, one = run(asked, values)
    backwards, other = run(asked, values, reverse=True)

    assert forwards.cycles == backwards.cycles
    assert one.tobytes() == other.tobytes()
    totals = forwards.fabric.totals
    assert totals[Totals.SENT] + totals[Totals.COPIED] == totals[Totals.TAKEN]


@pytest.mark.parametrize("cores", [4, 16, 64])
@pytest.mark.parametrize("wavelets", [1, 2, 16, 300])
def test_chain_star_and_broadcast_are_the_closed_forms(cores, wavelets):
    forms = {
        ("reduce", "chain"): closed_forms.chain,
        ("reduce", "star"): closed_forms.star,
        ("broadcast", "multicast"): closed_forms.broadcast,
    }
    for (op, algorithm), form in forms.items():
        cycles = lone_collectives.run(
            lone_collectives.Collective(WSE2, op, algorithm, cores, 1, wavelets)
        ).cycles
        assert abs(cycles - form(cores, wavelets)) <= 2


@pytest.mark.parametrize("cores", [2, 4, 16, 32])
@pytest.mark.parametrize("chunk", [1, 5, 32])
def test_a_ring_is_its_closed_form_to_the_cycle(cores, chunk):
    asked = lone_collectives.Collective(WSE2, "allreduce", "ring", cores, 1, cores * chunk)

    assert lone_collectives.run(asked).cycles == pytest.approx(
        closed_forms.ring(cores, cores * chunk)
    )


@pytest.mark.parametrize("algorithm", ["tree", "two-phase"])
@pytest.mark.parametrize("cores", [4, 16, 64, 256])
def test_tree_and_two_phases_are_near_their_closed_forms(algorithm, cores):
    groups = nearest_groups(cores)
    for wavelets in (1, 16, 16 * cores):
        cycles = lone_collectives.run(
            lone_collectives.Collective(WSE2, "reduce", algorithm, cores, 1, wavelets, (groups, 1))
        ).cycles
        published = (
            closed_forms.tree(cores, wavelets)
            if algorithm == "tree"
            else closed_forms.two_phase(cores, wavelets, groups)
        )
        near = 0.20 if wavelets == 16 else 0.04
        assert cycles == pytest.approx(published, rel=near)


def test_a_scalar_is_summed_over_a_chain_core_by_core():
    """Six cycles a core: its own, two ramps of two and a hop."""
    one, two = (
        lone_collectives.run(
            lone_collectives.Collective(WSE2, "reduce", "chain", cores, 1, 1)
        ).cycles
        for cores in (10, 11)
    )

    assert two - one == 6


# ── the analytic tier ───────────────────────────────────────────────────────────────────────

SIZES = ((2, 1), (8, 1), (12, 1), (25, 1), (64, 1), (100, 1), (16, 16), (24, 5))
WAVELETS = (1, 2, 4, 8, 16, 64, 300)


def corpus():
    """Yield (what, [(B, analytic, simulated)]) of every collective in the corpus."""
    for name in ("wse2", "wse3"):
        for algorithm in ("multicast", *REDUCTIONS, "ring"):
            for columns, rows in SIZES:
                for dtype in ("fp32", "fp16"):
                    if dtype == "fp16" and (algorithm == "multicast" or columns != 12):
                        continue
                    op = {"multicast": "broadcast", "ring": "allreduce"}.get(algorithm, "reduce")
                    ask = {
                        "op": op, "algorithm": algorithm, "cores": columns, "rows": rows,
                        "dtype": dtype,
                    }  # fmt: skip
                    lengths = WAVELETS
                    if algorithm == "ring":
                        lengths = tuple(columns * rows * b for b in (1, 4)) if rows < 9 else ()
                    cells = []
                    for wavelets in lengths:
                        question = CollectiveQuestion(**ask, wavelets=wavelets)
                        analytic = collective(name, question).cycles
                        simulated = collective(name, question, tier="cycle").cycles
                        cells.append((wavelets, analytic, simulated))
                    if cells:
                        yield f"{name} {op} {algorithm} {columns}×{rows} {dtype}", cells


def test_the_analytic_tier_against_the_cycle_tier_over_a_corpus(golden):
    """Mean error at most 2 %, none above 6 %; the table is for people to read."""
    rows = list(corpus())
    errors = [analytic / simulated - 1 for _, cells in rows for _, analytic, simulated in cells]
    worst = max(errors, key=abs)
    mean = float(np.mean(np.abs(errors)))
    lines = [
        "Analytic against cycle tier: one collective alone, from an aligned start.",
        "Each cell: wavelets: analytic/simulated cycles, and the error where there is one.",
        f"{len(errors)} cells, mean |error| {mean:.2%}, largest {worst:+.2%}",
        "",
    ]
    for what, cells in rows:
        texts = []
        for wavelets, analytic, simulated in cells:
            error = f" {analytic / simulated - 1:+.1%}" if analytic != simulated else ""
            texts.append(f"{wavelets}: {analytic}/{simulated}{error}")
        lines.append(f"{what:<38} {'  '.join(texts)}")
    golden("collectives.txt", "\n".join(lines) + "\n")

    assert mean <= 0.02
    assert abs(worst) <= 0.06
