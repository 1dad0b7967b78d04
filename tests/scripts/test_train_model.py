"""The model in PyTorch; skipped where PyTorch is not installed."""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Two threads on tiny tensors spend their time waiting for each other.
torch.set_num_threads(1)

from engine.packing import fim  # noqa: E402
from scripts.train import (  # noqa: E402
    card,
    evaluate,
    export,
    history,
    precision,
    settings,
    weights_file,
)
from scripts.train import train as training  # noqa: E402
from scripts.train.model import HeadLoss, Llama, ModelConfig, causal_attention  # noqa: E402
from scripts.train.muon import Muon, orthogonalise  # noqa: E402

TINY = ModelConfig(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    intermediate_size=64,
    vocab_size=96,
)


def test_weight_names_are_hugging_faces() -> None:
    names = set(Llama(TINY).state_dict())
    assert "model.embed_tokens.weight" in names
    assert "model.layers.1.self_attn.k_proj.weight" in names
    assert "model.layers.0.post_attention_layernorm.weight" in names
    assert "model.norm.weight" in names
    assert len(names) == 2 + 9 * 2


def test_heads_that_do_not_share_evenly_are_refused() -> None:
    with pytest.raises(ValueError, match="evenly"):
        ModelConfig(num_attention_heads=4, num_key_value_heads=3)


def test_attention_in_blocks_is_causal_attention() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 4, 300, 8) for _ in range(3))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(causal_attention(q, k, v), expected, atol=1e-5, rtol=1e-5)


def test_later_tokens_do_not_change_earlier_logits() -> None:
    torch.manual_seed(0)
    model = Llama(TINY)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    tokens = torch.randint(0, 96, (1, 20))
    changed = tokens.clone()
    changed[0, 15:] = 5
    torch.testing.assert_close(model(tokens)[:, :15], model(changed)[:, :15])


@pytest.mark.parametrize(("name", "digits"), [("float32", 1e-5), ("bfloat16", 3e-2)])
def test_head_loss_is_cross_entropy_with_its_gradient(
    monkeypatch: pytest.MonkeyPatch, name: str, digits: float
) -> None:
    monkeypatch.setattr(HeadLoss, "SLICE", 16)
    torch.manual_seed(0)
    hidden = torch.randn(40, 32, requires_grad=True)
    head = torch.randn(96, 32, requires_grad=True)
    targets, weights = torch.randint(0, 96, (40,)), torch.rand(40)
    weights = weights / weights.sum()
    with precision.products("cpu", name):
        loss = HeadLoss.apply(hidden, head, targets, weights)
    loss.backward()
    got = hidden.grad, head.grad
    hidden.grad = head.grad = None
    each = torch.nn.functional.cross_entropy(hidden @ head.mT, targets, reduction="none")
    (each * weights).sum().backward()
    assert loss.item() == pytest.approx((each * weights).sum().item(), rel=digits)
    for ours, exact in zip(got, (hidden.grad, head.grad), strict=True):
        assert float((ours - exact).norm() / exact.norm()) < digits


def test_head_loss_bears_a_probability_of_zero() -> None:
    hidden = torch.tensor([[300.0, 0.0]], requires_grad=True)
    loss = HeadLoss.apply(hidden, torch.eye(2), torch.tensor([1]), torch.ones(1))
    loss.backward()
    assert 80 < loss.item() < 90
    torch.testing.assert_close(hidden.grad, torch.tensor([[1.0, -1.0]]))


def test_products_have_the_type_that_was_asked_for() -> None:
    one = torch.ones(2, 2)
    for name, kind in precision.TYPES.items():
        with precision.products("cpu", name):
            assert precision.of_products(one.device) is kind
            assert (one @ one).dtype is kind
    assert precision.of_products(one.device) is torch.float32


@pytest.mark.parametrize("kind", precision.TYPES.values())
def test_orthogonalise_brings_singular_values_near_one(kind: Any) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 24, 48), kind).float())
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.4


def test_a_few_steps_learn_a_sequence() -> None:
    torch.manual_seed(0)
    model = Llama(TINY)
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    others = [model.model.embed_tokens.weight, model.model.norm.weight]
    optimizers = [Muon(matrices), torch.optim.AdamW(others, lr=0.01)]
    tokens = torch.arange(33)[None] % 7
    losses = []
    for _ in range(25):
        loss = model.loss(tokens[:, :-1], tokens[:, 1:], torch.ones(1, 32))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_schedule_ends_at_zero() -> None:
    assert training.schedule(0.0, 0, 100, 0.35) == pytest.approx(0.01)
    assert training.schedule(0.5, 5000, 100, 0.35) == 1.0
    assert training.schedule(1.0, 5000, 100, 0.35) == 0.0


