"""`spark-tui logits`: a NumPy file, the same bits from every tier, or one clear line."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.model.load import load_model
from engine.model.reference import Fp32Reference
from tests.tiny import write_tiny_model
from tui.cli.main import run

TOKENS = [7, 3, 200, 3]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_tiny_model(folder)
    return folder


def logits(model: Path, out: Path, tokens: list[int], *options: str) -> int:
    listed = ",".join(map(str, tokens))
    return run(["logits", "--model", str(model), "--tokens", listed, "--out", str(out), *options])


def test_rows_are_the_logits_after_each_token(model: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "logits.npy"
    assert logits(model, out, TOKENS, "--tier", "reference", "--json") == 0
    written = np.load(out)
    assert json.loads(capsys.readouterr().out)["shape"] == list(written.shape)
    assert written.dtype == np.float32
    loaded = load_model(model)
    expected = Fp32Reference(loaded.graph, loaded.tensors).forward(TOKENS)
    assert written.shape == expected.shape
    assert np.abs(written - expected).max() < 0.05 * np.abs(expected).max()
    assert list(tmp_path.iterdir()) == [out]


def test_tiers_write_the_same_bits(model: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.npy" for name in ("fast", "cycle", "reference")}
    for tier, out in files.items():
        assert logits(model, out, TOKENS[:2], "--tier", tier) == 0
    assert len({out.read_bytes() for out in files.values()}) == 1


@pytest.mark.parametrize(
    ("tokens", "said"),
    [([], "takes numbers"), ([1, 5000], "token 5000"), ([-1], "token -1"), ([1] * 300, "context")],
)
def test_tokens_outside_the_model_are_a_wrong_call(
    model: Path, tmp_path: Path, capsys, tokens: list[int], said: str
) -> None:
    out = tmp_path / "logits.npy"
    out.write_text("what was there")
    assert logits(model, out, tokens) == 2
    assert said in capsys.readouterr().err
    assert out.read_text() == "what was there"


def test_a_folder_that_is_not_there_is_said_before_anything_slow(
    model: Path, tmp_path: Path, capsys
) -> None:
    assert logits(model, tmp_path / "none" / "logits.npy", TOKENS) == 2
    captured = capsys.readouterr()
    assert "no folder" in captured.err
    assert "preparing" not in captured.err
