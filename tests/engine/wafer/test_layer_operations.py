"""What decoders have that a Llama has not: every tier gives the same bits and nearly the cycles.

One kind of decoder after the other (`tests.graphs.Traits`), on random machines and placements.
"""

import numpy as np
import pytest

from engine.model.reference import Fp32Reference, QuantisedReference
from engine.wafer.check.comparison import Comparison
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import Shape, place
from engine.wafer.program import machine
from tests.graphs import Traits, decoder
from tests.wafers import random_machine, random_placement, random_steps, runner_on

SMALL = machine.get("small")
SPLIT_HEADS = Shape(8, 4, 6, blocks=2)  # two columns share a head
WHOLE_HEADS = Shape(2, 2, 5, blocks=1)  # a column holds two query heads

KINDS = {
    "biases": Traits(biases=frozenset({"q", "k", "v"})),
    "all biases": Traits(biases=frozenset({"q", "k", "v", "o", "gate", "up", "down"})),
}
"""What is tested alone."""

FAMILIES = {
    "qwen2": Traits(heads=2, kv_heads=1, biases=frozenset({"q", "k", "v"})),
}
"""Every family's combination."""

ALL = KINDS | FAMILIES
each_kind = pytest.mark.parametrize("name", ALL)


def tokens_of(random, count):
    return random.integers(0, 288, count).astype(np.int32)


@each_kind
def test_the_fast_tier_is_the_reference(name):
    """Any placement, any split of the rows into steps, one thread or two."""
    random = np.random.default_rng(sum(map(ord, name)))
    for threads in (1, 2):
        model = decoder(ALL[name], seed=threads)
        spec = random_machine(random)
        runner = runner_on(
            model, spec, random_placement(random, model, spec), threads=threads, path="portable"
        )
        tokens = tokens_of(random, 26)
        sizes = random_steps(random, 26, longest=12)
        ends = np.cumsum(sizes)

        logits = [
            runner.prefill(tokens[end - size : end]) for size, end in zip(sizes, ends, strict=True)
        ]

        reference = QuantisedReference(model.graph, model.tensors, runner.placed.orders)
        assert np.array_equal(np.array(logits), reference.forward(tokens)[ends - 1])


@pytest.mark.parametrize("shape", [SPLIT_HEADS, WHOLE_HEADS], ids=["split", "whole"])
@each_kind
def test_the_cycle_tier_is_the_fast_tier(name, shape):
    """All values, core by core; a decode's cycles within a few percent; all arithmetic booked."""
    model = decoder(ALL[name])
    runner = runner_on(model, SMALL, place(model_shape(model.graph), SMALL, shape, 32))

    report = Comparison(runner, model.tensors, 9, 1).run()

    assert report.first_difference is None
    assert report.values_compared > 1000
    assert report.wavelets["sent"] + report.wavelets["copied"] == report.wavelets["taken"]
    assert abs(report.relative_error) < 0.05
    assert report.states["mac"].largest == 0
    assert report.states["vector"].largest == 0


@each_kind
def test_the_float_model_is_near(name):
    """The quantised reference means what the fp32 one means."""
    model = decoder(ALL[name])
    tokens = tokens_of(np.random.default_rng(3), 20)
    placement = place(model_shape(model.graph), SMALL, SPLIT_HEADS, 32)
    runner = runner_on(model, SMALL, placement)

    logits = runner.prefill(tokens)

    exact = Fp32Reference(model.graph, model.tensors).forward(tokens)[-1]
    assert np.sqrt(np.mean((logits - exact) ** 2)) < 0.15 * exact.std()