def test_batches_walk_all_rows_then_shuffle_and_resume(tmp_path: Path) -> None:
    for length, count in ((8, 10), (32, 4)):
        rows = np.arange(count, dtype=np.uint16)[:, None].repeat(length + 1, 1)
        np.save(tmp_path / f"rows_{length}.npy", rows)
        np.save(tmp_path / f"flags_{length}.npy", np.ones_like(rows, np.uint8))
    batches = training.Batches(tmp_path, 16)
    seen = np.concatenate([batches.next()[0][:, 0] for _ in range(5)])
    assert sorted(seen.tolist()) == list(range(10))
    shapes = [batches.next()[0].shape for _ in range(training.LONG_EVERY - 5)]
    assert shapes[-1] == (1, 33)
    again = training.Batches(tmp_path, 16)
    again.position = list(batches.position)
    np.testing.assert_array_equal(again.next()[0], batches.next()[0])


def test_rows_that_were_seen_are_passed_over(tmp_path: Path) -> None:
    rows = np.arange(10, dtype=np.uint16)[:, None].repeat(9, 1)
    np.save(tmp_path / "rows_8.npy", rows)
    np.save(tmp_path / "flags_8.npy", np.ones_like(rows, np.uint8))
    batches = training.Batches(tmp_path, 8, passed=0.3)
    first = [int(batches.next()[0][0, 0]) for _ in range(17)]
    assert first[:7] == [3, 4, 5, 6, 7, 8, 9]
    # What was passed over comes with the second time round.
    assert sorted(first[7:]) == list(range(10))


def test_line_question_starts_after_the_indentation() -> None:
    from random import Random

    text = "def f():\n        return compute()\n"
    holes = [evaluate.line_after_indent(text, Random(seed)) for seed in range(40)]
    parts = {fim.cut(text, hole) for hole in holes if hole is not None}
    assert fim.CutText("def f():\n", "        ", "return compute()", "\n") in parts


def packed(folder: Path, seed: int = 0) -> None:
    """Write a few rows that are easy to learn."""
    folder.mkdir(parents=True)
    for length, count in ((16, 64), (64, 16)):
        rows = ((np.arange(count * (length + 1)) + seed) % 7).reshape(count, -1).astype(np.uint16)
        np.save(folder / f"rows_{length}.npy", rows)
        np.save(folder / f"flags_{length}.npy", np.ones_like(rows, np.uint8))
    (folder / "pack.json").write_text("{}")


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that trains in a work folder and returns the log."""
    config = tmp_path / "tiny.json"
    config.write_text(json.dumps(asdict(TINY)))
    monkeypatch.setattr(training, "evaluation", lambda *_: lambda _: {})

    def run(work: Path, *options: str) -> list[dict[str, Any]]:
        parser = argparse.ArgumentParser()
        parser.add_argument("--work", type=Path)
        training.add_arguments(parser)
        fixed = f"--work {work} --config {config} --batch-tokens 256 --part-tokens 64 --warmup 2"
        training.run(parser.parse_args([*fixed.split(), "--device", "cpu", *options]))
        return [json.loads(line) for line in (work / "train.jsonl").read_text().splitlines()]

    return run


HELD_OUT = {"nats_a_token": 2.5, "bits_a_byte": 0.96, "tokens": 10}


def step(module: ModuleType, work: Path, *options: str) -> None:
    """Run one step of the pipeline."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path)
    module.add_arguments(parser)
    module.run(parser.parse_args(["--work", str(work), *options]))


