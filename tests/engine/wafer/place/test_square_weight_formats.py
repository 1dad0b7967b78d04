"""Weight formats by matrix: what a core holds, what is stacked, and what has a price."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import PlacementError
from engine.model.roles import Role
from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16, FP32
from engine.model.tensors.q8 import INT8
from engine.wafer.compile.compiler import compile_graph
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.place.weight_formats import WeightFormats
from engine.wafer.plan import kept_plans
from engine.wafer.plan.planner import plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program import machine
from engine.wafer.program.geometry import split
from tests.tiny import tiny_model

SMALL = machine.get("small")
SHAPE = Shape(4, 2, 8)


@pytest.fixture(scope="module")
def graph():
    return tiny_model(seed=1, tied=False).graph


def formats_of(graph, *fp16):
    """int8, but fp16 for the matrices whose names hold one of these."""
    return {
        name: FP16 if any(part in name for part in fp16) else format
        for name, format in uniform_formats(graph.weights, INT8).items()
    }


def formats_in(program):
    """The format of every matrix of a Program by the end of its first tensor's name."""
    return {m.tensors[0].split(".")[-2]: m.formats[0] for m in program.matrices}


def priced(graph, *fp16):
    """The model as it is priced on a small shape."""
    shape = model_shape(graph, formats_of(graph, *fp16), runs=False)
    return place(shape, SMALL, SHAPE, 64, runs=False)


def test_int8_is_what_a_model_without_formats_has(graph):
    formats = WeightFormats.of(graph)
    assert set(formats.by_tensor) == set(graph.weights)
    assert formats.by_tensor["model.norm.weight"] is FP32
    assert {kind for stacks in formats.by_role.values() for stack in stacks for kind in stack} == {
        INT8
    }
    assert set(formats.by_role) == {
        Role.EMBED, Role.QKV, Role.OUT, Role.GATE_UP, Role.DOWN, Role.HEAD,
    }  # fmt: skip
    assert formats.only_priced == []


def test_a_role_has_every_format_of_its_layers_and_a_core_the_largest(graph):
    formats = WeightFormats.of(graph, formats_of(graph, "layers.1.mlp.down"))
    assert formats.by_role[Role.DOWN] == ((INT8,), (FP16,))
    outputs, inputs = (np.array([10, 7]),), split(128, 2)
    assert formats.tile_bytes(Role.DOWN, outputs, inputs) == 2 * 10 * 64
    assert formats.tile_bytes(Role.OUT, outputs, inputs) == 10 * 64 + 10 * 2 * 2
    assert formats.input_bytes(Role.DOWN) == 4 + 2
    assert formats.input_bytes(Role.OUT) == 4 + 1
    assert formats.only_priced == ["fp16"]
    assert formats.in_groups
    assert not WeightFormats.of(graph, uniform_formats(graph.weights, FP16)).in_groups


def test_the_head_and_the_embedding_each_take_their_own_bytes(graph):
    def head_bytes(*fp16):
        return priced(graph, *fp16).regions[-1].sram_bytes["weights"]

    outputs, inputs = 288 // 8, 32
    plain = head_bytes()
    assert plain == 2 * INT8.sram_bytes(outputs, inputs) + 4 * inputs
    more = FP16.sram_bytes(outputs, inputs) - INT8.sram_bytes(outputs, inputs)
    assert head_bytes("lm_head") == head_bytes("embed") == plain + more


def test_a_program_says_the_format_of_each_matrix(graph):
    placement = priced(graph, "lm_head", "down_proj")
    program = compile_graph(graph, SMALL, placement).program
    formats = formats_in(program)
    assert {name for name, format in formats.items() if format == "fp16"} == {
        "lm_head", "down_proj",
    }  # fmt: skip
    assert formats["norm"] == formats["input_layernorm"] == "fp32"
    assert formats["q_proj"] == "int8"


def test_stacked_weights_are_all_quantised_or_none(graph):
    placement = priced(graph, "v_proj")
    with pytest.raises(PlacementError, match=r"rounded alike: .*q_proj.weight is int8, .* fp16"):
        compile_graph(graph, SMALL, placement)


def test_every_matrix_has_its_own_price(graph):
    def cycles(*fp16):
        options = PlanOptions(formats=formats_of(graph, *fp16), block=(4, 2), blocks=2)
        return plan_shape(graph, SMALL, options=options).chosen.cycles_by_op

    plain, head = cycles(), cycles("lm_head")
    one, both = cycles("layers.1.mlp.down"), cycles("mlp.down")
    assert head["head"] != plain["head"]
    assert head["matmul"] == plain["matmul"]
    assert both["head"] == plain["head"]
    assert both["matmul"] - one["matmul"] == one["matmul"] - plain["matmul"] != 0


def test_a_plan_is_kept_for_its_formats_alone(graph, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path))
    denser = replace(INT8, name="denser", weight_bits=4)
    for formats in (
        None,
        uniform_formats(graph.weights, INT8),
        uniform_formats(graph.weights, denser),
    ):
        kept_plans.remembered_plan(graph, SMALL, formats=formats)
    assert len(list((tmp_path / "plans").glob("*.json"))) == 2
