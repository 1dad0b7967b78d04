"""`spark-tui wafer plan`: the JSON that is relied on from outside, and the floor plan."""

import json

import pytest

from engine.model.tensors import FORMATS
from tui.cli.options import PRICED_FORMATS
from tui.cli.wafer.plan import floor_plan, weights_text

CONFIG = {
    "model_type": "qwen3",
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 6,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 20000,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-6,
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)


def test_dtypes_are_the_formats_that_have_a_price():
    assert set(PRICED_FORMATS) == {format.name for format in FORMATS.values() if format.priced}
    assert FORMATS[PRICED_FORMATS[0]].runs


def test_json_has_the_fields_of_the_interface(spark, config):
    outcome = spark("wafer", "plan", "--model", config, "--context", "512", "--sweep", "--json")

    assert outcome.code == 0
    found = outcome.json
    cores = sum(block["width"] * block["height"] for block in found["blocks"])
    assert found["cores_used"] == cores
    assert found["wafers"] == 1
    assert sorted(layer for block in found["blocks"] for layer in block["layers"]) == list(range(6))
    assert sum(found["cycles_by_op"].values()) == found["cycles_per_token"]
    assert found["low"] < found["cycles_per_token"] < found["high"]
    assert "nothing was measured" in found["range_from"]  # int8
    best = min(each["cycles_per_token"] for each in found["sweep"])
    assert best <= found["estimate_cycles_per_token"] <= 1.02 * best
    assert abs(found["estimate_cycles_per_token"] / found["cycles_per_token"] - 1) < 0.05


def test_without_sweep_there_is_none_and_the_clock_counts(spark, config):
    arguments = ("wafer", "plan", "--model", config, "--context", "512", "--json", "--clock")

    slow, fast = (spark(*arguments, clock).json for clock in ("0.5", "1.0"))

    assert "sweep" not in slow
    assert fast["cycles_per_token"] == slow["cycles_per_token"]
    assert fast["tokens_per_second"] == pytest.approx(2 * slow["tokens_per_second"])
    low, likely, high = (slow["joules_per_token"][name] for name in ("low", "likely", "high"))
    assert 0 < low <= likely < high
    assert fast["joules_per_token"]["high"] == pytest.approx(high / 2)


def test_people_see_the_floor_and_the_search(spark, config):
    outcome = spark("wafer", "plan", "--model", config, "--context", "512", "--sweep")

    assert outcome.code == 0
    for text in (
        "┌──",
        "# head",
        "cycles a token",
        "J a token",
        "runner-up",
        "estimated cycles per token",
    ):
        assert text in outcome.out


def test_what_does_not_fit_is_one_line(spark, config):
    outcome = spark("wafer", "plan", "--machine", "tiny", "--model", config, "--json")

    assert outcome.code == 1
    assert "does not fit tiny" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_floor_plan_names_every_region_once():
    blocks = [
        {"x": 2 * i, "y": 0, "width": 2, "height": 2, "layers": [i], "label": f"layer {i}"}
        for i in range(2)
    ]
    head = {"x": 1, "y": 2, "width": 3, "height": 2, "layers": [], "label": "head"}

    assert floor_plan([*blocks, head], (5, 4)).splitlines() == [
        "┌─────┐", "│AABB·│", "│AABB·│", "│·###·│", "│·###·│", "└─────┘",
        "A layer 0 · B layer 1 · # head",
    ]  # fmt: skip


def test_weights_are_told_by_type_with_what_unpacking_takes():
    def kind(name, size, cycles):
        cost = {"bytes_per_core": size, "unpack_cycles_per_weight": cycles}
        return {"format": name, "bytes": 1000} | cost

    found = {
        "weights": [kind("int8", 72, 0.0), kind("q4_k", 0, 0.125), kind("q5_0", 1050, 0.625)],
        "unpack_cycles_per_token": 5508,
        "in_int8": {"bytes": 4140, "cores_used": 516_096, "cycles_per_token": 394_548},
    }
    assert weights_text(found).splitlines() == [
        "bytes of its matrices by type: int8 72, q5_0 1,050 (unpacked at 0.625 cycles a weight);"
        " unpacking takes 5,508 cycles a token (assumed)",
        "in int8: +38% bytes of weights, 516,096 cores, 394,548 cycles a token",
    ]


def test_a_check_lists_what_every_core_uses_and_passes(spark, config):
    outcome = spark("wafer", "plan", "--model", config, "--context", "512", "--check")

    assert outcome.code == 0
    assert " of 6, output queues" in outcome.out
    assert "could be linked" in outcome.out
    found = spark("wafer", "plan", "--model", config, "--context", "512", "--check", "--json").json
    assert found["check"]["legal"] is True
    assert found["check"]["faults"] == []


def test_without_a_check_there_is_none(spark, config):
    outcome = spark("wafer", "plan", "--model", config, "--context", "512", "--json")

    assert outcome.code == 0
    assert outcome.json["check"] is None


def test_a_training_plan_tells_every_layout_and_what_limits_it(spark, config):
    asked = ("wafer", "plan", "--train", config, "--batch", "8", "--sequence", "64")
    told, found = spark(*asked), spark(*asked, "--json").json

    assert told.code == 0
    assert [each["layout"] for each in found["layouts"]] == ["resident", "streamed", "program"]
    assert f"{found['fastest']}: " in told.out
    assert "← the fastest on one wafer" in told.out
    assert "does not fit one wafer" in told.out  # the program: one rectangle
    for layout in found["layouts"][:2]:
        assert f"{layout['cycles']:,} cycles" in told.out
        assert f"{layout['tokens_per_second']:,.0f} tokens a second, " in told.out
        assert layout["link_bytes"] == pytest.approx(4 * layout["link_wavelets"], abs=4)
        assert f"{layout['off_chip_bytes']:.3g} bytes between the wafer and the outside" in told.out
