"""What decoders share: the fields of their configurations, and a Llama's graph with additions.

A family that is more than a Llama with additions describes its own graph with a `GraphBuilder`.
Tensor names follow Hugging Face's.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Self

from engine.errors import ConfigError
from engine.model.families.builder import GraphBuilder
from engine.model.families.family import ModelConfig
from engine.model.families.fields import (
    MOST_LAYERS,
    Fields,
    check_multiple,
    check_positive,
    check_size,
)
from engine.model.graph import ModelGraph
from engine.model.roles import Role
from engine.model.tensors.q8 import QUANTISATION_GROUP

__all__ = ["Additions", "DecoderConfig", "decoder_fields", "decoder_graph"]

_ATTENTION, _FFN = frozenset("qkvo"), frozenset({"gate", "up", "down"})
_GELU = ("gelu", "gelu_new", "gelu_pytorch_tanh")
_WITHOUT_PRICE = ("num_local_experts", "num_experts", "kv_lora_rank", "final_logit_softcapping")
_EMBEDDING = "model.embed_tokens.weight"


# ── configuration ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig(ModelConfig):
    """Sizes and constants of a decoder; names are those of ``config.json``.

    Raises:
        ConfigError: A value is outside what has a graph; the message names the field, its value
            and what is allowed.
    """

    hidden_size: int
    """Width of the residual stream, a multiple of 32."""
    intermediate_size: int
    """Width of the feed-forward activations, a multiple of 32."""
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    """Divides the number of attention heads."""
    head_dim: int
    """Even; heads × head_dim is a multiple of 32."""
    vocab_size: int
    max_position_embeddings: int
    """Context length: rows that the KV cache may hold."""
    rms_norm_eps: float
    rope_theta: float = 10000.0
    """Base of the rotary embedding."""
    tie_word_embeddings: bool = False
    """True: the head multiplies by the embedding."""
    activation: str = "silu"
    """``"silu"`` or ``"gelu"``; the file calls it ``hidden_act``."""
    attention_bias: bool = False
    """True: the four products around attention have biases."""
    mlp_bias: bool = False
    """True: the three products of the feed-forward have biases."""
    spark_language: str | None = None

    def __post_init__(self) -> None:
        for name in _SIZES:
            check_size(name, getattr(self, name))
        check_size("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS)
        check_positive("rms_norm_eps", self.rms_norm_eps, below=1.0)
        check_positive("rope_theta", self.rope_theta, below=1e12)
        check_multiple("hidden_size", self.hidden_size, QUANTISATION_GROUP)
        check_multiple("intermediate_size", self.intermediate_size, QUANTISATION_GROUP)
        check_multiple("head_dim", self.head_dim, 2, "rotary embedding turns pairs")
        check_multiple(
            "num_attention_heads × head_dim",
            self.num_attention_heads * self.head_dim,
            QUANTISATION_GROUP,
        )
        check_multiple(
            "num_attention_heads",
            self.num_attention_heads,
            self.num_key_value_heads,
            "that is num_key_value_heads",
        )

    @property
    def biases(self) -> frozenset[str]:
        """Products with a bias: of q, k, v, o, gate, up, down."""
        attention = _ATTENTION if self.attention_bias else frozenset()
        return attention | (_FFN if self.mlp_bias else frozenset())

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        return cls(**decoder_fields(fields))

    @classmethod
    def read_to_price(cls, fields: Fields, context_length: int | None) -> Self:
        """Return the configuration; refuse experts and the like, and a window that binds.

        The graph has no window: a context that stays inside sees all positions.
        """
        for name in _WITHOUT_PRICE:
            if fields.get(name):
                raise ConfigError(f"field {name!r} is {fields.get(name)}: it has no price here yet")
        _refuse_window(fields, context_length or fields.get("max_position_embeddings"))
        return cls.read(fields)


_SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "max_position_embeddings",
)


def _refuse_window(fields: Fields, context: object) -> None:
    window = fields.get("sliding_window")
    if not isinstance(window, int) or not fields.raw.get("use_sliding_window", True):
        return
    if isinstance(context, int) and context > window:
        raise ConfigError(
            f"field 'sliding_window' is {window}, the context {context}: windows have no "
            f"price here yet; ask for a context of at most {window}"
        )


def decoder_fields(fields: Fields, *, tied: bool = False) -> dict[str, Any]:
    """Return the arguments of a `DecoderConfig`.

    Args:
        fields: The file's.
        tied: What a file without ``tie_word_embeddings`` means.

    Raises:
        ConfigError: A field is missing, of the wrong type, or an activation without a price.
    """
    hidden, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    return {
        "hidden_size": hidden,
        "intermediate_size": fields.integer("intermediate_size"),
        "num_hidden_layers": fields.integer("num_hidden_layers"),
        "num_attention_heads": heads,
        "num_key_value_heads": fields.integer("num_key_value_heads", heads),
        "head_dim": fields.integer("head_dim", _default_head_dim(hidden, heads)),
        "vocab_size": fields.integer("vocab_size"),
        "max_position_embeddings": fields.integer("max_position_embeddings"),
        "rms_norm_eps": fields.number("rms_norm_eps", 1e-6),
        "rope_theta": _rope_theta(fields),
        "tie_word_embeddings": fields.boolean("tie_word_embeddings", tied),
        "activation": _activation(fields),
        "attention_bias": fields.boolean("attention_bias", False),
        "mlp_bias": fields.boolean("mlp_bias", False),
        "spark_language": fields.text("spark_language") if "spark_language" in fields.raw else None,
    }


def _default_head_dim(hidden: int, heads: int) -> int | None:
    """Return what a file without ``head_dim`` means; None where it means nothing."""
    return hidden // heads if heads > 0 and hidden % heads == 0 else None


def _rope_theta(fields: Fields) -> float:
    """Return the rotary base, which newer files keep inside ``rope_parameters``."""
    inner = fields.get("rope_parameters")
    if isinstance(inner, dict) and "rope_theta" in inner:
        return Fields(inner).number("rope_theta")
    return fields.number("rope_theta", 10000.0)


def _activation(fields: Fields) -> str:
    name = fields.get("hidden_activation") or fields.get("hidden_act") or "silu"
    if name in _GELU:
        return "gelu"
    if name != "silu":
        raise ConfigError(f"field 'hidden_act' is {name!r}; priced are: silu, {', '.join(_GELU)}")
    return "silu"


# ── graph ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Additions:
    """What a decoder has that a Llama has not."""

    biases: frozenset[str] = field(default_factory=frozenset)
    """Products with a bias besides those the configuration asks for."""
    head_norms: bool = False
    """Queries and keys are normed head by head before their rotation."""
    embedding_scale: float | None = None
    """Factor of the embedding's rows."""


