"""A small repository that repeats itself, a tiny model that can learn it, folders for a test."""

from pathlib import Path

import pytest

from engine.adapting import repository_texts
from engine.adapting.plan import AdaptPlan
from tests.tiny import write_tiny_model

PLAN = AdaptPlan(
    minutes=10.0,
    rate=1.0,
    warmup_steps=1,
    most_epochs=1,
    workers=1,
    choice_questions=10,
    mid_questions=40,
    line_questions=5,
    lengths={512: 1.0},
    part_tokens=1024,
    watched_windows=2,
    judged_windows=4,
)
"""Ends with the first reading: how much is learnt does not depend on the computer."""


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> Path:
    """The folder of models; every other folder is this test's too."""
    for name in ("STATE", "CACHE", "MODELS", "RUNTIME"):
        monkeypatch.setenv(f"SPARK_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture(autouse=True)
def little(monkeypatch) -> None:
    """Little text is enough."""
    monkeypatch.setattr(repository_texts, "LEAST_LEARNT_BYTES", 6_000)


@pytest.fixture
def model(tmp_path) -> str:
    """A model folder of a few thousand weights, with the markers of the bundled one."""
    sizes = {"hidden": 32, "layers": 1, "heads": 1, "kv_heads": 1, "head_dim": 32, "ffn": 32}
    return str(write_tiny_model(tmp_path / "tiny", context=2048, **sizes))


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository of twelve modules, each like the others but for its names."""
    return write_repository(tmp_path / "shop", 12)


def write_repository(root: Path, count: int) -> Path:
    """Write so many modules of about 2,000 bytes; no two have many lines in common."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (root / f"module_{number}.py").write_text(module_text(number), encoding="utf-8")
    return root


def module_text(number: int) -> str:
    """Return the text of one module."""
    return "".join(
        f"def price_{number}_{part}(amount_{number}, rate_{part}):\n"
        f"    total_{number} = amount_{number} * rate_{part}\n"
        f"    return round(total_{number}, {part})\n\n\n"
        for part in range(17)
    )
