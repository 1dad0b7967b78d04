"""`spark-tui wafer predict …`: JSON fields, text for people, refusals in one line with exit 2."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.cli.conftest import Outcome

Spark = Callable[..., Outcome]

BUNDLED = Path(__file__).parents[3] / "weights" / "spark-nano"

COLLECTIVE = "collective --machine wse2 --op reduce --algorithm chain --cores 64 --wavelets 16"
DECODE = "decode-layer --machine wse2 --dim 4200 --ffn 14700 --seq 4200 --side 420 --group 20"


def ask(spark: Spark, question: str) -> Outcome:
    return spark("wafer", "predict", *question.split())


def test_a_collective(spark: Spark) -> None:
    outcome = ask(spark, f"{COLLECTIVE} --json")

    assert outcome.code == 0
    assert outcome.json["cycles"] == 394
    assert outcome.json["tier"] == "analytic"
    assert outcome.json["machine"] == "wse2"
    assert outcome.json["clock_ghz"] == 0.85
    assert outcome.json["seconds"] == pytest.approx(394 / 0.85e9)
    assert outcome.json["calibrated"] is False
    assert outcome.json["rows"] == 1


def test_tiers_agree_on_a_chain(spark: Spark) -> None:
    cycles = {
        tier: ask(spark, f"{COLLECTIVE} --tier {tier} --json").json["cycles"]
        for tier in ("analytic", "cycle", "formula")
    }

    assert set(cycles.values()) == {394}


def test_a_multicast(spark: Spark) -> None:
    outcome = ask(spark, "multicast --cores 256 --bytes 1024 --json")

    assert outcome.json["cycles"] == 563
    assert outcome.json["machine"] == "wse3"
    assert outcome.json["calibrated"] is True


def test_a_gemv_a_decode_and_a_prefill_layer(spark: Spark) -> None:
    gemv = ask(spark, "gemv --machine wse2 --k 16384 --n 16384 --side 512 --group 32 --json")
    decode = ask(spark, f"{DECODE} --clock 1.1 --json")
    prefill = ask(
        spark,
        "prefill-layer --machine wse2 --dim 4096 --ffn 14336 --tokens 4096 --side 480 --json",
    )

    assert gemv.json["cycles"] == 1189
    assert decode.json["cycles"] == pytest.approx(12_732, rel=0.06)
    assert decode.json["clock_ghz"] == 1.1
    assert prefill.json["cycles"] == pytest.approx(6_929_000, rel=0.08)
    for outcome in (gemv, decode, prefill):
        parts = outcome.json["operations"]
        assert sum(parts.values()) == pytest.approx(outcome.json["cycles"], abs=1)


def test_for_people(spark: Spark) -> None:
    outcome = ask(spark, DECODE)

    assert "q, k, v: all-reduce" in outcome.out
    assert outcome.out.splitlines()[0].split() == ["cycles", "13", "235"]
    assert outcome.err == ""


def test_a_decode_step_of_the_bundled_model(spark: Spark) -> None:
    config = BUNDLED / "config.json"

    outcome = ask(spark, f"decode --config {config} --context 100 --json")

    assert outcome.json["cycles_per_token"] > 10_000
    assert "cycles" not in outcome.json
    assert outcome.json["calibrated"] is False  # int8: only an fp16 kernel was measured
    assert outcome.json["tokens_per_second"] == pytest.approx(
        0.85e9 / outcome.json["cycles_per_token"]
    )
    parts = outcome.json["operations"]
    assert sum(parts.values()) == pytest.approx(outcome.json["cycles_per_token"])
    low, likely, high = (
        outcome.json[f"joules_per_token_{name}"] for name in ("low", "likely", "high")
    )
    assert 0 < low <= likely < high


def test_rows_in_a_layer_of_a_model_on_the_cycle_tier(spark: Spark, tmp_path: Path) -> None:
    sizes = json.loads((BUNDLED / "config.json").read_text())
    config = tmp_path / "config.json"
    small = {"hidden_size": 64, "intermediate_size": 64, "vocab_size": 300, "num_hidden_layers": 2}
    config.write_text(
        json.dumps(sizes | small | {"num_attention_heads": 1, "num_key_value_heads": 1})
    )
    asked = f"--config {config} --machine small --blocks 2 --block 2x4 --tier cycle"

    layer = ask(spark, f"prefill-layer {asked} --tokens 2 --layer 1 --json")
    shown = ask(spark, f"decode-layer {asked} --seq 9")
    token = ask(spark, f"decode {asked} --context 9 --json")

    assert layer.json["region"] == 1
    assert layer.json["cycles"] == layer.json["tiers"]["simulated"]
    assert layer.json["first_row"]["simulated"] < layer.json["cycles"]
    assert abs(layer.json["tiers"]["difference_percent"]) < 2
    assert "by formula" in shown.out
    assert "together" in shown.out
    assert token.json["regions_simulated"] in (2, 3)
    assert token.json["by_operation"]["attention"]["simulated"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--config nowhere.json --context 1", "does not exist"),
        ("--config {config} --context 0", "it must be 1 to 2048"),
        ("--config {config} --context 1 --block 3y", "write columns x rows"),
        ("--config {config} --context 1 --block 8x9999", "a block of 8 × 9999 cores"),
        ("--config {config} --context 1 --blocks 99", "1 to 6 (layers)"),
        ("--config {config} --context 1 --block 1x1", "does not fit"),
        ("--config {config} --context 1 --dtype fp8", "'fp8' is not one of"),
        ("--config {config} --context 1 --tier cycle --dtype fp16", "fp16 is priced only"),
        ("--config {config} --context 1 --tier cycle --sample host", "link is not simulated"),
    ],
)
def test_refused_decode_steps(spark: Spark, arguments: str, words: str) -> None:
    outcome = ask(spark, "decode " + arguments.format(config=BUNDLED / "config.json"))

    assert outcome.code == 2
    assert words in outcome.line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("collective --op reduce --algorithm chain --cores 0 --wavelets 1", "cores is 0"),
        ("collective --op reduce --algorithm chain --cores 8 --wavelets 99999", "SRAM"),
        ("collective --op reduce --algorithm foo --cores 8 --wavelets 1", "'foo' is not one of"),
        ("collective --op reduce --algorithm ring --cores 8 --wavelets 8", "no reduce by ring"),
        (
            "collective --op reduce --algorithm two-tree --group 5 --cores 8 --wavelets 1",
            "must divide",
        ),
        ("collective --op reduce --algorithm chain --cores 8", "--wavelets"),
        ("collective --op reduce --algorithm chain --cores x --wavelets 1", "--cores"),
        ("multicast --machine wse9 --cores 8 --bytes 8", "unknown machine 'wse9'"),
        ("multicast --cores 8 --bytes 0", "bytes is 0"),
        ("multicast --cores 8 --bytes 8 --clock 0", "more than 0"),
        ("gemv --k 16384 --n 16384 --side 8", "bytes of SRAM"),
        ("gemv --k 8 --n 8 --side 100000", "1 to 755"),
        ("decode-layer --dim 8192 --ffn 29568 --seq 4096 --side 64", "use more cores"),
        ("prefill-layer --dim 0 --ffn 1 --tokens 1 --side 1", "dim is 0"),
        ("decode-layer --dim 8 --side 1", "missing --ffn, --seq"),
        ("decode-layer --seq 8 --tier cycle", "name it with --config"),
        ("nonsense", "No such command"),
    ],
)
def test_refusals(spark: Spark, arguments: str, words: str) -> None:
    outcome = ask(spark, f"{arguments} --json")

    assert outcome.code == 2
    assert outcome.out == ""
    assert words in outcome.line


def test_a_vector_instruction_at_a_named_clock(spark: Spark) -> None:
    outcome = ask(spark, "vector --elements 5124 --apart 8 --clock hot-chips --json")

    assert outcome.json["cycles"] == 10_254
    assert outcome.json["clock_ghz"] == 1.1


def test_an_unknown_clock_is_refused_with_the_known_ones(spark: Spark) -> None:
    outcome = ask(spark, "vector --elements 8 --clock sdl")

    assert outcome.code == 2
    assert "did you mean 'sdk'" in outcome.err


def test_a_machine_of_ones_own(spark: Spark, tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text('inherits = "wse2"\nhop_cycles = 3\n', encoding="utf-8")
    question = f"{COLLECTIVE.replace('wse2', str(tmp_path / 'slow.toml'))} --json"

    outcome = ask(spark, question)

    assert outcome.json["cycles"] == 394 + 2 * 63
    assert outcome.json["machine"] == "slow"


def test_a_machine_file_that_is_wrong_is_a_wrong_call(spark: Spark, tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text('inherits = "wse2"\nhops = 3\n', encoding="utf-8")

    outcome = ask(spark, COLLECTIVE.replace("wse2", str(tmp_path / "slow.toml")))

    assert outcome.code == 2
    assert "slow.toml, line 2: no machine has a field 'hops'" in outcome.err


def test_the_machines_are_listed(spark: Spark) -> None:
    listed = spark("wafer", "machines", "--json").json["machines"]

    assert [machine["name"] for machine in listed] == ["wse3", "wse2", "tiny", "small"]
    assert "wse3" in spark("wafer", "machines").out


def test_a_prompt_both_ways(spark: Spark) -> None:
    question = f"prefill --config {BUNDLED}/config.json --tokens 64 --side 64 --blocks 2"

    outcome = ask(spark, f"{question} --json")

    assert outcome.json["bit_exact"] is False
    assert outcome.json["streamed_bit_exact"] is True
    assert outcome.json["cycles"] > 0
    assert outcome.json["streamed_cycles"] > 0


def test_a_host_that_samples_takes_longer(spark: Spark) -> None:
    question = f"decode --config {BUNDLED}/config.json --context 9 --json"

    cycles = {
        sample: ask(spark, f"{question} --sample {sample}").json["cycles_per_token"]
        for sample in ("wafer", "host")
    }

    assert cycles["host"] > cycles["wafer"] + 0.52e-3 * 0.85e9 - 10_000
