"""A family as a newcomer adds it: this file, one line in `engine.model.families.FAMILIES`, a test.

A Toy is no Llama.  Its configuration has names of its own, attention and feed-forward read one norm
side by side, and its layers differ: eps, the scale of scores and the base of the rotation change
from layer to layer.
"""

import math
from dataclasses import dataclass
from typing import Self

from engine.model.families.builder import GraphBuilder
from engine.model.families.family import ModelConfig
from engine.model.families.fields import MOST_LAYERS, Fields, check_multiple, check_size
from engine.model.graph import ModelGraph
from engine.model.roles import Role

__all__ = ["ToyConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyConfig(ModelConfig):
    """The configuration of a Toy."""

    width: int
    depth: int
    heads: int
    vocab_size: int
    positions: int
    spark_language: str | None = None

    def __post_init__(self) -> None:
        check_size("depth", self.depth, MOST_LAYERS)
        check_multiple("width", self.width, 32)
        check_multiple("width", self.width, 2 * self.heads, "heads are of equal, even width")

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        names = ("width", "depth", "heads", "vocab_size", "positions")
        return cls(**{name: fields.integer(name) for name in names})

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Toy."""
        builder = GraphBuilder()
        stream = builder.embed("table", self.vocab_size, self.width)
        for layer in range(self.depth):
            builder.layer = layer
            stream = self._layer(builder, f"block {layer}", stream)
        builder.layer = None
        normed = builder.norm("last", Role.FINAL_NORM, stream, "last.gain", eps=1e-5)
        builder.head(normed, self.vocab_size, "table")
        return builder.graph(name, layers=self.depth, context_length=self.positions)

    def _layer(self, builder: GraphBuilder, name: str, stream: str) -> str:
        """Add attention and feed-forward side by side and return the name of their sum."""
        layer = builder.layer or 0
        eps = 1e-5 * (layer + 1)
        normed = builder.norm(f"{name} norm", Role.ATTENTION_NORM, stream, f"{name}.gain", eps=eps)
        q, k, v = (
            builder.matmul(f"{name} {each}", Role.QKV, normed, self.width, f"{name}.{each}")
            for each in "qkv"
        )
        base = 10_000.0 if layer % 2 else 100.0
        q = builder.rotary(f"{name} q turned", q, heads=self.heads, base=base)
        k = builder.rotary(f"{name} k turned", k, heads=self.heads, base=base)
        scale = 1.0 / math.sqrt(self.width // self.heads) / (layer + 1)
        seen = builder.attention(f"{name} seen", (q, k, v), heads=self.heads, scale=scale)
        out = builder.matmul(f"{name} out", Role.OUT, seen, self.width, f"{name}.out")
        gate, up = (
            builder.matmul(f"{name} {each}", Role.GATE_UP, normed, 2 * self.width, f"{name}.{each}")
            for each in ("gate", "up")
        )
        gated = builder.activation(f"{name} gated", gate, up, kind="silu")
        down = builder.matmul(f"{name} down", Role.DOWN, gated, self.width, f"{name}.down")
        stream = builder.add(f"{name} heard", Role.ATTENTION_RESIDUAL, stream, out)
        return builder.add(f"{name} thought", Role.FFN_RESIDUAL, stream, down)
