"""Whole decode steps from a configuration: the app's own cycles, and a served model's."""

import json
from functools import partial
from pathlib import Path

import pytest

import engine
from engine.errors import ConfigError, PredictionError
from engine.inspection import served_graph
from engine.model.families import read_graph
from engine.wafer.figures import calibration
from engine.wafer.figures.fits import fit_served
from engine.wafer.figures.priced_model import price
from engine.wafer.figures.served import BLOCK, HEAD_COLUMNS, LONGEST_CONTEXT, ServedModel
from engine.wafer.figures.served_rows import SERVED_ROWS, SERVED_TAIL_SHARE
from engine.wafer.plan.planner import plan
from engine.wafer.program import machine

BUNDLED = Path(__file__).parents[4] / "weights" / "spark-nano" / "config.json"
QWEN3 = {
    "model_type": "qwen3",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "max_position_embeddings": LONGEST_CONTEXT,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1_000_000,
    "tie_word_embeddings": True,
}
WSE3 = machine.get("wse3")


@pytest.fixture(scope="module")
def served():
    return ServedModel(served_graph())


# ── the app's cycles ────────────────────────────────────────────────────────────────────────


def test_a_prediction_is_what_the_app_counts():
    """The cycles of a real completion's decode steps, and of the step at the prompt's end."""
    session = engine.Session.open("spark-nano", "wse3")
    try:
        request = engine.CompletionRequest(
            path="a.py", prefix="def f(x):\n    return", suffix="", max_tokens=1
        )
        completion = session.complete(request)
    finally:
        session.close()

    graph = read_graph(BUNDLED)
    priced = price(graph, WSE3, plan(graph, WSE3))

    assert completion.completion_tokens <= 1
    assert priced.step_cycles(completion.prompt_tokens) == completion.wafer.cycles_per_token
    longest = engine.predict_decode("wse3", config=BUNDLED, context=2047)
    assert longest.cycles == priced.step_cycles(2047)


def test_a_model_is_placed_for_the_context_that_is_asked_for():
    """Not for its own: keys and values of 201 rows leave room for denser blocks."""
    prediction = engine.predict_decode("wse3", config=BUNDLED, context=200)

    assert prediction.asked["context_length"] == 201


def test_parts_of_a_token_add_up():
    prediction = engine.predict_decode("wse3", config=BUNDLED, context=200)

    assert sum(cycles for _, cycles in prediction.operations) == prediction.cycles


def test_a_longer_context_takes_longer():
    short, long = (
        engine.predict_decode("wse3", config=BUNDLED, context=context).cycles
        for context in (1, 2048)
    )

    assert short < long


# ── a served model ──────────────────────────────────────────────────────────────────────────


def test_stored_constants_are_the_fit_and_the_machine_has_them(served):
    fitted = fit_served(
        [row for row in SERVED_ROWS if row.fitted],
        SERVED_TAIL_SHARE,
        partial(served.measure, WSE3),
    )

    assert fitted == calibration.WSE3_SERVED
    assert WSE3.task_cycles == fitted.task_cycles
    assert WSE3.sample_cycles_per_logit == fitted.sample_cycles_per_logit


def test_ranges_of_constants_are_the_fits_that_leave_a_row_out(served):
    rows = [row for row in SERVED_ROWS if row.fitted]
    measure = partial(served.measure, WSE3)
    found = [
        fit_served([other for other in rows if other is not row], SERVED_TAIL_SHARE, measure)
        for row in rows
    ]

    for name, (low, high) in calibration.WSE3_SERVED_RANGES.items():
        values = [getattr(each, name) for each in found]
        assert (min(values), max(values)) == (low, high)


@pytest.mark.parametrize("row", SERVED_ROWS, ids=lambda row: row.name)
def test_qwen3_decode_as_it_was_measured(row, served):
    """In fp16, with a head of 128 columns: within 3 % to 16,384 rows, then within 8 %."""
    model = served.priced(WSE3)

    assert model.placed.placement.shape.head_columns == HEAD_COLUMNS == 128
    near = 0.03 if row.context <= 16_384 else 0.08
    assert model.step_cycles(row.context) == pytest.approx(row.cycles, rel=near)


