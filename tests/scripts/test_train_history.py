"""A weights folder tells of the runs that made it."""

from __future__ import annotations

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


def test_a_history_accounts_for_what_its_weights_saw(tmp_path: Path) -> None:
    log = [*a_run()[:3], at(25, loss=4.0), at(26, pause=True), *a_run()]
    told = history.of_checkpoint(log[:5], at(26))
    assert [record["step"] for record in told] == [0, 20, 26, 26]
    assert all("samples" not in record for record in told)
    # Exported in the middle of a run: what came later is of later weights.
    assert [record["step"] for record in history.of_checkpoint(a_run(), at(15))] == [0, 15]
    # A piece whose end is known only from its checkpoint.
    lost = history.of_checkpoint(a_run()[:2], at(10))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / history.NAME).write_bytes(history.lines(lost))
    history.begin(tmp_path / "train.jsonl", tmp_path)
    records = [*history.read(tmp_path / "train.jsonl"), *a_run()]
    assert history.summary(records)["total"] == at(40)


def test_a_run_that_begins_with_weights_begins_with_their_history(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    told = history.of_checkpoint(a_run(), at(30))
    (tmp_path / history.NAME).write_bytes(history.lines(told))
    log = tmp_path / "train.jsonl"
    history.begin(log, tmp_path)
    records = history.read(log)
    assert records[:-1] == told
    assert list(records[-1]["init"]["files"]) == ["model.safetensors"]
    records += [at(0, start=START, parameters=7), at(5, heldout=LOSS, end=True)]
    summary = history.summary(records)
    assert [phase["step"] for phase in summary["phases"]] == [30, 5]
    assert summary["total"] == {"step": 35, "tokens": 35_000, "seconds": 70}
    assert [point["tokens"] for point in summary["curve"]] == [20_000, 30_000, 35_000]


def test_of_weights_without_a_history_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    history.begin(tmp_path / "train.jsonl", tmp_path)
    with pytest.raises(ValueError, match="tells nothing of its own training"):
        history.summary([*history.read(tmp_path / "train.jsonl"), *a_run()])


def test_a_new_run_keeps_the_log_of_the_one_before(tmp_path: Path) -> None:
    for text in ("first", "second"):
        (tmp_path / "train.jsonl").write_text(text)
        history.begin(tmp_path / "train.jsonl", None)
    assert (tmp_path / "train.1.jsonl").read_text() == "first"
    assert (tmp_path / "train.2.jsonl").read_text() == "second"
    assert not (tmp_path / "train.jsonl").exists()


def test_weights_of_another_tokenizer_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "tokenizer.json").write_text("one")
    (tmp_path / "tokenizer.json").write_text("another")
    with pytest.raises(ValueError, match="is not the tokenizer of"):
        history.begin(tmp_path / "train.jsonl", weights)


def test_pieces_of_a_run_are_one_command() -> None:
    piece = START | {"piece_minutes": 9.0}
    whole = "python -m scripts.train train --set full --workers 2 --seed 1 --minutes 60"
    assert history.commands([piece | {"piece_minutes": 2.0}, piece, piece], None) == [whole]
    # Stopped, and gone on with for longer: two commands.
    longer = START | {"minutes": 90.0}
    assert history.commands([piece, longer], None) == [
        f"{whole} --piece-minutes 9.0",
        whole.replace("60", "90"),
    ]


def test_a_command_names_what_decides_a_run() -> None:
    options = {"set": "full", "seed": 1, "workers": 1, "tokens": 28_311_553.0, "compile": True}
    options |= {"config": "mini.json", "work": ".train/mini", "part_tokens": 4096}
    (command,) = history.commands([options], None)
    assert command == (
        "python -m scripts.train train --set full --workers 1 --seed 1 --tokens 28311553 "
        "--part-tokens 4096 --config mini.json --compile --work .train/mini"
    )


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
