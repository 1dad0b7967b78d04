"""The fp32 reference of every family against what transformers computed from the same weights.

`scripts/parity_transformers.py --golden` wrote the numbers.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.model.families import FAMILIES
from engine.model.families.fields import Fields
from engine.model.formats.checked_tensors import load_float_tensors
from engine.model.reference import Fp32Reference
from tests.tiny import with_attributes
from tests.tiny_families import FAMILY_CONFIGS, PROMPT, write_family

GOLDEN = Path(__file__).parents[3] / "golden" / "families"
TOLERANCE = 1e-4


def opened(name, folder):
    """The graph of a tiny model and its tensors, from a folder as Hugging Face has them."""
    fields = FAMILY_CONFIGS[name]
    config = FAMILIES[fields["model_type"]].read(Fields(fields))
    graph = config.graph(name)
    write_family(folder, fields, dict(graph.weights))
    return graph, load_float_tensors(folder, graph, None, config.adapt)


def difference(name, logits):
    expected = np.array(json.loads((GOLDEN / f"{name}.json").read_text())["logits"], np.float32)
    return np.abs(logits[-len(expected) :] - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("name", FAMILY_CONFIGS)
def test_logits_and_greedy_tokens_are_those_of_transformers(name, tmp_path):
    graph, tensors = opened(name, tmp_path)
    reference = Fp32Reference(graph, tensors)
    assert difference(name, reference.forward(PROMPT)) < TOLERANCE

    row, found = reference.prefill(PROMPT), []
    for _ in range(64):
        found.append(int(row.argmax()))
        row = reference.decode(found[-1])
    assert found == json.loads((GOLDEN / f"{name}.json").read_text())["greedy"]


@pytest.mark.parametrize(
    ("name", "op", "changed"),
    [
        ("llama_scaled", "rotary", {"factors": (1.0,) * 8}),
        ("llama_linear", "rotary", {"factors": ()}),
        ("mistral", "attention", {"window": 13}),
        ("qwen2_window", "attention", {"window": 0}),
        ("gemma", "embed", {"scale": 1.0}),
        ("gemma2", "attention", {"softcap": 0.0}),
        ("gemma2", "attention", {"scale": 32**-0.5}),
        ("gemma3", "rotary", {"base": 10000.0}),
        ("gemma3", "attention", {"window": 11}),
        ("starcoder2", "norm", {"eps": 1e-2}),
        ("granite", "add", {"scale": 1.0}),
        ("granite", "embed", {"scale": 1.0}),
    ],
)
def test_every_constant_shows_in_the_numbers(name, op, changed, tmp_path):
    graph, tensors = opened(name, tmp_path)
    other = with_attributes(graph, op, **changed)
    assert difference(name, Fp32Reference(other, tensors).forward(PROMPT)) > 10 * TOLERANCE
