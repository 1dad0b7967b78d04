"""The Gemmas: scaled embeddings, GELU, four norms, caps, windows, two rotations, folded norms."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.model.families import read_config, read_graph
from engine.model.families.fields import Fields
from engine.model.families.gemma3 import Gemma3Config
from engine.model.formats.checked_tensors import load_tensors
from engine.model.roles import Role
from tests.tiny_families import FAMILY_CONFIGS, write_family


@pytest.fixture
def gemma(decoder):
    return decoder | {"model_type": "gemma"}


@pytest.fixture
def gemma2(decoder):
    return decoder | {"model_type": "gemma2", "sliding_window": 16, "query_pre_attn_scalar": 64}


@pytest.fixture
def gemma3(decoder):
    return decoder | {
        "model_type": "gemma3_text",
        "num_hidden_layers": 7,
        "sliding_window": 16,
        "rope_local_base_freq": 10000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    }


def of(graph, op):
    return [node for node in graph.nodes if node.op == op]


def windows(graph):
    return [node.integer("window") for node in of(graph, "attention")]


# ── the first ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gelu", "gelu_pytorch_tanh", None])
def test_embeddings_are_scaled_and_the_gate_is_a_gelu_by_tanh(gemma, written, name):
    graph = read_config(written(gemma | {"hidden_act": name})).graph("x")
    assert graph.nodes[0].number("scale") == 8.0
    assert {node.text("kind") for node in of(graph, "gate")} == {"gelu"}


def test_its_head_is_tied_unless_the_file_says_otherwise(gemma, written):
    del gemma["tie_word_embeddings"]
    assert "lm_head.weight" not in read_config(written(gemma)).graph("x").weights
    untied = read_config(written(gemma | {"tie_word_embeddings": False})).graph("x")
    assert "lm_head.weight" in untied.weights


# ── the second ──────────────────────────────────────────────────────────────────────────────


def test_a_layer_has_four_norms_and_every_other_layer_a_window(gemma2, written):
    graph = read_config(written(gemma2)).graph("x")
    norms = [
        (node.role, str(node.weight).removeprefix("model.layers.1."), node.inputs)
        for node in of(graph, "norm")
        if node.layer == 1
    ]
    assert norms == [
        (Role.ATTENTION_NORM, "input_layernorm.weight", ("layer 0.ffn_residual",)),
        (Role.ATTENTION_POST_NORM, "post_attention_layernorm.weight", ("layer 1.o",)),
        (Role.FFN_NORM, "pre_feedforward_layernorm.weight", ("layer 1.attention_residual",)),
        (Role.FFN_POST_NORM, "post_feedforward_layernorm.weight", ("layer 1.down",)),
    ]
    added = [node.inputs[1] for node in of(graph, "add") if node.layer == 1]
    assert added == ["layer 1.attention_post_norm", "layer 1.ffn_post_norm"]
    assert windows(graph) == [16, 0]


def test_scores_and_logits_are_capped(gemma2, written):
    graph = read_config(written(gemma2)).graph("x")
    assert [node.number("softcap") for node in of(graph, "attention")] == [50.0, 50.0]
    assert [node.number("scale") for node in of(graph, "attention")] == [0.125, 0.125]
    assert graph.nodes[-1].number("softcap") == 30.0
    null = gemma2 | {"hidden_activation": None, "query_pre_attn_scalar": None}
    assert {node.text("kind") for node in of(read_config(written(null)).graph("x"), "gate")} == {
        "gelu"
    }
    none = {"attn_logit_softcapping": None, "final_logit_softcapping": None}
    graph = read_config(written(gemma2 | none)).graph("x")
    assert of(graph, "attention")[0].number("softcap") == 0.0
    assert "softcap" not in graph.nodes[-1].attributes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"final_logit_softcapping": 0.0},
            "'final_logit_softcapping' is 0.0; allowed: a number ab",
        ),
        ({"query_pre_attn_scalar": -1}, "'query_pre_attn_scalar' is -1"),
        ({"sliding_window": None}, "there is no window"),
        ({"hidden_activation": "gelu"}, "'hidden_activation' is \"gelu\"; allowed: 'silu'"),
    ],
)
def test_values_of_the_second_that_make_no_sense(gemma2, refused, change, words):
    assert words in refused(gemma2 | change)


# ── the third ───────────────────────────────────────────────────────────────────────────────


def test_five_of_six_layers_see_a_window_and_rotate_by_their_own_base(gemma3, written):
    graph = read_config(written(gemma3)).graph("x")
    assert windows(graph) == [16, 16, 16, 16, 16, 0, 16]
    rotations = [
        {(node.number("base"), node.numbers("factors")) for node in of(graph, "rotary")
         if node.layer == layer}
        for layer in (0, 5)
    ]  # fmt: skip
    assert rotations == [{(10000.0, ())}, {(500000.0, (8.0,) * 8)}]
    assert {node.integer("heads") for node in graph.nodes if node.role is Role.HEAD_NORM} == {4, 2}
    assert [node.number("softcap") for node in of(graph, "attention")] == [0.0] * 7
    assert [node.number("scale") for node in of(graph, "attention")] == [1 / 16] * 7


def test_its_rotations_in_the_newer_spelling_are_the_same(gemma3):
    newer = {name: value for name, value in gemma3.items() if not name.startswith("rope")} | {
        "layer_types": [*["sliding_attention"] * 5, "full_attention", "sliding_attention"],
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 500000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
    }
    assert Gemma3Config.read(Fields(newer)) == Gemma3Config.read(Fields(gemma3))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rope_scaling": None, "rope_parameters": {"rope_theta": 1.0}}, "'rope_theta' must stand"),
        ({"rope_local_base_freq": 0}, "'rope_theta' is 0"),
        ({"sliding_window_pattern": 0}, "'sliding_window_pattern' is 0"),
        ({"text_config": 3}, "'text_config' must hold an object"),
    ],
)
def test_values_of_the_third_that_make_no_sense(gemma3, refused, change, words):
    assert words in refused(gemma3 | change)


def test_windows_inside_which_a_context_stays_leave_rotations_as_they_are(gemma3, written):
    graph = read_graph(written(gemma3), 16)
    assert windows(graph) == [0] * 7
    assert {node.number("base") for node in of(graph, "rotary")} == {10000.0, 500000.0}


def test_a_file_with_pictures_holds_the_text_model_apart(gemma3):
    whole = {"model_type": "gemma3", "text_config": gemma3, "vision_config": {"hidden_size": 8}}
    assert Gemma3Config.read(Fields(whole)) == Gemma3Config.read(Fields(gemma3))


# ── tensors ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path):
    fields = FAMILY_CONFIGS["gemma3"]
    graph = Gemma3Config.read(Fields(fields)).graph("x")
    write_family(tmp_path, fields, dict(graph.weights))
    return tmp_path


def loaded(folder):
    config = read_config(folder / "config.json")
    return load_tensors(folder, config.graph("x"), None, config.adapt)


def test_norms_multiply_by_one_and_their_weight(folder):
    stored, found = load_file(folder / "model.safetensors"), loaded(folder)
    norms = [name for name in stored if name.endswith("norm.weight")]
    assert len(norms) == 3 * 6 + 1
    for name in norms:
        assert np.array_equal(found[name].dequantise(), 1 + stored[name])


def test_the_text_model_of_a_folder_with_pictures(folder):
    expected = loaded(folder)
    stored = load_file(folder / "model.safetensors")
    named = {f"language_{name}".replace("language_model", "language_model.model"): values
             for name, values in stored.items()}  # fmt: skip
    pictures = {"vision_tower.x.weight": np.zeros((2, 2), np.float32)}
    save_file(named | pictures, folder / "model.safetensors")
    fields = {"model_type": "gemma3", "text_config": FAMILY_CONFIGS["gemma3"]}
    (folder / "config.json").write_text(json.dumps(fields))

    found = loaded(folder)

    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[n].dequantise(), expected[n].dequantise()) for n in expected)
