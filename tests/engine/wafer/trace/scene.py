"""A tiny model placed by hand, to be traced."""

from functools import cache

from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.placed import Placed
from engine.wafer.program import machine
from engine.wafer.trace.collect import collect
from tests.tiny import tiny_model

SMALL = machine.get("small")


@cache
def model():
    return tiny_model(seed=4, hidden=64, layers=2, heads=2, kv_heads=1, ffn=64)


@cache
def placed():
    placement = place(model_shape(model().graph), SMALL, Shape(4, 4, 6, blocks=2), 32)
    return Placed(model().graph, SMALL, placement)


def traced(tier, **options):
    return collect(placed(), model().tensors, tier=tier, **options)
