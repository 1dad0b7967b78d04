"""Train spark-nano in PyTorch and here, step by step in turn: losses and seconds side by side.

Needs a Python with torch besides the project's own packages:

    PYTHONPATH=TORCH_SITE_PACKAGES .venv/bin/python scripts/train_parity.py --picture OUT.svg

Both begin with the same random weights (or the bundled ones) and see the same rows, text of this
repository, in the same order, at the same rates; PyTorch's side is the model and the optimisers of
`scripts/train`.  Each runs on one thread.  The steps alternate, so whatever else the machine does
falls on both; the ratio of speeds is the median over the steps.  ``--control`` sets PyTorch beside
itself: how far apart two runs drift by the order of their sums alone.  Prints a line for every
tenth step, then one JSON object as the last line; exits 1 if losses differ by more than 1e-3 nats
at any step, or the speed is below half.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy starts its threads

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.model.families import read_config
from engine.tokenizer import Tokenizer
from engine.training.backpropagation import TokenBatch
from engine.training.learning_rate import rate_factor
from engine.training.trainer import Trainer
from scripts.train.evaluate import load_weights
from scripts.train.model import Llama, ModelConfig
from scripts.train.muon import Muon

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "weights" / "spark-nano"
TOLERANCE_NATS = 1e-3
SLOWEST = 0.5


class Peer:
    """The same training in PyTorch."""

    def __init__(self, config: ModelConfig, *, trained: bool) -> None:
        torch.manual_seed(1)
        self.config = config
        self.model = load_weights(MODEL, "cpu") if trained else Llama(config)
        matrices = [p for p in self.model.model.layers.parameters() if p.ndim == 2]
        taken = {id(p) for p in matrices}
        others = [p for p in self.model.parameters() if id(p) not in taken]
        self.muon = Muon(matrices, torch.float32)
        self.adam = torch.optim.AdamW(others, lr=0.003, betas=(0.9, 0.95), weight_decay=0.0)

    def weights(self) -> dict[str, np.ndarray]:
        """Return a copy of all weights by name."""
        return {name: p.detach().numpy().copy() for name, p in self.model.named_parameters()}

    def step(self, batch: TokenBatch, factor: float) -> float:
        """Learn a batch; return its loss."""
        tokens, targets, counts = map(torch.from_numpy, (batch.tokens, batch.targets, batch.counts))
        self.model.zero_grad(set_to_none=True)
        loss = self.model.loss(tokens, targets, counts)
        loss.backward()
        self.muon.param_groups[0]["lr"] = 0.02 * factor
        self.adam.param_groups[0]["lr"] = 0.003 * factor
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.muon.step()
        self.adam.step()
        return loss.item()


class Own:
    """The training of this package, from a peer's weights."""

    def __init__(self, peer: Peer) -> None:
        graph = read_config(MODEL / "config.json").graph("spark-nano")
        self.trainer = Trainer(graph, peer.weights())

    def step(self, batch: TokenBatch, factor: float) -> float:
        """Learn a batch; return its loss."""
        self.trainer.add(batch)
        return self.trainer.step(factor).loss


class Control:
    """PyTorch again, the rows of every batch turned round: the same sums in another order."""

    def __init__(self, peer: Peer) -> None:
        self.peer = Peer(peer.config, trained=False)
        self.peer.model.load_state_dict(peer.model.state_dict())

    def step(self, batch: TokenBatch, factor: float) -> float:
        """Learn a batch; return its loss."""
        parts = batch.tokens, batch.targets, batch.counts
        turned = TokenBatch(*(part[::-1].copy() for part in parts))
        return self.peer.step(turned, factor)


def main() -> int:
    """Train both; return 1 where they differ."""
    options = arguments()
    torch.set_num_threads(1)
    peer = Peer(config := shape(), trained=options.trained)
    own = Control(peer) if options.control else Own(peer)
    batches = rows(options, config.vocab_size)
    losses, seconds = [], []
    for step, batch in enumerate(batches):
        factor = options.rate * rate_factor(step / len(batches), step)
        began = time.perf_counter()
        theirs = peer.step(batch, factor)
        between = time.perf_counter()
        ours = own.step(batch, factor)
        seconds.append((between - began, time.perf_counter() - between))
        losses.append((theirs, ours))
        if step % 10 == 9:
            show(losses, seconds)
    found = report(losses, seconds, options)
    if options.picture:
        options.picture.write_text(picture(losses), encoding="utf-8")
    print(json.dumps(found))
    return 0 if found["passed"] else 1


def arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rows", type=int, default=2, help="of a batch")
    parser.add_argument("--tokens", type=int, default=256, help="of a row")
    parser.add_argument("--trained", action="store_true", help="begin with the bundled weights")
    parser.add_argument("--rate", type=float, default=1.0, help="factor of both learning rates")
    parser.add_argument(
        "--control", action="store_true", help="PyTorch against itself, its sums in another order"
    )
    parser.add_argument("--picture", type=Path, help="where to draw both curves")
    return parser.parse_args()


def shape() -> ModelConfig:
    """Return spark-nano's sizes as PyTorch's side takes them."""
    fields = json.loads((MODEL / "config.json").read_text())
    names = {field.name for field in dataclasses.fields(ModelConfig)}
    return ModelConfig(**{name: fields[name] for name in names})


def rows(options: argparse.Namespace, vocabulary: int) -> list[TokenBatch]:
    """Return the batches: rows of this repository's text; a stretch of each counts thrice."""
    text = "\n".join(p.read_text() for p in sorted((ROOT / "engine").rglob("*.py")))
    ids = np.array(Tokenizer.load(MODEL).encode_part(text), np.int64)
    size, count = options.tokens + 1, options.steps * options.rows
    cut = ids[: len(ids) // size * size].reshape(-1, size)
    chosen = np.random.default_rng(1).permutation(len(cut))[np.arange(count) % len(cut)]
    counts = np.ones((options.rows, options.tokens), np.float32)
    counts[:, options.tokens // 2 : options.tokens * 3 // 4] = 3.0
    return [
        TokenBatch(part[:, :-1].copy(), part[:, 1:].copy(), counts)
        for part in cut[chosen].reshape(options.steps, options.rows, size)
    ]


def max_off(losses: list[tuple[float, float]]) -> float:
    """Return the largest difference of the two losses of a step, nats."""
    return max(abs(theirs - ours) for theirs, ours in losses)


def show(losses: list[tuple[float, float]], seconds: list[tuple[float, float]]) -> None:
    """Print a line about the steps so far."""
    theirs, ours = losses[-1]
    print(
        f"step {len(losses)}: torch {theirs:.5f}  here {ours:.5f}  "
        f"most apart {max_off(losses):.1e} nats  speed {speed_ratio(seconds):.2f}",
        flush=True,
    )


def speed_ratio(seconds: list[tuple[float, float]]) -> float:
    """Return the median of PyTorch's seconds over ours; both warm up in the first steps."""
    return statistics.median(theirs / ours for theirs, ours in seconds[5:] or seconds)


def report(
    losses: list[tuple[float, float]],
    seconds: list[tuple[float, float]],
    options: argparse.Namespace,
) -> dict[str, object]:
    """Return what was found."""
    speed = speed_ratio(seconds)
    total = options.rows * options.tokens * len(seconds)
    return {
        "passed": max_off(losses) <= TOLERANCE_NATS and speed >= SLOWEST,
        "steps": len(losses),
        "tokens_per_step": options.rows * options.tokens,
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "largest_difference_nats": max_off(losses),
        "speed_ratio": speed,
        "torch_tokens_per_second": total / sum(theirs for theirs, _ in seconds),
        "own_tokens_per_second": total / sum(ours for _, ours in seconds),
        "threads": 1,
        "torch": torch.__version__,
    }


def picture(losses: list[tuple[float, float]]) -> str:
    """Return an SVG of both curves, PyTorch's broad and pale under ours."""
    width, height, top = 640, 260, max(max(pair) for pair in losses)
    top = float(np.ceil(top))

    def curve(of: int, style: str) -> str:
        points = " ".join(
            f"{50 + i * (width - 70) / (len(losses) - 1):.1f},{20 + (1 - pair[of] / top) * 200:.1f}"
            for i, pair in enumerate(losses)
        )
        return f'<polyline points="{points}" fill="none" {style}/>'

    lines = [
        f'<line x1="50" x2="{width - 20}" y1="{y}" y2="{y}" stroke="#8884"/>'
        f'<text x="44" y="{y + 4}" text-anchor="end">{value:g}</text>'
        for value in range(0, int(top) + 1, 2)
        for y in (20 + (1 - value / top) * 200,)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="12" fill="#777">',
            *lines,
            curve(0, 'stroke="#f0a30a" stroke-opacity="0.5" stroke-width="6"'),
            curve(1, 'stroke="#1f6feb" stroke-width="1.5"'),
            f'<text x="50" y="244">step 1</text><text x="{width - 20}" y="244" '
            f'text-anchor="end">step {len(losses)}</text>',
            f'<text x="{width - 20}" y="36" text-anchor="end">nats a token: PyTorch '
            '<tspan fill="#f0a30a">broad</tspan>, this package '
            '<tspan fill="#1f6feb">thin</tspan></text>',
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
