"""Graphs of every family's kind at a tiny size, with random weights: no file, no configuration.

`Traits` says what a decoder has that a Llama has not; `decoder` builds it.
"""

from dataclasses import dataclass, field

import numpy as np

from engine.model.families.builder import GraphBuilder
from engine.model.roles import Role
from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import quantise


@dataclass(frozen=True)
class Traits:
    """A decoder's sizes and additions; what is a tuple by layer goes round."""

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
    head_norms: bool = False
    post_norms: bool = False
    layer_norms: bool = False
    embedding_scale: float | None = None
    residual_scale: float | None = None
    logits_scale: float | None = None
    logits_cap: float | None = None
    activation: str = "silu"
    gated: bool = True
    windows: tuple = (0,)
    """By layer."""
    score_caps: tuple = (0.0,)
    bases: tuple = (10000.0,)
    factors: tuple = ((),)


@dataclass(frozen=True)
class Built:
    """A graph and its tensors: what a tier needs of a model."""

    graph: object
    tensors: dict = field(repr=False)

    @property
    def formats(self):
        """Format of every tensor by name."""
        return {name: tensor.format for name, tensor in self.tensors.items()}


def decoder_graph_of(traits):
    """The graph of a decoder with these traits."""
    return _Decoder(traits).graph()


def decoder(traits, seed=0):
    """A decoder with these traits and random weights."""
    graph = decoder_graph_of(traits)
    return Built(graph, random_tensors(graph, seed))


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
        stream = builder.embed("embed", traits.vocab, traits.hidden, scale=traits.embedding_scale)
        for layer in range(traits.layers):
            builder.layer = layer
            stream = self._feed_forward(self._attention(stream))
        builder.layer = None
        normed = self._norm("final_norm", Role.FINAL_NORM, stream)
        builder.head(
            normed, traits.vocab, "embed", scale=traits.logits_scale, softcap=traits.logits_cap
        )
        return builder.graph("decoder", layers=traits.layers, context_length=traits.context)

    def _attention(self, stream):
        traits, builder = self.traits, self.builder
        width, kv_width = traits.heads * traits.head_dim, traits.kv_heads * traits.head_dim
        normed = self._norm("attention_norm", Role.ATTENTION_NORM, stream)
        q = self._product("q", Role.QKV, normed, width)
        k = self._product("k", Role.QKV, normed, kv_width)
        v = self._product("v", Role.QKV, normed, kv_width)
        if traits.head_norms:
            q, k = self._head_norm("q", q, traits.heads), self._head_norm("k", k, traits.kv_heads)
        q, k = self._turned("q", q, traits.heads), self._turned("k", k, traits.kv_heads)
        attended = builder.attention(
            self._name("attention"),
            (q, k, v),
            heads=traits.heads,
            scale=traits.head_dim**-0.5,
            window=self._own(traits.windows),
            softcap=self._own(traits.score_caps),
        )
        out = self._product("o", Role.OUT, attended, traits.hidden)
        if traits.post_norms:
            out = self._norm("attention_post_norm", Role.ATTENTION_POST_NORM, out)
        return self._add("attention_residual", Role.ATTENTION_RESIDUAL, stream, out)

    def _feed_forward(self, stream):
        traits, builder = self.traits, self.builder
        normed = self._norm("ffn_norm", Role.FFN_NORM, stream)
        halves = [
            self._product(of, Role.GATE_UP, normed, traits.ffn)
            for of in ("gate", "up")[: 1 + traits.gated]
        ]
        active = builder.activation(self._name("activation"), *halves, kind=traits.activation)
        down = self._product("down", Role.DOWN, active, traits.hidden)
        if traits.post_norms:
            down = self._norm("ffn_post_norm", Role.FFN_POST_NORM, down)
        return self._add("ffn_residual", Role.FFN_RESIDUAL, stream, down)

    def _own(self, by_layer):
        return by_layer[self.builder.layer % len(by_layer)]

    def _name(self, of):
        layer = self.builder.layer
        return of if layer is None else f"layer {layer}.{of}"

    def _norm(self, of, role, value):
        name, builder = self._name(of), self.builder
        if self.traits.layer_norms:
            bias = f"{name}.bias"
            return builder.layer_norm(name, role, value, f"{name}.weight", bias=bias, eps=1e-5)
        return builder.norm(name, role, value, f"{name}.weight", eps=1e-5)

    def _head_norm(self, of, value, heads):
        name = self._name(f"{of}_norm")
        return self.builder.head_norm(name, value, f"{name}.weight", heads=heads, eps=1e-6)

    def _turned(self, of, value, heads):
        base, factors = self._own(self.traits.bases), self._own(self.traits.factors)
        name = self._name(f"{of}_rotary")
        return self.builder.rotary(name, value, heads=heads, base=base, factors=factors)

    def _product(self, of, role, value, width):
        name = self._name(of)
        bias = f"{name}.bias" if of in self.traits.biases else None
        return self.builder.matmul(name, role, value, width, f"{name}.weight", bias=bias)

    def _add(self, of, role, left, right):
        scale = self.traits.residual_scale
        return self.builder.add(self._name(of), role, left, right, scale=scale)
