"""Graphs of every family's kind at a tiny size, with random weights: no file, no configuration.

`Traits` says what a decoder has that a Llama has not; `decoder` builds it.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from engine.model.families.builder import GraphBuilder
from engine.model.roles import Role
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import quantise


@dataclass(frozen=True)
class Traits:
    """A decoder's sizes and additions."""

    hidden: int = 64
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    ffn: int = 96
    vocab: int = 288
    context: int = 32
    biases: frozenset = frozenset()
    """Products with a bias, by the end of their name: ``"q"``, ``"gate"``."""


@dataclass(frozen=True)
class Built:
    """A graph and its tensors: what a tier needs of a model."""

    graph: object
    tensors: dict = field(repr=False)


def decoder(traits=Traits(), seed=0):
    """A decoder with these traits and random weights."""
    return Built(graph := _Decoder(traits).graph(), random_tensors(graph, seed))


def changed(traits, **more):
    """Traits with some others."""
    return replace(traits, **more)


def random_tensors(graph, seed=0):
    """Random tensors of a graph: matrices in int8, vectors in fp32, that let every layer show."""
    random = np.random.default_rng(seed)
    tensors = {}
    for name, shape in graph.weights.items():
        values = random.standard_normal(shape)
        if len(shape) == 2:
            values *= 0.5 if "embed" in name else 1.5 / np.sqrt(shape[1])
            tensors[name] = quantise(FloatTensor(values.astype(np.float32)))
        else:
            values = 0.3 * values if "bias" in name else 1.0 + 0.2 * values
            tensors[name] = FloatTensor(values.astype(np.float32))
    return tensors


class _Decoder:
    """Builds a decoder layer by layer."""

    def __init__(self, traits):
        self.traits, self.builder = traits, GraphBuilder()

    def graph(self):
        traits, builder = self.traits, self.builder
        stream = builder.embed("embed", traits.vocab, traits.hidden)
        for layer in range(traits.layers):
            builder.layer = layer
            stream = self._feed_forward(self._attention(stream))
        builder.layer = None
        normed = self._norm("final_norm", Role.FINAL_NORM, stream)
        builder.head(normed, traits.vocab, "embed")
        return builder.graph("decoder", layers=traits.layers, context_length=traits.context)

    def _attention(self, stream):
        traits, builder = self.traits, self.builder
        width, kv_width = traits.heads * traits.head_dim, traits.kv_heads * traits.head_dim
        normed = self._norm("attention_norm", Role.ATTENTION_NORM, stream)
        q = self._product("q", Role.QKV, normed, width)
        k = self._product("k", Role.QKV, normed, kv_width)
        v = self._product("v", Role.QKV, normed, kv_width)
        q = builder.rotary(self._name("q_rotary"), q, heads=traits.heads, base=10000.0)
        k = builder.rotary(self._name("k_rotary"), k, heads=traits.kv_heads, base=10000.0)
        attended = builder.attention(
            self._name("attention"), q, k, v, heads=traits.heads, scale=traits.head_dim**-0.5
        )
        out = self._product("o", Role.OUT, attended, traits.hidden)
        return builder.add(self._name("attention_residual"), Role.ATTENTION_RESIDUAL, stream, out)

    def _feed_forward(self, stream):
        traits, builder = self.traits, self.builder
        normed = self._norm("ffn_norm", Role.FFN_NORM, stream)
        gate = self._product("gate", Role.GATE_UP, normed, traits.ffn)
        up = self._product("up", Role.GATE_UP, normed, traits.ffn)
        gated = builder.activation(self._name("activation"), gate, up, kind="silu")
        down = self._product("down", Role.DOWN, gated, traits.hidden)
        return builder.add(self._name("ffn_residual"), Role.FFN_RESIDUAL, stream, down)

    def _name(self, of):
        layer = self.builder.layer
        return of if layer is None else f"layer {layer}.{of}"

    def _norm(self, of, role, value):
        name = self._name(of)
        return self.builder.norm(name, role, value, f"{name}.weight", eps=1e-5)

    def _product(self, of, role, value, width):
        name = self._name(of)
        bias = f"{name}.bias" if of in self.traits.biases else None
        return self.builder.matmul(name, role, value, width, f"{name}.weight", bias=bias)
