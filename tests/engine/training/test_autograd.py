"""Gradients of every family against numbers that PyTorch's autograd gave.

``scripts/parity_torch.py --golden`` writes the numbers: of every tensor the gradient along a probe.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.model.families import read_config
from engine.training.backpropagation import Backpropagation
from engine.training.pullback import zero_gradients
from tests.family_batches import family_batch, family_weights, probe
from tests.tiny_families import FAMILY_CONFIGS

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "gradients.json").read_text())


def gradients(tmp_path, family, dtype):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(FAMILY_CONFIGS[family]))
    graph = read_config(path).graph(family)
    weights = family_weights(graph, dtype)
    sums = zero_gradients(weights)
    loss = Backpropagation(graph, dtype).add_gradients(weights, family_batch(graph), sums)
    return loss, sums


def test_every_family_has_its_numbers():
    assert set(GOLDEN) == set(FAMILY_CONFIGS)


@pytest.mark.parametrize("family", FAMILY_CONFIGS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 1e-5)])
def test_gradients_are_autograds(tmp_path, family, dtype, tolerance):
    loss, found = gradients(tmp_path, family, dtype)
    expected = dict(GOLDEN[family])
    assert loss == pytest.approx(expected.pop("loss"), rel=tolerance)
    assert set(found) == set(expected)
    for name, gradient in found.items():
        towards = probe(name, gradient.shape)
        off = abs(np.sum(gradient * towards) - expected[name])
        assert off <= tolerance * np.linalg.norm(gradient) * np.linalg.norm(towards), name
