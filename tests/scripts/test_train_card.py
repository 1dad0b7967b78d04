"""The model card says what the logs say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.train import card, corpus, history, settings, weights_file

LOSS = {"nats_a_token": 2.5, "bits_a_byte": 0.96, "tokens": 5000}
START = {
    "muon_lr": 0.02,
    "adam_lr": 0.003,
    "batch_tokens": 8192,
    "decay": 0.35,
    "middle_weight": 3.0,
    "device": "cpu",
    "workers": 2,
    "seed": 1,
    "minutes": 60.0,
}
QUALITY = {
    "model": "spark-nano",
    "seed": 7,
    "repository": True,
    "suites": {
        "line": {
            "n": 500,
            "exact_match": 0.055,
            "exact_match_ci": [0.035, 0.076],
            "edit_similarity": 0.41,
            "bits_per_byte": 0.93,
            "baselines": {
                "nothing": {"exact_match": 0.0, "edit_similarity": 0.0},
                "n-gram": {
                    "exact_match": 0.02,
                    "exact_match_ci": [0.01, 0.03],
                    "edit_similarity": 0.2,
                },
            },
        },
        "replay": {
            "n": 20,
            "exact_match": 0.1,
            "exact_match_ci": None,
            "edit_similarity": 0.3,
            "keystrokes_saved": 0.125,
            "shown": 300,
            "accepted": 100,
            "wrong_shown_per_100_keys": 2.25,
            "endings": {"line": 250, "repeats_suffix": 3},
            "baselines": {
                "n-gram": {
                    "exact_match": 0.0,
                    "edit_similarity": 0.1,
                    "keystrokes_saved": 0.04,
                    "wrong_shown_per_100_keys": 9.5,
                }
            },
        },
    },
}


def at(step: int, seconds: int, **rest: Any) -> dict[str, Any]:
    return {"step": step, "tokens": step * 10_000, "seconds": seconds, **rest}


def two_phases() -> dict[str, Any]:
    """Return the log of a run with an interrupted first phase and a second one."""
    return history.summary(
        [
            at(0, 0, start=START, parameters=6_819_072),
            at(400, 1200, loss=3.0),
            at(400, 1200, start=START, parameters=6_819_072),
            at(1000, 3000, heldout=LOSS),
            at(1000, 3000, start=START | {"set": "full"}, parameters=6_819_072),
            at(1234, 3600, heldout=LOSS, end=True),
        ]
    )


def text_of(**changed: Any) -> str:
    parts: dict[str, Any] = {
        "name": "spark-nano",
        "run_log": two_phases(),
        "measured": {"precision": "float32", "loss": {"512": LOSS}},
        "manifest": corpus.read_manifest(settings.MANIFEST),
        "packed": {
            "core": {"512": {"tokens": 20_000_000}},
            "full": {
                "512": {"tokens": 23_400_000},
                "options": {"recipe": "second", "processes": 2, "cap_bytes": 3},
            },
        },
        "rows": {"full/rows_512.npy": "cd" * 32},
        "config": json.loads((settings.WEIGHTS_DIR / "config.json").read_text(encoding="utf-8")),
        "sums": {"files": {"model.safetensors": "ab" * 32}},
        "quality": {},
        "export": "export --blend old=0.2",
        "notes": "",
    }
    return card.card(**(parts | changed))


def test_card_shows_the_figures_of_the_run() -> None:
    text = text_of()
    assert "1,234 steps, 12.34 M tokens, 60.0 minutes" in text
    assert "| 512 tokens | 2.500 | **0.960** | 5,000 |" in text
    own = "| 0.02, 0.003 | 35% | 8,192 | 3.0 | cpu, bfloat16 "
    assert f"| 1 | nothing | `core`, 20.0 M tokens {own}| 1,000 | 10.0 | 50 | 50% |" in text
    assert f"| 2 | the checkpoint | `full`, 23.4 M tokens {own}| 234 | 2.3 | 10 | 10% |" in text
    assert "ab" * 32 in text
    assert "the standard library's asyncio" in text


def test_card_says_how_to_make_it_again() -> None:
    text = text_of()
    rest = " --batch-tokens 8192 --muon-lr 0.02 --adam-lr 0.003 --decay 0.35 --middle-weight 3.0"
    for command in (
        "corpus --set core --fetch --check",
        "corpus --set full --fetch --check",
        "pack --set core --processes 2 --cap-bytes 10000000",
        "pack --set full --processes 2 --cap-bytes 3",
        f"train --set core --workers 2 --seed 1 --minutes 60{rest}",
        f"train --set full --workers 2 --seed 1 --minutes 60{rest}",
        "export --blend old=0.2",
    ):
        assert f"python -m scripts.train {command}\n" in text
    manifest = corpus.read_manifest(settings.MANIFEST)
    assert f"| full/corpus.jsonl | `{manifest['sets']['full']['corpus_sha256']}` |" in text
    assert f"| full/rows_512.npy | `{'cd' * 32}` |" in text


def test_the_tokenizers_set_is_named_also_where_nothing_was_trained_on_it() -> None:
    log = [
        at(0, 0, start=START | {"set": "full"}, parameters=1),
        at(1234, 3600, heldout=LOSS, end=True),
    ]
    text = text_of(run_log=history.summary(log))
    commands = [line for line in text.split("\n") if line.startswith("python -m")]
    assert [command.split()[3:6] for command in commands[:4]] == [
        ["corpus", "--set", "core"],
        ["corpus", "--set", "full"],
        ["tokenizer"],
        ["pack", "--set", "full"],
    ]


def test_card_takes_the_suites_with_intervals_and_baselines() -> None:
    text = text_of(quality={"Held out": QUALITY}, notes="## Threshold\n\nNone.\n")
    assert "### Held out" in text
    assert "| line | 500 | **model** | 5.5% | 3.5% – 7.6% | 41.0% | 0.930 |" in text
    assert "| | | n-gram | 2.0% | 1.0% – 3.0% | 20.0% |  |" in text
    assert "**12.5% of the keystrokes saved**" in text
    assert "2.25 wrong ones shown per 100 keys" in text
    assert "Baselines, which show all they have, save: n-gram 4.0% at 9.50 wrong ones." in text
    assert "line 250, repeats suffix 3" in text
    assert "## Threshold" in text


def test_a_phase_that_begins_with_weights_is_made_from_them() -> None:
    init = {"folder": "weights/spark-nano", "files": {"model.safetensors": "ef" * 32}}
    log = history.summary(
        [
            at(0, 0, start=START | {"set": "full"}, parameters=1),
            at(1000, 3000, heldout=LOSS, end=True),
            at(0, 0, init=init),
            at(0, 0, start=START | {"set": "full", "rows_passed": 0.3}, parameters=1),
            at(234, 600, heldout=LOSS, end=True),
        ]
    )
    text = text_of(run_log=log, export="export --out weights/spark-nano")
    assert "1,234 steps, 12.34 M tokens, 60.0 minutes" in text
    assert "| the weights of phase 1, new momentum, behind the first 30.0% of the rows |" in text
    commands = [line for line in text.split("\n") if line.startswith(("python ", "rm "))]
    first, exported, removed, second, last, fitted = commands[4:]
    assert "--init" not in first
    assert exported == last == "python -m scripts.train export --out weights/spark-nano"
    assert removed == "rm .train/checkpoint.pt"
    assert second.endswith("--rows-passed 0.3 --init weights/spark-nano")
    assert fitted == "python scripts/fit_knowledge.py --fetch"


def test_weights_that_were_mixed_say_so() -> None:
    log = history.summary(
        [
            at(0, 0, start=START | {"set": "full"}, parameters=1),
            at(1000, 3000, heldout=LOSS, end=True),
            at(1000, 3000, export=True, blend={"folder": "weights/old", "share": 0.35}),
        ]
    )
    text = text_of(run_log=log)
    assert "of phase 1 lie on the straight line to those of weights/old before it, 35%" in text
    assert " --blend weights/old=0.35\n" in text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a weights folder with one tensor and a tuning that was fitted to it."""
    tensors = {"x": np.ones((2, 32), np.float32)}
    weights_file.write(tmp_path, tensors, "float16", "")
    tuning = {"weights_sha256": weights_file.digest(tmp_path)}
    (tmp_path / "knowledge.json").write_text(json.dumps(tuning), encoding="utf-8")
    return tmp_path


