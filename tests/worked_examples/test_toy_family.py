"""A new family needs no other file: its models load, are priced, and run the same on all tiers."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.errors import ConfigError
from engine.model.families import FAMILIES, read_config, read_graph
from engine.model.families.fields import Fields
from engine.model.load import load_model
from engine.model.reference import QuantisedReference
from engine.wafer.check.comparison import Comparison
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.planner import plan_shape
from engine.wafer.program import machine
from tests.tiny import byte_tokenizer, tiny_tensors
from tests.wafers import opened, runner_on
from tests.worked_examples.toy_family import ToyConfig

FIELDS = {
    "model_type": "toy",
    "width": 64,
    "depth": 3,
    "heads": 4,
    "vocab_size": 288,
    "positions": 32,
}
TOKENS = np.array([7, 200, 45, 45, 287, 3], np.int32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder of a Toy with random weights; the family is registered meanwhile."""
    folder = tmp_path_factory.mktemp("models") / "toy"
    folder.mkdir()
    graph = ToyConfig.read(Fields(FIELDS)).graph("toy")
    save_file(tiny_tensors(dict(graph.weights)), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(FIELDS))
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAMILIES, "toy", ToyConfig)
        yield folder


@pytest.fixture(scope="module")
def toy(folder):
    return load_model(folder)


def test_its_configuration_checks_itself(folder):
    assert read_config(folder / "config.json") == ToyConfig.read(Fields(FIELDS))
    with pytest.raises(ConfigError, match="'width' is 72; allowed: a multiple of 32"):
        ToyConfig.read(Fields(FIELDS | {"width": 72}))
    with pytest.raises(ConfigError, match="field 'depth' is missing"):
        ToyConfig.read(Fields({name: FIELDS[name] for name in ("width", "heads", "vocab_size")}))


def test_the_wafer_is_the_reference(toy):
    runner = opened(toy, machine.get("tiny"))
    reference = QuantisedReference(toy.graph, toy.tensors, runner.placed.orders)

    expected = reference.forward(TOKENS)

    assert np.array_equal(runner.prefill(TOKENS[:4]), expected[3])
    assert np.array_equal(runner.decode(int(TOKENS[4])), expected[4])


def test_both_tiers_are_the_same(toy):
    spec = machine.get("small")
    placement = place(model_shape(toy.graph), spec, Shape(8, 4, 6, blocks=2), 32)

    report = Comparison(runner_on(toy, spec, placement), toy.tensors, 3, 1).run()

    assert report.first_difference is None
    assert report.values_compared > 1000
    assert abs(report.relative_error) < 0.05
    assert report.states["mac"].largest == 0


def test_it_has_a_price(folder):
    graph = read_graph(folder)
    assert plan_shape(graph, machine.get("wse3")).chosen.cycles_per_token > 0
