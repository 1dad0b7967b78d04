"""The model in PyTorch; skipped where PyTorch is not installed."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
# Two threads on tiny tensors spend their time waiting for each other.
torch.set_num_threads(1)

from scripts.train import evaluate, fim  # noqa: E402
from scripts.train import train as training  # noqa: E402
from scripts.train.model import HeadLoss, Llama, ModelConfig, causal_attention  # noqa: E402
from scripts.train.muon import Muon, orthogonalise  # noqa: E402

TINY = ModelConfig(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    intermediate_size=48,
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


def test_head_loss_is_cross_entropy_with_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HeadLoss, "SLICE", 16)
    torch.manual_seed(0)
    hidden = torch.randn(40, 32, requires_grad=True)
    head = torch.randn(96, 32, requires_grad=True)
    targets, weights = torch.randint(0, 96, (40,)), torch.rand(40)
    weights = weights / weights.sum()
    loss = HeadLoss.apply(hidden, head, targets, weights)
    loss.backward()
    got = hidden.grad, head.grad
    hidden.grad = head.grad = None
    each = torch.nn.functional.cross_entropy(hidden @ head.mT, targets, reduction="none")
    (each * weights).sum().backward()
    # bfloat16 products: two to three digits.
    assert loss.item() == pytest.approx((each * weights).sum().item(), rel=1e-2)
    for ours, exact in zip(got, (hidden.grad, head.grad), strict=True):
        assert float((ours - exact).norm() / exact.norm()) < 0.03


def test_orthogonalise_brings_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 24, 48)).float())
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


def test_line_question_starts_after_the_indentation() -> None:
    from random import Random

    text = "def f():\n        return compute()\n"
    holes = [evaluate.line_after_indent(text, Random(seed)) for seed in range(40)]
    parts = {fim.cut(text, hole) for hole in holes if hole is not None}
    assert fim.Parts("def f():\n", "        ", "return compute()", "\n") in parts


def test_two_workers_train_and_a_second_run_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for length, count in ((16, 64), (64, 16)):
        rows = (np.arange(count * (length + 1)) % 7).reshape(count, -1).astype(np.uint16)
        np.save(tmp_path / f"rows_{length}.npy", rows)
        np.save(tmp_path / f"flags_{length}.npy", np.ones_like(rows, np.uint8))
    config = tmp_path / "tiny.json"
    config.write_text(json.dumps(asdict(TINY)))
    monkeypatch.setattr(training, "evaluation", lambda *_: lambda _: {})

    def train(tokens: int) -> list[dict[str, float]]:
        parser = argparse.ArgumentParser()
        parser.add_argument("--work", type=Path)
        training.add_arguments(parser)
        options = f"--work {tmp_path} --config {config} --tokens {tokens} --workers 2"
        options += " --batch-tokens 256 --part-tokens 64 --warmup 2 --device cpu"
        training.run(parser.parse_args(options.split()))
        lines = (tmp_path / "train.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    first = train(256 * 20)
    second = train(256 * 40)
    losses = [record["loss"] for record in second if "loss" in record]
    assert first[-1]["end"]
    assert second[len(first)]["step"] == first[-1]["step"] >= 15
    assert losses[-1] < 0.5 * losses[0]