def test_a_token_takes_four_cycles_a_position_more(served):
    """Measured between 4,096 and 16,384 positions: 4.32."""
    model = served.priced(WSE3)
    slope = (model.step_cycles(16_384) - model.step_cycles(4_096)) / (16_384 - 4_096)

    assert slope == pytest.approx(4.32, rel=0.05)


def test_only_what_was_measured_is_called_calibrated(tmp_path):
    """fp16 in eight blocks; the planner's head is wider than the measured one, so faster."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(QWEN3), encoding="utf-8")

    half, whole = (
        engine.predict_decode(
            "wse3", config=config, context=1_024, blocks=8, block=BLOCK, dtype=dtype
        )
        for dtype in ("fp16", "int8")
    )

    assert half.calibrated
    assert not whole.calibrated
    assert half.asked["head_columns"] > HEAD_COLUMNS
    assert half.cycles < whole.cycles


def test_the_tail_and_the_pipeline_of_a_served_model(served):
    model = served.priced(WSE3, 8, 1024)
    free = model.step_cycles(256)
    forced = (model.step_cycles(256, 33) - free) / 32

    assert model.head_cycles / free == pytest.approx(0.178, abs=0.005)
    assert forced / free == pytest.approx(0.117, rel=0.05)


# ── configurations ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "mamba"}, "'mamba', a family that is not supported; supported: llama"),
        ({"hidden_size": 2049}, "multiple of 32"),
        ({"vocab_size": 0}, "vocab_size"),
        ({"num_experts": 64}, "'num_experts' is 64"),
    ],
)
def test_configurations_that_cannot_be_predicted(change, words, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(QWEN3 | change), encoding="utf-8")

    with pytest.raises(ConfigError) as refused:
        engine.predict_decode("wse3", config=config, context=5)

    assert words in str(refused.value)
    assert config.name in str(refused.value)


def test_a_configuration_that_is_none(tmp_path):
    config = tmp_path / "config.json"
    for text in ("{", "[]", "\x00"):
        config.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError):
            engine.predict_decode("wse3", config=config, context=5)
    with pytest.raises(ConfigError):
        engine.predict_decode("wse3", config=tmp_path / "none", context=5)


def test_half_precision_and_other_families_have_a_price(tmp_path):
    config = tmp_path / "config.json"
    small = QWEN3 | {"num_hidden_layers": 2, "max_position_embeddings": 512, "vocab_size": 4096}
    cycles = {}
    for family in ("llama", "qwen2", "qwen3"):
        config.write_text(json.dumps(small | {"model_type": family}), encoding="utf-8")
        for dtype in ("int8", "fp16"):
            prediction = engine.predict_decode(
                "wse3", config=config, context=100, block=(128, 128), dtype=dtype
            )
            cycles[family, dtype] = prediction.cycles

    assert cycles["llama", "int8"] < cycles["qwen3", "int8"]  # norms of single heads
    assert cycles["llama", "int8"] != cycles["llama", "fp16"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"context": 0}, "it must be 1 to 2048"),
        ({"context": 2049}, "it must be 1 to 2048"),
        ({"blocks": 0}, "blocks is 0: it must be 1 to 6"),
        ({"blocks": 7}, "1 to 6"),
        ({"block": (756, 4)}, "a block of 756 × 4 cores"),
        ({"dtype": "fp8"}, "unknown dtype 'fp8'"),
    ],
)
def test_what_makes_no_sense_is_refused(change, words):
    with pytest.raises(PredictionError) as refused:
        engine.predict_decode("wse3", **({"config": BUNDLED, "context": 10} | change))

    assert words in str(refused.value)


# ── who chooses the token ───────────────────────────────────────────────────────────────────


def test_a_host_that_samples_costs_its_link_and_saves_the_choice():
    wafer, host = (
        engine.predict_decode("wse3", config=BUNDLED, context=200, sample=sample)
        for sample in ("wafer", "host")
    )
    graph = json.loads(BUNDLED.read_text(encoding="utf-8"))
    link = round((520e-6 + 4 * graph["vocab_size"] / 1.08e9) * 0.85e9)

    assert dict(host.operations)["host link"] == link
    assert host.cycles == wafer.cycles - dict(wafer.operations)["select"] + link
    with pytest.raises(PredictionError, match="unknown sample 'moon': known are wafer, host"):
        engine.predict_decode("wse3", config=BUNDLED, context=200, sample="moon")
