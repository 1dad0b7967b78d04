"""A training step on GPUs: by hand, and the picture beside the wafer's."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

import engine
from engine.peers.training_cluster import TrainingWork, cluster_step

BUNDLED = Path(__file__).parents[3] / "weights" / "spark-nano" / "config.json"
LLAMA = TrainingWork(macs=3 * 10**15, parameters=8 * 10**9, rows=64, tokens=2048)


def test_eight_gpus_by_hand():
    step = cluster_step(LLAMA, 8)
    shown = dict(step.phases)
    assert shown["forward"] == pytest.approx(2 * 10**15 / 8 / (0.4 * 989.5e12))
    assert shown["backward"] == 2 * shown["forward"]
    buckets = 640  # 16 GB of bf16 by 25 MB
    reduced = 14 * (16e9 / 8 / 450e9 + buckets * 2e-6)
    assert (step.collectives, step.dependent_steps) == (buckets, 14 * buckets)
    assert shown["all-reduce that shows"] == pytest.approx(reduced / buckets)
    assert step.hidden_seconds == pytest.approx(reduced * (1 - 1 / buckets))
    assert shown["optimiser"] == pytest.approx(30 * 8e9 / 8 / 3.35e12)
    assert step.link_bytes == 14 * 16e9
    assert step.seconds == pytest.approx(sum(shown.values()))
    assert step.low < step.seconds < step.high


def test_a_slow_network_shows_where_the_way_back_is_short():
    small = TrainingWork(macs=10**12, parameters=8 * 10**9, rows=64, tokens=16)
    few, many = cluster_step(small, 8), cluster_step(small, 64)
    waits = [dict(each.phases)["all-reduce that shows"] for each in (few, many)]
    assert waits[1] > waits[0] > 0.03
    assert many.dependent_steps == 9 * few.dependent_steps


def test_one_gpu_has_nothing_to_reduce_and_may_not_hold_the_model():
    alone = cluster_step(LLAMA, 1)
    assert (alone.collectives, alone.dependent_steps, alone.link_bytes) == (0, 0, 0.0)
    assert not alone.fits
    assert cluster_step(LLAMA, 8).fits


def test_the_picture_has_a_bar_for_every_machine():
    found = engine.predict_train_step("wse3", config=BUNDLED, rows=8, tokens=64)
    shown = found.as_json()
    assert [each["machine"][:4] for each in shown["beside"]] == ["8 × ", "64 ×"]
    tree = ElementTree.fromstring(engine.training_picture(found))
    texts = [each.text for each in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert f"{shown['seconds']:.3g} s" in texts
    for each in shown["beside"]:
        assert f"{each['seconds']:.3g} s" in texts
    bars = [each for each in tree.iter("{http://www.w3.org/2000/svg}rect") if len(each)]
    assert sum(float(bar.get("width")) for bar in bars) <= 3 * 960
