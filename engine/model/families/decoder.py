"""Decoders that are Llamas with additions: biases, norms of single heads, another activation.

Describes; computes nothing.  The engine does not run these families, but their graphs can be
placed and priced.  Tensor names follow Hugging Face's.
"""

import math
from dataclasses import dataclass, field

from engine.model.config import ModelConfig
from engine.model.families.llama import Builder
from engine.model.graph import Attribute, ModelGraph

__all__ = ["Additions", "build_graph"]

_EMBEDDING = "model.embed_tokens.weight"


@dataclass(frozen=True, slots=True)
class Additions:
    """What a decoder has that a Llama has not."""

    biases: frozenset[str] = field(default_factory=frozenset)
    """Products with a bias: of q, k, v, o, gate, up, down."""
    head_norms: bool = False
    """Queries and keys are normed head by head before their rotation (Qwen3)."""
    activation: str = "silu"
    """``"silu"`` or ``"gelu"``."""
    embedding_scale: float | None = None
    """Factor of the embedding's rows (Gemma)."""


def build_graph(config: ModelConfig, additions: Additions, name: str) -> ModelGraph:
    """Return the graph of such a decoder."""
    builder = Builder(config)
    scale = additions.embedding_scale
    residual = builder.add(
        "embed",
        "embed",
        (),
        config.hidden_size,
        weight=_EMBEDDING,
        rows=config.vocab_size,
        attributes={} if scale is None else {"scale": scale},
    )
    for layer in range(config.num_hidden_layers):
        residual = _layer(builder, additions, layer, residual)
    normed = builder.norm("final_norm", residual, "model.norm.weight")
    head = _EMBEDDING if config.tie_word_embeddings else "lm_head.weight"
    builder.matmul("head", normed, config.vocab_size, head, output="logits")
    return builder.graph(name)


def _layer(builder: Builder, additions: Additions, layer: int, residual: str) -> str:
    """Add one layer and return the name of its residual stream."""
    config = builder.config
    builder.layer = layer
    name, tensor = f"layer {layer}", f"model.layers.{layer}"
    residual = _attention(builder, additions, residual)
    normed = builder.norm(f"{name}.ffn_norm", residual, f"{tensor}.post_attention_layernorm.weight")
    width = config.intermediate_size
    gate = _product(builder, additions, "gate", normed, width)
    up = _product(builder, additions, "up", normed, width)
    kind: dict[str, Attribute] = {"kind": additions.activation}
    gated = builder.add(f"{name}.activation", "gate", (gate, up), width, attributes=kind)
    down = _product(builder, additions, "down", gated, config.hidden_size)
    residual = builder.add(f"{name}.ffn_residual", "add", (residual, down), config.hidden_size)
    builder.layer = None
    return residual


def _attention(builder: Builder, additions: Additions, residual: str) -> str:
    """Add the attention half of a layer and return the name of its residual stream."""
    config = builder.config
    name, tensor = f"layer {builder.layer}", f"model.layers.{builder.layer}"
    heads, kv_heads, dims = (
        config.num_attention_heads,
        config.num_key_value_heads,
        config.head_dim,
    )
    normed = builder.norm(f"{name}.attention_norm", residual, f"{tensor}.input_layernorm.weight")
    q = _product(builder, additions, "q", normed, heads * dims)
    k = _product(builder, additions, "k", normed, kv_heads * dims)
    v = _product(builder, additions, "v", normed, kv_heads * dims)
    if additions.head_norms:
        q = builder.head_norm(f"{name}.q_norm", q, heads, f"{tensor}.self_attn.q_norm.weight")
        k = builder.head_norm(f"{name}.k_norm", k, kv_heads, f"{tensor}.self_attn.k_norm.weight")
    q = builder.rotary(f"{name}.q_rotary", q, heads)
    k = builder.rotary(f"{name}.k_rotary", k, kv_heads)
    attributes: dict[str, Attribute] = {
        "heads": heads,
        "kv_heads": kv_heads,
        "head_dim": dims,
        "scale": 1.0 / math.sqrt(dims),
        "window": 0,
        "softcap": 0.0,
    }
    attended = builder.add(
        f"{name}.attention", "attention", (q, k, v), heads * dims, attributes=attributes
    )
    o = _product(builder, additions, "o", attended, config.hidden_size)
    return builder.add(f"{name}.attention_residual", "add", (residual, o), config.hidden_size)


def _product(builder: Builder, additions: Additions, role: str, value: str, width: int) -> str:
    """Add a product of the current layer, with its bias if it has one."""
    part = "mlp" if role in ("gate", "up", "down") else "self_attn"
    tensor = f"model.layers.{builder.layer}.{part}.{role}_proj"
    bias = f"{tensor}.bias" if role in additions.biases else None
    return builder.matmul(
        f"layer {builder.layer}.{role}", value, width, f"{tensor}.weight", bias=bias
    )
