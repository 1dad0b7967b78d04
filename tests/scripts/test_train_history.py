"""A weights folder tells of the runs that made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.train import history

LOSS = {"nats_a_token": 2.5, "bits_a_byte": 0.96}
START = {"set": "full", "seed": 1, "workers": 2, "minutes": 60.0}


def at(step: int, **rest: Any) -> history.Record:
    return {"step": step, "tokens": step * 1000, "seconds": step * 2, **rest}


def a_run() -> list[history.Record]:
    return [
        at(0, start=START, parameters=7),
        at(10, loss=5.0),
        at(20, heldout=LOSS, samples=["def f(): pass"]),
        at(30, heldout=LOSS, end=True),
    ]


def test_a_history_leaves_steps_and_samples_away() -> None:
    kept = list(history.essential(a_run()))
    assert [record["step"] for record in kept] == [0, 20, 30]
    assert all("samples" not in record for record in kept)
    assert history.summary(kept) == history.summary(history.essential(kept))


def test_a_run_that_begins_with_weights_begins_with_their_history(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / history.NAME).write_bytes(history.lines(a_run()))
    log = tmp_path / "train.jsonl"
    history.begin(log, tmp_path)
    records = history.read(log)
    assert records[:4] == a_run()
    assert list(records[4]["init"]["files"]) == ["model.safetensors"]
    records += [at(0, start=START, parameters=7), at(5, heldout=LOSS, end=True)]
    summary = history.summary(records)
    assert [phase["step"] for phase in summary["phases"]] == [30, 5]
    assert summary["total"] == {"step": 35, "tokens": 35_000, "seconds": 70}
    assert [point["tokens"] for point in summary["curve"]] == [20_000, 30_000, 35_000]


def test_weights_without_a_history_begin_a_log_too(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    history.begin(tmp_path / "train.jsonl", tmp_path)
    assert "init" in json.loads((tmp_path / "train.jsonl").read_text())


def test_long_curves_keep_their_ends() -> None:
    points = list(range(100))
    kept = history.thinned(points, 16)
    assert len(kept) == 16
    assert (kept[0], kept[-1]) == (0, 99)
    assert history.thinned(points[:5], 16) == points[:5]


def test_a_run_without_an_end_has_no_summary() -> None:
    begun = at(0, start=START, parameters=1)
    with pytest.raises(ValueError, match="no end record"):
        history.summary([begun])
    # What ended was the run before.
    with pytest.raises(ValueError, match="no end record"):
        history.summary([*a_run(), begun])
