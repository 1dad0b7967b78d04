"""GGML's packed formats: levels, scales and minima, byte by byte; what is no such matrix."""

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.model.tensors import FORMATS, packed_formats
from engine.model.tensors.block_tensor import BlockTensor
from engine.model.tensors.ggml_quants import GGML_FORMATS, Q4_0, Q4_1, Q4_K, Q6_K
from engine.model.tensors.q8 import INT8
from tests.engine.model.tensors.slow_ggml import DECODERS
from tests.packs import packed, random_packed, random_packs

ALL = [*GGML_FORMATS, INT8]
each = pytest.mark.parametrize("format", ALL, ids=lambda format: format.name)


def test_every_format_that_ggml_packs_is_found_by_its_type():
    assert packed_formats() == {format.packing.type_name: format for format in ALL}
    assert {format.name: format for format in ALL}.items() <= FORMATS.items()


@each
def test_decoding_is_the_definition_weight_for_weight(format):
    """Any bytes at all, so that every bit of a pack is looked at; only the fp16s are finite."""
    packs = random_packs(np.random.default_rng(7), format, (3, 512))
    tensor = packed(format, packs, 512)
    slow = DECODERS[format.packing.type_name]
    expected = [
        [found for pack in row.reshape(-1, format.packing.bytes) for found in slow(pack)]
        for row in packs
    ]

    blocks = tensor.blocks()

    assert blocks.levels.dtype == np.int8
    assert blocks.levels.tolist() == [[level for level, _, _ in row] for row in expected]
    scales = [[scale for _, scale, _ in row[:: format.block]] for row in expected]
    assert blocks.scales.tolist() == scales
    assert (blocks.minima is not None) == format.has_minima
    if blocks.minima is not None:
        assert blocks.minima.tolist() == [
            [m for _, _, m in row[:: format.block]] for row in expected
        ]
    weights = [
        [s * np.float32(q) if m is None else s * np.float32(q) - m for q, s, m in row]
        for row in expected
    ]
    assert tensor.dequantise().tolist() == weights


@each
def test_rows_are_decoded_alone(format):
    tensor = random_packed(np.random.default_rng(8), format, (9, 256))
    levels, scales, _ = tensor.blocks()
    for rows in (slice(2, 5), np.array([7, 0, 7])):
        some = tensor.blocks(rows)
        assert (some.levels == levels[rows]).all()
        assert (some.scales == scales[rows]).all()
        assert (tensor.dequantise(rows) == tensor.dequantise()[rows]).all()
        assert tensor.raw_rows(rows).shape == (3, tensor.row_bytes)


@each
def test_a_core_and_the_host_hold_the_same_bytes(format):
    tensor = random_packed(np.random.default_rng(9), format, (5, 512))
    assert tensor.size_bytes == 5 * tensor.row_bytes == format.sram_bytes(5, 512)


def test_a_core_with_part_of_a_block_keeps_its_scales():
    assert Q4_0.row_bits(16) == 16 * 4 + 16
    assert Q4_1.row_bits(64, first=32) == 64 * 4 + 2 * 32
    # Q4_K: scale and minimum of every block of 32, both factors of every super-block of 256.
    assert Q4_K.row_bits(32, first=224) == 32 * 4 + 12 + 32
    assert Q4_K.row_bits(64, first=224) == 64 * 4 + 2 * 12 + 2 * 32
    # Q6_K: both scales of a group, as the core needs them that adds up its two terms.
    assert Q6_K.row_bits(8, first=24) == 8 * 6 + 2 * 8 + 16
    assert Q6_K.row_bits(32, first=32) == 32 * 6 + 2 * 8 + 16
    assert Q6_K.sram_bytes(3, 8) == 30
    assert Q6_K.row_bits(0, first=8) == 0


def test_what_is_no_whole_number_of_packs_is_refused():
    with pytest.raises(WeightsError, match=r"\(2, 128\); Q4_K needs .* multiple of 256"):
        BlockTensor(Q4_K, (2, 128), lambda rows: np.zeros((2, 72), np.uint8))
    with pytest.raises(WeightsError, match="fp16 has no packed form"):
        BlockTensor(FORMATS["fp16"], (2, 128), lambda rows: np.zeros((2, 72), np.uint8))


def test_numbers_that_are_none_are_refused():
    packs = random_packs(np.random.default_rng(1), Q4_K, (2, 256))
    for at, name in ((0, "scale"), (2, "minimum")):
        spoiled = packs.copy()
        spoiled[1, at : at + 2] = 0, 0x7C
        tensor = BlockTensor(Q4_K, (2, 256), lambda rows, bad=spoiled: bad[rows], "f: tensor t")
        with pytest.raises(WeightsError, match=f"f: tensor t: a {name} is not finite"):
            tensor.blocks()
        tensor.blocks(slice(0, 1))


def test_the_lowest_byte_is_no_level():
    packs = random_packs(np.random.default_rng(1), INT8, (2, 32))
    packs[0, 5] = 128
    with pytest.raises(WeightsError, match="a level is -128"):
        packed(INT8, packs, 32).blocks()


def test_a_reader_of_other_rows_is_refused():
    tensor = BlockTensor(Q4_0, (2, 32), lambda rows: np.zeros((2, 17), np.uint8), "f: tensor t")
    with pytest.raises(WeightsError, match=r"f: tensor t: rows of .*expected 18 bytes"):
        tensor.blocks()