def test_figures_of_other_weights_are_refused(folder: Path) -> None:
    report = {"weights_sha256": weights_file.digest(folder)}
    card.check_measured(folder, {"Held out": report})
    with pytest.raises(ValueError, match="'Held out' are of other weights"):
        card.check_measured(folder, {"Held out": {"weights_sha256": "00" * 32}})
    weights_file.write(folder, {"x": np.zeros((2, 32), np.float32)}, "float16", "")
    with pytest.raises(ValueError, match="was fitted to other weights"):
        card.check_measured(folder, {})


def test_rows_that_were_packed_anew_are_refused(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/pack.json").write_text("{}", encoding="utf-8")
    own = corpus.file_digest(tmp_path / "full/pack.json")
    for known in (own, None):
        card.check_rows({"set": "full", "pack": known}, tmp_path)
    with pytest.raises(ValueError, match="not of the rows"):
        card.check_rows({"set": "full", "pack": "00" * 32}, tmp_path)


def test_the_bundled_model_is_described_by_its_own_files() -> None:
    card.check_measured(settings.WEIGHTS_DIR, {})
    sums = json.loads((settings.WEIGHTS_DIR / "checksums.json").read_text(encoding="utf-8"))
    assert sums == weights_file.checksums(settings.WEIGHTS_DIR)
    text = (settings.WEIGHTS_DIR / "README.md").read_text(encoding="utf-8")
    for name, digest in sums["files"].items():
        assert f"| {name} | `{digest}` |" in text
    told = history.summary(history.read(settings.WEIGHTS_DIR / history.NAME))
    assert f"{told['total']['step']:,} steps" in text
