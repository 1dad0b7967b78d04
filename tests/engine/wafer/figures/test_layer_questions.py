"""Products and layers in WaferLLM's way: near the published ones, and refused where they lie."""

import pytest

from engine.errors import PlacementError, PredictionError
from engine.wafer.figures import layer_questions


def test_gemv_of_16k_is_near_the_published_one() -> None:
    answer = layer_questions.gemv("wse2", k=16384, n=16384, side=512, groups=32)

    assert answer.cycles == pytest.approx(1320, rel=0.10)
    assert answer.cycles == 32 * (8 + 6) + 741
    assert answer.calibrated


def test_sizes_are_rounded_up_to_multiples_of_the_side() -> None:
    padded = layer_questions.decode_layer(
        "wse2", dim=4200, ffn=14700, seq=4200, side=420, groups=20
    )
    asked = layer_questions.decode_layer("wse2", dim=4096, ffn=14336, seq=4096, side=420, groups=20)

    assert padded.cycles == asked.cycles


def test_a_decode_layer_has_ten_all_reduces() -> None:
    names = [
        name
        for name, _ in layer_questions.decode_layer(
            "wse2", dim=512, ffn=1024, seq=512, side=32
        ).operations
    ]

    assert len([name for name in names if "product" not in name]) == 10


def test_parts_add_up() -> None:
    for answer in (
        layer_questions.decode_layer("wse2", dim=5120, ffn=13824, seq=4096, side=375),
        layer_questions.prefill_layer("wse2", dim=5120, ffn=13824, tokens=1000, side=600),
        layer_questions.gemv("wse3", k=100, n=7, side=9),
    ):
        assert answer.cycles == round(sum(cycles for _, cycles in answer.operations))


def test_growing_a_layer_never_makes_it_faster() -> None:
    def decode(dim: int, ffn: int, seq: int) -> int:
        return layer_questions.decode_layer("wse2", dim=dim, ffn=ffn, seq=seq, side=400).cycles

    assert decode(4096, 14336, 4096) < decode(8192, 14336, 4096) < decode(8192, 28672, 4096)
    assert decode(4096, 14336, 4096) <= decode(4096, 14336, 8192)


def test_a_wider_machine_is_no_slower_and_not_calibrated() -> None:
    two = layer_questions.prefill_layer("wse2", dim=4096, ffn=14336, tokens=4096, side=480)
    three = layer_questions.prefill_layer("wse3", dim=4096, ffn=14336, tokens=4096, side=480)

    assert three.cycles <= two.cycles
    assert two.calibrated
    assert not three.calibrated


@pytest.mark.parametrize("side", [0, 751])
def test_a_square_beyond_the_machine(side: int) -> None:
    with pytest.raises(PredictionError, match="1 to 750"):
        layer_questions.gemv("wse2", k=10, n=10, side=side)


def test_a_tile_that_does_not_fit() -> None:
    with pytest.raises(PlacementError) as refused:
        layer_questions.gemv("wse2", k=16384, n=16384, side=8)
    assert "8424448 bytes" in str(refused.value)
    assert "49152" in str(refused.value)
    with pytest.raises(PlacementError, match="use more cores a side"):
        layer_questions.decode_layer("wse2", dim=8192, ffn=29568, seq=4096, side=64)
    with pytest.raises(PlacementError, match="second buffers"):
        layer_questions.prefill_layer("wse2", dim=8192, ffn=29568, tokens=60000, side=480)