_NOTHING = Additions()


def decoder_graph(config: DecoderConfig, name: str, additions: Additions = _NOTHING) -> ModelGraph:
    """Return the graph of a decoder with a tied or a separate head.

    Args:
        config: Its sizes and constants.
        name: The model's name.
        additions: What it has that a Llama has not.
    """
    return _Decoder(config, additions).graph(name)


class _Decoder:
    """Describes a decoder, half a layer at a time."""

    def __init__(self, config: DecoderConfig, additions: Additions) -> None:
        self.config, self.additions = config, additions
        self.biases = config.biases | additions.biases
        self.builder = GraphBuilder()

    def graph(self, name: str) -> ModelGraph:
        config, builder = self.config, self.builder
        residual = builder.embed(
            _EMBEDDING, config.vocab_size, config.hidden_size, scale=self.additions.embedding_scale
        )
        for layer in range(config.num_hidden_layers):
            builder.layer = layer
            residual = self._ffn(self._attention(residual))
        builder.layer = None
        normed = self._norm("final_norm", Role.FINAL_NORM, residual, "model.norm")
        tensor = _EMBEDDING if config.tie_word_embeddings else "lm_head.weight"
        builder.head(normed, config.vocab_size, tensor)
        return builder.graph(
            name, layers=config.num_hidden_layers, context_length=config.max_position_embeddings
        )

    def _attention(self, residual: str) -> str:
        """Add the attention half of a layer and return the name of its residual stream."""
        config, builder = self.config, self.builder
        heads, kv_heads, dims = (
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )
        name, tensor = self._layer, f"{self._tensor}.input_layernorm"
        normed = self._norm(f"{name}.attention_norm", Role.ATTENTION_NORM, residual, tensor)
        q = self._product("q", Role.QKV, normed, heads * dims)
        k = self._product("k", Role.QKV, normed, kv_heads * dims)
        v = self._product("v", Role.QKV, normed, kv_heads * dims)
        if self.additions.head_norms:
            q, k = self._head_norm("q", q, heads), self._head_norm("k", k, kv_heads)
        q = builder.rotary(f"{name}.q_rotary", q, heads=heads, base=config.rope_theta)
        k = builder.rotary(f"{name}.k_rotary", k, heads=kv_heads, base=config.rope_theta)
        attended = builder.attention(
            f"{name}.attention", (q, k, v), heads=heads, scale=1.0 / math.sqrt(dims)
        )
        o = self._product("o", Role.OUT, attended, config.hidden_size)
        return builder.add(f"{name}.attention_residual", Role.ATTENTION_RESIDUAL, residual, o)

    def _ffn(self, residual: str) -> str:
        """Add the feed-forward half of a layer and return the name of its residual stream."""
        config, builder, name = self.config, self.builder, self._layer
        tensor = f"{self._tensor}.post_attention_layernorm"
        normed = self._norm(f"{name}.ffn_norm", Role.FFN_NORM, residual, tensor)
        gate = self._product("gate", Role.GATE_UP, normed, config.intermediate_size)
        up = self._product("up", Role.GATE_UP, normed, config.intermediate_size)
        gated = builder.activation(f"{name}.activation", gate, up, kind=config.activation)
        down = self._product("down", Role.DOWN, gated, config.hidden_size)
        return builder.add(f"{name}.ffn_residual", Role.FFN_RESIDUAL, residual, down)

    @property
    def _layer(self) -> str:
        return f"layer {self.builder.layer}"

    @property
    def _tensor(self) -> str:
        return f"model.layers.{self.builder.layer}"

    def _norm(self, name: str, role: Role, value: str, tensor: str) -> str:
        return self.builder.norm(
            name, role, value, f"{tensor}.weight", eps=self.config.rms_norm_eps
        )

    def _head_norm(self, of: str, value: str, heads: int) -> str:
        tensor = f"{self._tensor}.self_attn.{of}_norm.weight"
        return self.builder.head_norm(
            f"{self._layer}.{of}_norm", value, tensor, heads=heads, eps=self.config.rms_norm_eps
        )

    def _product(self, of: str, role: Role, value: str, width: int) -> str:
        """Add a product of the current layer, with its bias if it has one."""
        part = "mlp" if of in _FFN else "self_attn"
        tensor = f"{self._tensor}.{part}.{of}_proj"
        bias = f"{tensor}.bias" if of in self.biases else None
        return self.builder.matmul(
            f"{self._layer}.{of}", role, value, width, f"{tensor}.weight", bias=bias
        )
