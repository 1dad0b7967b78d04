"""The same tokens on the wafer: only where the model's shape is known, and by its own steps."""

import json

import pytest

from engine.remote.pricing import RemotePrices, known_configuration, plain_name
from engine.wafer.program import machine as machines
from tests.tiny_families import FAMILY_CONFIGS

SPEC = machines.get("wse3")


@pytest.fixture
def configured(tmp_path):
    """The folder of settings knows the shape of `tiny-7b`."""
    folder = tmp_path / "config" / "configurations"
    folder.mkdir(parents=True)
    (folder / "tiny-7b.json").write_text(json.dumps(FAMILY_CONFIGS["llama"]))


@pytest.mark.parametrize(
    "name",
    [
        "Qwen/Qwen2.5-Coder-0.5B-Instruct",
        "qwen2.5-coder:0.5b",
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        "/models/qwen2.5-coder-0.5b.Q8_0.gguf",
    ],
)
def test_names_of_one_shape(name):
    assert plain_name(name) == "qwen2.5-coder-0.5b"


def test_other_sizes_are_other_shapes():
    assert plain_name("qwen2.5-coder-1.5b") != plain_name("qwen2.5-coder-0.5b")
    assert plain_name("llama-3-8b") != plain_name("llama-3.1-8b")


def test_an_unknown_model_has_no_price():
    prices = RemotePrices("nobody/knows-70b", SPEC, 4096)
    generation = prices.generation(100, 0, 10, (0.1, 0.2))
    assert prices.stats(generation) is None
    assert prices.cycles(generation, decode=True) == 0
    assert (prices.machine.cores_used, prices.machine.program) == (0, "")


def test_a_known_one_is_priced_by_the_steps_the_wafer_would_take(configured):
    assert known_configuration("owner/Tiny-7B-Instruct").name == "tiny-7b.json"
    prices = RemotePrices("owner/Tiny-7B-Instruct", SPEC, 4096)
    generation = prices.generation(20, 5, 4, (0.3, 0.6))
    assert [(s.position, s.rows, s.decode) for s in generation.steps] == [
        (5, 15, False), (20, 1, True), (21, 1, True), (22, 1, True),
    ]  # fmt: skip
    assert generation.seconds(decode=True) == pytest.approx(0.6)
    stats = prices.stats(generation)
    assert stats.priced_only
    assert stats.cores_used == prices.machine.cores_used > 0
    assert stats.cycles_per_token * 3 == pytest.approx(prices.cycles(generation, decode=True))
    assert stats.cycles_prefill == prices.cycles(generation, decode=False) > 0
    assert prices.machine.regions == []


def test_what_does_not_fit_its_context_has_no_price(configured):
    prices = RemotePrices("tiny-7b", SPEC, 4096)
    rows = FAMILY_CONFIGS["llama"]["max_position_embeddings"]
    assert prices.stats(prices.generation(rows, 0, 1, (0.1, 0.0))) is not None
    assert prices.stats(prices.generation(rows, 0, 2, (0.1, 0.1))) is None
