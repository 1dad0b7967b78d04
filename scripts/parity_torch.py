"""Compare gradients with PyTorch's autograd, family by family, on tiny models of random weights.

Needs a Python with torch besides the project's own packages:

    PYTHONPATH=TORCH_SITE_PACKAGES .venv/bin/python scripts/parity_torch.py            # compare
    PYTHONPATH=TORCH_SITE_PACKAGES .venv/bin/python scripts/parity_torch.py --golden   # and write

PyTorch walks the same ModelGraph with operations of its own; the gradients are autograd's.
A model passes if no element of a float32 gradient is off by more than 1e-5 of its tensor's largest.
Prints a table, then one JSON object as the last line; exits 1 if a model fails.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.model.families import read_config
from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role
from engine.training.backpropagation import Backpropagation
from engine.training.pullback import zero_gradients
from tests.family_batches import family_batch, family_weights, probe
from tests.tiny_families import FAMILY_CONFIGS

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "gradients.json"
TOLERANCE = 1e-5

Tensors = dict[str, torch.Tensor]


def main() -> int:
    """Compare every family; return 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--golden", action="store_true", help=f"write {GOLDEN}")
    golden = parser.parse_args().golden
    torch.set_num_threads(1)
    worst: dict[str, float] = {}
    kept = {}
    for family, fields in FAMILY_CONFIGS.items():
        graph = graph_of(family, fields)
        exact = autograd(graph, family, torch.float64)
        single = own(graph, family, np.float32)[1]
        worst[family] = max(off(single[name], exact[1][name]) for name in single)
        kept[family] = {"loss": exact[0]} | {
            name: float(np.sum(gradient * probe(name, gradient.shape)))
            for name, gradient in exact[1].items()
        }
        peer = autograd(graph, family, torch.float32)[1]
        theirs = max(off(peer[name], exact[1][name]) for name in peer)
        print(f"{family:14} ours {worst[family]:.1e}   torch float32 {theirs:.1e}")
    if golden:
        GOLDEN.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    passed = max(worst.values()) <= TOLERANCE
    print(json.dumps({"passed": passed, "largest_relative": worst, "torch": torch.__version__}))
    return 0 if passed else 1


def graph_of(family: str, fields: dict[str, Any]) -> ModelGraph:
    """Return the graph of a tiny model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(fields), encoding="utf-8")
        return read_config(path).graph(family)


def off(found: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest difference of an element, relative to the largest element."""
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def own(graph: ModelGraph, family: str, dtype: type) -> tuple[float, dict[str, np.ndarray]]:
    """Return our loss and gradients."""
    weights = family_weights(graph, dtype)
    sums = zero_gradients(weights)
    loss = Backpropagation(graph, dtype).add_gradients(weights, family_batch(graph), sums)
    return loss, sums


def autograd(
    graph: ModelGraph, family: str, dtype: torch.dtype
) -> tuple[float, dict[str, np.ndarray]]:
    """Return PyTorch's loss and gradients."""
    weights = {
        name: torch.tensor(weight, dtype=dtype, requires_grad=True)
        for name, weight in family_weights(graph, np.float64).items()
    }
    batch = family_batch(graph)
    logits = torch_logits(graph, weights, torch.tensor(batch.tokens))
    losses = F.cross_entropy(
        logits.flatten(0, 1), torch.tensor(batch.targets).flatten(), reduction="none"
    )
    counts = torch.tensor(batch.counts, dtype=dtype).flatten()
    loss = (losses * counts).sum() / counts.sum()
    loss.backward()
    return loss.item(), {name: weight.grad.numpy() for name, weight in weights.items()}


# ── PyTorch's walk over the graph ───────────────────────────────────────────────────────────


def torch_logits(graph: ModelGraph, weights: Tensors, tokens: torch.Tensor) -> torch.Tensor:
    """Return the logits (B, T, V) of tokens (B, T)."""
    values: Tensors = {}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        values[node.output] = computed(node, inputs, weights, tokens)
    return values[graph.logits]


def computed(
    node: Node, inputs: list[torch.Tensor], weights: Tensors, tokens: torch.Tensor
) -> torch.Tensor:
    """Return the value of a node by PyTorch's operations."""
    scale = node.attributes.get("scale", 1.0)
    bias = weights[node.text("bias")] if "bias" in node.attributes else None
    match node.op:
        case "embed":
            return F.embedding(tokens, weights[node.weight]) * scale
        case "norm":
            return normed(node, inputs[0], weights[node.weight], bias)
        case "matmul":
            product = F.linear(inputs[0], weights[node.weight], bias) * scale
            cap = node.attributes.get("softcap")
            return product if cap is None else torch.tanh(product / cap) * cap
        case "rotary":
            return rotated(node, inputs[0])
        case "attention":
            return attended(node, *inputs)
        case "gate":
            silu = node.text("kind") == "silu"
            active = F.silu(inputs[0]) if silu else F.gelu(inputs[0], approximate="tanh")
            return active if len(inputs) == 1 else active * inputs[1]
    return inputs[0] + inputs[1] * scale


def normed(
    node: Node, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Return PyTorch's RMS norm or layer norm, of heads where the node is one of heads."""
    if node.text("kind") == "layer":
        return F.layer_norm(x, x.shape[-1:], weight, bias, node.number("eps"))
    parts = node.integer("heads") if node.role is Role.HEAD_NORM else 1
    vectors = x.unflatten(-1, (parts, -1))
    return F.rms_norm(vectors, vectors.shape[-1:], weight, node.number("eps")).flatten(-2)


def rotated(node: Node, x: torch.Tensor) -> torch.Tensor:
    """Return x with every pair (i, i + D/2) turned, in PyTorch's complex numbers."""
    width = node.integer("head_dim")
    frequencies = node.number("base") ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    if factors := node.numbers("factors"):
        frequencies = frequencies / torch.tensor(factors, dtype=torch.float64)
    angles = torch.outer(torch.arange(x.shape[1], dtype=torch.float64), frequencies)
    turns = torch.polar(torch.ones_like(angles), angles)[:, None]
    first, second = x.unflatten(-1, (-1, 2, width // 2)).unbind(-2)
    turned = torch.complex(first, second) * turns.to(torch.complex(first, second).dtype)
    return torch.stack((turned.real, turned.imag), -2).flatten(-3)


def attended(node: Node, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Return softmax(cap(q·k · scale)) · v with keys repeated for the queries that share them."""
    width, tokens = node.integer("head_dim"), q.shape[1]
    q, k, v = (x.unflatten(-1, (-1, width)).transpose(1, 2) for x in (q, k, v))
    shared = node.integer("heads") // node.integer("kv_heads")
    k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
    scores = q @ k.mT * node.number("scale")
    if cap := node.number("softcap"):
        scores = torch.tanh(scores / cap) * cap
    behind = torch.arange(tokens)[:, None] - torch.arange(tokens)
    hidden = behind < 0
    if window := node.integer("window"):
        hidden |= behind >= window
    weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
    return (weights @ v).transpose(1, 2).flatten(-2)


if __name__ == "__main__":
    raise SystemExit(main())