def weights(work: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(work / "checkpoint.pt", weights_only=True)["model"]
    return state


def test_two_workers_train_and_a_second_run_resumes(tmp_path: Path, train: Any) -> None:
    packed(tmp_path / "full")
    first = train(tmp_path, "--tokens", str(256 * 20), "--workers", "2")
    second = train(tmp_path, "--tokens", str(256 * 40), "--workers", "2")
    losses = [record["loss"] for record in second if "loss" in record]
    assert first[-1]["end"]
    assert second[len(first)]["step"] == first[-1]["step"] >= 15
    assert losses[-1] < 0.5 * losses[0]


def test_the_same_run_gives_the_same_losses(tmp_path: Path, train: Any) -> None:
    curves = []
    for name in ("one", "two"):
        packed(tmp_path / name / "full")
        log = train(tmp_path / name, "--tokens", str(256 * 20))
        curves.append([record["loss"] for record in log if "loss" in record])
    assert curves[0] == curves[1]
    assert len(curves[0]) == 2
    ours, theirs = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_pieces_of_a_run_add_up_to_the_run(
    tmp_path: Path, train: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("whole", "pieces"):
        packed(tmp_path / name / "full")
    length = ("--tokens", str(256 * 12))
    train(tmp_path / "whole", *length)
    # Every look at this clock takes a second.
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=itertools.count().__next__))
    log = train(tmp_path / "pieces", *length, "--piece-minutes", "0.3")
    pauses = 0
    while not log[-1].get("end"):
        assert log[-1]["pause"]
        assert (pauses := pauses + 1) < 12
        log = train(tmp_path / "pieces", *length, "--piece-minutes", "0.3")
    assert pauses >= 2
    ours, theirs = weights(tmp_path / "whole"), weights(tmp_path / "pieces")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_another_set_goes_on_with_the_weights_from_its_own_beginning(
    tmp_path: Path, train: Any
) -> None:
    packed(tmp_path / "core")
    packed(tmp_path / "full", seed=3)
    train(tmp_path, "--tokens", str(256 * 10), "--set", "core")
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["position"][0] > 40
    log = train(tmp_path, "--tokens", str(256 * 11), "--set", "full")
    assert [record["start"]["set"] for record in log if "start" in record] == ["core", "full"]
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["position"][0] <= 32


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_training_can_begin_with_a_weights_folder(tmp_path: Path, train: Any, dtype: str) -> None:
    packed(tmp_path / "first" / "full")
    first = train(tmp_path / "first", "--tokens", str(256 * 40))
    state = {name: tensor.numpy() for name, tensor in weights(tmp_path / "first").items()}
    weights_file.write(tmp_path / "out", state, dtype, "")
    (tmp_path / "out/config.json").write_text(json.dumps(TINY.to_huggingface()))
    packed(tmp_path / "second" / "full")
    begin = ("--tokens", str(256 * 10), "--init", str(tmp_path / "out"), "--rows-passed", "0.5")
    log = train(tmp_path / "second", *begin)
    assert log[0]["init"]["folder"] == str(tmp_path / "out")
    losses = [[r["loss"] for r in records if "loss" in r] for records in (first, log)]
    assert losses[1][0] < 0.5 * losses[0][0]


def test_a_run_from_weights_is_told_of_in_the_card(
    tmp_path: Path, train: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Train, export, begin again with the weights, export, describe."""
    work, out = tmp_path / "work", tmp_path / "tiny"
    packed(work / "full")
    (work / "full/pack.json").write_text(json.dumps({"16": {"tokens": 1024}}))
    shutil.copy(settings.WEIGHTS_DIR / "tokenizer.json", work)
    monkeypatch.setattr(card, "measure", lambda *_: {"precision": "float32", "loss": {}})
    train(work, "--tokens", str(256 * 20))
    step(export, work, "--out", str(out))
    (work / "checkpoint.pt").unlink()
    begin = ("--tokens", str(256 * 10), "--init", str(out), "--rows-passed", "0.5")
    monkeypatch.setattr(training, "evaluation", lambda *_: lambda _: {"heldout": HELD_OUT})
    train(work, *begin)
    log = train(work, *begin)
    assert (work / "train.1.jsonl").exists()
    assert sum("init" in record for record in log) == 1
    step(export, work, "--out", str(out))
    step(card, work, "--out", str(out))
    text = (out / "README.md").read_text()
    assert "30 steps, 0.01 M tokens" in text
    assert (
        "| 2 | the weights of phase 1, new momentum, behind the first 50.0% of the rows |" in text
    )
    told = history.read(out / history.NAME)
    assert [record["step"] for record in told if "export" in record] == [20, 10]
    # Weights that no log tells of have no history, not an older one.
    (work / "train.jsonl").unlink()
    step(export, work, "--out", str(out))
    assert not (out / history.NAME).exists()


@pytest.mark.parametrize(
    ("options", "why"),
    [(("--rows-passed", "28.5", "--init", "x"), "no share"), (("--rows-passed", "0.3"), "--init")],
)
def test_rows_are_passed_over_for_weights_only(
    tmp_path: Path, train: Any, options: tuple[str, ...], why: str
) -> None:
    packed(tmp_path / "full")
    with pytest.raises(ValueError, match=why):
        train(tmp_path, "--tokens", "1", *options)


def test_rows_that_are_missing_are_named(tmp_path: Path, train: Any) -> None:
    with pytest.raises(ValueError, match="has no rows"):
        train(tmp_path, "--tokens", "1")


def test_the_middle_size_keeps_its_limits() -> None:
    config = ModelConfig(**json.loads((settings.PACKAGE_DIR / "mini.json").read_text()))
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Llama(config).state_dict().items()}
    size = sum(shape.numel() for shape in shapes.values())
    assert 30e6 <= size <= 45e6
    assert all(shape[1] % weights_file.GROUP == 0 for shape in shapes.values() if len(shape) == 2)
    nano = sum(path.stat().st_size for path in settings.WEIGHTS_DIR.iterdir())
    tokenizer = (settings.WEIGHTS_DIR / "tokenizer.json").stat().st_size
    assert nano + size * 34 / 32 + tokenizer < 55e6
