"""The Llama family: RMSNorm, rotary embedding, grouped-query attention, SwiGLU.

Describes; computes nothing.  Tensor names are those of Hugging Face's ``LlamaForCausalLM``.

Source:
    Touvron et al., "LLaMA" (2023), §2.2; grouped queries: Ainslie et al., "GQA" (2023).
"""

import math

from engine.model.config import ModelConfig
from engine.model.graph import Attribute, ModelGraph, Node

__all__ = ["Builder", "build_graph"]

_EMBEDDING = "model.embed_tokens.weight"


def build_graph(config: ModelConfig, name: str) -> ModelGraph:
    """Return the graph of a Llama model, with a tied or a separate head."""
    builder = Builder(config)
    residual = builder.add(
        "embed", "embed", (), config.hidden_size, weight=_EMBEDDING, rows=config.vocab_size
    )
    for layer in range(config.num_hidden_layers):
        residual = _layer(builder, layer, residual)
    normed = builder.norm("final_norm", residual, "model.norm.weight")
    builder.matmul(
        "head",
        normed,
        config.vocab_size,
        _EMBEDDING if config.tie_word_embeddings else "lm_head.weight",
        output="logits",
    )
    return builder.graph(name)


def _layer(builder: "Builder", layer: int, residual: str) -> str:
    """Add one layer and return the name of its residual stream."""
    config = builder.config
    builder.layer = layer
    name, tensor = f"layer {layer}", f"model.layers.{layer}"
    residual = _attention(builder, name, tensor, residual)
    normed = builder.norm(f"{name}.ffn_norm", residual, f"{tensor}.post_attention_layernorm.weight")
    width = config.intermediate_size
    gate = builder.matmul(f"{name}.gate", normed, width, f"{tensor}.mlp.gate_proj.weight")
    up = builder.matmul(f"{name}.up", normed, width, f"{tensor}.mlp.up_proj.weight")
    gated = builder.add(
        f"{name}.activation", "gate", (gate, up), width, attributes={"kind": "silu"}
    )
    down = builder.matmul(
        f"{name}.down", gated, config.hidden_size, f"{tensor}.mlp.down_proj.weight"
    )
    residual = builder.add(f"{name}.ffn_residual", "add", (residual, down), config.hidden_size)
    builder.layer = None
    return residual


def _attention(builder: "Builder", name: str, tensor: str, residual: str) -> str:
    """Add the attention half of a layer and return the name of its residual stream."""
    config = builder.config
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    normed = builder.norm(f"{name}.attention_norm", residual, f"{tensor}.input_layernorm.weight")
    q = builder.matmul(f"{name}.q", normed, queries, f"{tensor}.self_attn.q_proj.weight")
    k = builder.matmul(f"{name}.k", normed, keys, f"{tensor}.self_attn.k_proj.weight")
    v = builder.matmul(f"{name}.v", normed, keys, f"{tensor}.self_attn.v_proj.weight")
    q = builder.rotary(f"{name}.q_rotary", q, config.num_attention_heads)
    k = builder.rotary(f"{name}.k_rotary", k, config.num_key_value_heads)
    attended = builder.add(
        f"{name}.attention",
        "attention",
        (q, k, v),
        queries,
        attributes={
            "heads": config.num_attention_heads,
            "kv_heads": config.num_key_value_heads,
            "head_dim": config.head_dim,
            "scale": 1.0 / math.sqrt(config.head_dim),
            "window": 0,
            "softcap": 0.0,
        },
    )
    o = builder.matmul(
        f"{name}.o", attended, config.hidden_size, f"{tensor}.self_attn.o_proj.weight"
    )
    return builder.add(f"{name}.attention_residual", "add", (residual, o), config.hidden_size)


class Builder:
    """Collects nodes with the widths and shapes that follow from them."""

    def __init__(self, config: ModelConfig) -> None:
        self.config = config
        self.layer: int | None = None
        self.nodes: list[Node] = []
        self.values: dict[str, int] = {}
        self.weights: dict[str, tuple[int, ...]] = {}

    def add(
        self,
        name: str,
        op: str,
        inputs: tuple[str, ...],
        width: int,
        *,
        weight: str | None = None,
        rows: int | None = None,
        attributes: dict[str, Attribute] | None = None,
        output: str | None = None,
    ) -> str:
        """Add a node and return the name of its value; ``rows`` makes its weight a matrix."""
        output = output or name
        self.nodes.append(Node(name, op, inputs, output, weight, self.layer, attributes or {}))
        self.values[output] = width
        if weight is not None and rows is not None:
            self.weights[weight] = (rows, width)
        elif weight is not None and op == "norm":
            self.weights[weight] = (width,)
        return output

    def norm(self, name: str, value: str, weight: str) -> str:
        """Add a norm of a whole value."""
        eps = self.config.rms_norm_eps
        attributes: dict[str, Attribute] = {"kind": "rms", "eps": eps}
        return self.add(
            name, "norm", (value,), self.values[value], weight=weight, attributes=attributes
        )

    def head_norm(self, name: str, value: str, heads: int, weight: str) -> str:
        """Add the norms of a value's heads, which share a weight."""
        width = self.values[value]
        attributes: dict[str, Attribute] = {
            "kind": "rms",
            "eps": self.config.rms_norm_eps,
            "heads": heads,
        }
        self.nodes.append(Node(name, "norm", (value,), name, weight, self.layer, attributes))
        self.values[name] = width
        self.weights[weight] = (width // heads,)
        return name

    def matmul(
        self,
        name: str,
        value: str,
        width: int,
        weight: str,
        *,
        output: str | None = None,
        bias: str | None = None,
    ) -> str:
        """Add a product, perhaps with a bias."""
        self.weights[weight] = (width, self.values[value])
        attributes: dict[str, Attribute] = {}
        if bias is not None:
            self.weights[bias] = (width,)
            attributes["bias"] = bias
        return self.add(
            name, "matmul", (value,), width, weight=weight, output=output, attributes=attributes
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of all nodes so far."""
        config = self.config
        return ModelGraph(
            name=name,
            nodes=tuple(self.nodes),
            values=self.values,
            weights=self.weights,
            layers=config.num_hidden_layers,
            width=config.hidden_size,
            vocabulary=config.vocab_size,
            context_length=config.max_position_embeddings,
        )

    def rotary(self, name: str, value: str, heads: int) -> str:
        """Add the rotation of a value's heads by their position."""
        attributes: dict[str, Attribute] = {
            "kind": "half",
            "base": self.config.rope_theta,
            "head_dim": self.config.head_dim,
            "heads": heads,
        }
        return self.add(name, "rotary", (value,), self.values[value], attributes=attributes)
