"""The model card says what the logs say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.train import card, settings

LOSS = {"nats_a_token": 2.5, "bits_a_byte": 0.96, "tokens": 5000}
START = {
    "muon_lr": 0.02,
    "adam_lr": 0.003,
    "batch_tokens": 8192,
    "decay": 0.35,
    "middle_weight": 3.0,
    "device": "cpu",
}


def write_log(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_card_shows_the_figures_of_the_run(tmp_path: Path) -> None:
    end = {"step": 1234, "tokens": 12_340_000, "seconds": 3600, "heldout": LOSS, "end": True}
    log = write_log(tmp_path / "train.jsonl", {"start": START, "parameters": 6_819_072}, end)
    text = card.card(
        card.read_log(log),
        {"loss": LOSS, "fim": {"lines": {"exact": 0.125, "first_token": 0.5, "count": 200}}},
        json.loads(settings.MANIFEST.read_text(encoding="utf-8")),
        {"512": {"tokens": 24_680_000}},
        json.loads((settings.WEIGHTS_DIR / "config.json").read_text(encoding="utf-8")),
        {"files": {"model.safetensors": "ab" * 32}},
    )
    assert "1,234 steps, 12.34 M tokens, 60.0 minutes" in text
    assert "2.500 nats a token, 0.960 bits a byte" in text
    assert "| lines | 200 | 12.5% | 50.0% |" in text
    assert "Seen: 50% of the packed rows." in text
    assert "ab" * 32 in text
    assert "the standard library's asyncio" in text


def test_a_run_without_an_end_has_no_card(tmp_path: Path) -> None:
    log = write_log(tmp_path / "train.jsonl", {"start": START, "parameters": 1})
    with pytest.raises(ValueError, match="no end record"):
        card.read_log(log)
