"""Models of random weights as GGUF files: speed does not depend on what the weights are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.model.load import load_model
from scripts.export_gguf import CONTROL, NANO, metadata
from tests.gguf_writer import Array, write_gguf
from tests.tiny_gguf import Sizes, random_tensor, tiny_gguf_metadata, tiny_gguf_shapes

__all__ = ["SHAPES", "RandomModel", "write_random"]


@dataclass(frozen=True, slots=True)
class RandomModel:
    """A shape of the Llama family, all matrices of one type."""

    type: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    context: int = 2048


SHAPES = {
    "random-17m": RandomModel("Q8_0", 8, 384, 6, 2, 64, 1024, 8192),
    "random-90m": RandomModel("Q4_K", 12, 768, 12, 4, 64, 2048, 16384),
    "random-390m": RandomModel("Q4_0", 24, 896, 14, 2, 64, 4864, 32768),
}
"""Names that `scripts/bench_peers.py` takes; the last has the shape of a 0.5 B coder."""


def write_random(path: Path, shape: RandomModel) -> Path:
    """Write a file of random weights and return its path; the same file each time."""
    random = np.random.default_rng(0)
    sizes = Sizes(
        shape.hidden, shape.heads, shape.kv_heads, shape.head_dim, shape.ffn, shape.vocabulary,
        shape.context,
    )  # fmt: skip
    tensors = {
        name: random_tensor(
            random, shape.type if len(lengths) == 2 else "F32", lengths, norm="norm" in name
        )
        for name, lengths in tiny_gguf_shapes("llama", sizes, shape.layers, tied=True).items()
    }
    keys = tiny_gguf_metadata("llama", sizes, shape.layers) | _vocabulary(shape.vocabulary)
    write_gguf(path, keys, tensors)
    return path


def _vocabulary(count: int) -> dict[str, Any]:
    """Return the bundled model's vocabulary, filled up with tokens that nothing encodes to."""
    tokenizer = json.loads((NANO / "tokenizer.json").read_text(encoding="utf-8"))
    keys: dict[str, Any] = {
        key: value
        for key, value in metadata(load_model(NANO), tokenizer).items()
        if key.startswith("tokenizer.")
    }
    names, kinds = (
        list(keys[f"tokenizer.ggml.{part}"].values) for part in ("tokens", "token_type")
    )
    more = range(len(names), count)
    return keys | {
        "tokenizer.ggml.tokens": Array("str", [*names, *(f"<unused{n}>" for n in more)]),
        "tokenizer.ggml.token_type": Array("i32", [*kinds, *(CONTROL for _ in more)]),
    }
