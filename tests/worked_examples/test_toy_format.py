"""A new weight format needs no other file: it loads, is planned, and runs the same on all tiers."""

from dataclasses import replace

import numpy as np
import pytest

from engine.model.formats import checked_tensors
from engine.model.formats.checked_tensors import load_float_tensors, load_tensors
from engine.model.reference import QuantisedReference
from engine.model.tensors import FORMATS
from engine.model.tensors.q8 import INT8
from engine.model.tensors.stored import Stored
from engine.wafer.check.comparison import Comparison
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.planner import plan
from engine.wafer.program import machine
from tests.tiny import tiny_model
from tests.wafers import opened, runner_on
from tests.worked_examples.toy_format import TOY

SMALL = machine.get("small")
TOKENS = np.array([7, 200, 45, 45, 287, 3], np.int32)
IN_TOY = ("embed_tokens", "layers.0.mlp.down", "layers.1.self_attn")
"""Matrices of the model that are in the new format; the others are int8."""


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(FORMATS, "toy", TOY)


def random_blocks(random, shape):
    """A matrix as a GGUF file holds it: 18 bytes for 32 inputs."""
    outputs, blocks = shape[0], shape[1] // 32
    scales = (random.random((outputs, blocks, 1)) * 0.05 + 0.01).astype(np.float16)
    packed = random.integers(0, 256, (outputs, blocks, 16)).astype(np.uint8)
    return np.concatenate([scales.view(np.uint8), packed], axis=2).tobytes()


@pytest.fixture
def mixed(monkeypatch, tmp_path):
    """A tiny model from a container that has some of its matrices in the new format."""
    model, random = tiny_model(seed=1), np.random.default_rng(3)

    def read_container(folder, checksums):
        found = {}
        for name, shape in model.graph.weights.items():
            data, kind = model.tensors[name].dequantise().tobytes(), "F32"
            if any(part in name for part in IN_TOY):
                data, kind = random_blocks(random, shape), "TOY4"
            found[name] = Stored(tmp_path / "file", name, kind, shape, data)
        return tmp_path / "file", found

    monkeypatch.setattr(checked_tensors, "_read_container", read_container)
    return replace(model, tensors=load_tensors(tmp_path, model.graph, None))


def test_a_matrix_keeps_the_format_of_its_file(mixed, tmp_path):
    in_toy = {name for name, format in mixed.formats.items() if format is TOY}
    assert len(in_toy) == 1 + 1 + 4
    assert all(any(part in name for part in IN_TOY) for name in in_toy)
    assert {mixed.formats[name] for name in mixed.formats if "up_proj" in name} == {INT8}
    tensor = mixed.tensors["model.embed_tokens.weight"]
    assert tensor.size_bytes == TOY.sram_bytes(*tensor.shape) == 288 * 64 * 18 // 32
    assert (tensor.dequantise(TOKENS) == tensor.dequantise()[TOKENS]).all()
    floats = load_float_tensors(tmp_path, mixed.graph, None)
    assert floats["model.embed_tokens.weight"].shape == tensor.shape


def test_the_wafer_is_the_reference(mixed):
    runner = opened(mixed, machine.get("tiny"))
    reference = QuantisedReference(mixed.graph, mixed.tensors, runner.placed.orders)

    expected = reference.forward(TOKENS)

    assert np.array_equal(runner.prefill(TOKENS[:4]), expected[3])
    assert np.array_equal(runner.decode(int(TOKENS[4])), expected[4])


def test_both_tiers_are_the_same(mixed):
    placement = place(model_shape(mixed.graph, mixed.formats), SMALL, Shape(8, 4, 6, blocks=2), 32)

    report = Comparison(runner_on(mixed, SMALL, placement), mixed.tensors, 3, 1).run()

    assert report.first_difference is None
    assert report.values_compared > 1000
    assert abs(report.relative_error) < 0.05


def test_a_core_holds_the_packed_bytes(mixed):
    shape = Shape(4, 2, 8)
    packed, plain = (
        place(model_shape(mixed.graph, formats), SMALL, shape, 64).regions
        for formats in (mixed.formats, None)
    )
    outputs, inputs = 288 // 8, 32
    less = INT8.sram_bytes(outputs, inputs) - TOY.sram_bytes(outputs, inputs)
    assert plain[-1].sram_bytes["weights"] - packed[-1].sram_bytes["weights"] == less
    # One of two layers holds int8 in each role, and the fullest core has room for either.
    assert plain[0].sram_bytes["weights"] == packed[0].sram_bytes["weights"]


def test_it_is_planned(mixed):
    assert plan(mixed.graph, SMALL, formats=mixed.formats).model.formats.by_tensor == mixed.formats
