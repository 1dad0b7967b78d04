"""A step of training as a scene: blocks apart, passes in order, cycles as they are priced."""

from itertools import combinations, pairwise
from pathlib import Path

import pytest

from engine.adapting.plan import AdaptPlan
from engine.adapting.scene import adapting_scene
from engine.training_inspection import plan_training
from engine.training_scenes import training_scene
from tests.tiny_gguf import write_tiny_gguf

NANO = Path(__file__).parents[2] / "weights" / "spark-nano"


def in_order(scene) -> None:
    for stage in range(len(scene.stages)):
        mine = [each for each in scene.passes if each.stage == stage]
        assert all(a.end <= b.start + 1e-6 for a, b in pairwise(mine))
    assert max(each.end for each in scene.passes) == pytest.approx(scene.cycles, abs=1)


def test_the_step_of_adapting_the_bundled_model() -> None:
    scene, plan = adapting_scene(), AdaptPlan()
    assert scene.batch * scene.tokens == plan.step_tokens
    priced = plan_training("wse3", config=NANO / "config.json", rows=4, tokens=1024)
    (resident,) = [each for each in priced["layouts"] if each["layout"] == "resident"]
    assert (scene.layout, scene.cycles) == ("resident", resident["cycles"])
    assert scene.cores == resident["cores"]
    assert scene.stages == (*(f"layer {layer}" for layer in range(6)), "head")
    for one, other in combinations(scene.blocks, 2):
        apart_across = abs(one.column - other.column) >= one.columns
        assert apart_across or abs(one.row - other.row) >= one.rows
    assert all(block.column + block.columns <= scene.columns for block in scene.blocks)
    in_order(scene)
    kinds = {each.kind for each in scene.passes}
    assert kinds == {"forward", "loss", "backward", "optimiser"}


def test_a_file_whose_weights_stream_shows_layers_in_turn(tmp_path, monkeypatch) -> None:
    file = write_tiny_gguf(tmp_path / "small.gguf", context=64)
    monkeypatch.setattr("engine.wafer.figures.training_question._fastest_resident", lambda *_: None)
    scene = training_scene(file, 4, 16, adapters=True)
    assert (scene.layout, scene.model, scene.adapters) == ("streamed", "small", True)
    first = [each.what for each in scene.passes][:5]
    assert first == ["layer 0", "layer 1", "head", "layer 1", "layer 0"]
    in_order(scene)
