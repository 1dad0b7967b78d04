"""The published closed forms against the reference values that were published or derived."""

import pytest

from engine.wafer.figures import closed_forms as forms

REFERENCE = [  # P, B, star, chain, tree, two-phase, broadcast, ring all-reduce
    (64, 1, 68, 379, 96, 135, 69, 882),
    (64, 16, 1013, 394, 142, 161, 84, 912),
    (64, 256, 16133, 634, 1566, 588, 324, 1384),
    (64, 4096, 258053, 4474, 24606, 8262, 4164, 8944),
    (256, 1, 260, 1531, 299, 407, 261, 3570),
    (256, 16, 4085, 1546, 359, 435, 276, 3600),
    (256, 256, 65285, 1786, 2088, 887, 516, 4078),
    (256, 4096, 1044485, 5626, 32808, 8342, 4356, 11728),
    (512, 1, 516, 3067, 561, 729, 517, 7154),
    (512, 16, 8181, 3082, 628, 758, 532, 7184),
    (512, 256, 130821, 3322, 2349, 1218, 772, 7663),
    (512, 4096, 2093061, 7162, 36909, 8573, 4612, 15328),
]


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: f"P={row[0]} B={row[1]}")
def test_reference_values(row: tuple[int, ...]) -> None:
    cores, wavelets, *published = row
    ours = (
        forms.star(cores, wavelets),
        forms.chain(cores, wavelets),
        forms.tree(cores, wavelets),
        forms.two_phase(cores, wavelets),
        forms.broadcast(cores, wavelets),
        forms.ring(cores, wavelets),
    )

    assert [abs(cycles - said) <= 0.5 for cycles, said in zip(ours, published, strict=True)] == [
        True
    ] * 6


@pytest.mark.parametrize("cores", [4, 16, 64, 256])
@pytest.mark.parametrize("wavelets", [1, 16, 4096])
def test_two_phases_of_root_p_groups_are_the_published_form(cores: int, wavelets: int) -> None:
    root = round(cores**0.5)

    assert forms.two_phase(cores, wavelets, root) == pytest.approx(forms.two_phase(cores, wavelets))


@pytest.mark.parametrize("groups", [1, 12])
def test_one_phase_is_a_chain(groups: int) -> None:
    assert forms.two_phase(12, 40, groups) == pytest.approx(forms.chain(12, 40))


def test_a_row_is_a_rectangle_of_one_row() -> None:
    assert forms.broadcast_grid(64, 1, 16) == forms.broadcast(64, 16)


def test_two_trees_of_waferllm() -> None:
    """P = 420 in 20 groups of 21: 10.5 + 210 + 210 hops and 21.5 stages of 5, then 6·B."""
    assert forms.two_tree_allreduce(420, 20, 0) == pytest.approx(430.5 + 21.5 * 5)
    assert forms.two_tree_allreduce(420, 20, 7) - forms.two_tree_allreduce(420, 20, 0) == 42
    assert forms.two_tree_allreduce(512, 32, 1) == pytest.approx(651)


def test_a_longer_ramp_is_paid_at_every_stage() -> None:
    assert forms.chain(64, 1, ramp=3) - forms.chain(64, 1) == 2 * 63
    assert forms.star(64, 1, ramp=3) - forms.star(64, 1) == 2
    assert forms.tree(64, 1, ramp=3) - forms.tree(64, 1) == 2 * 6


def test_the_measured_multicast() -> None:
    assert forms.measured_multicast(1, 64) == 39
    assert forms.measured_multicast(256, 1024) == 563
    assert forms.measured_multicast(512, 2048) == 20 + 576 + 511
