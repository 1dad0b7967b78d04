"""DecoderConfig: the sizes and constants that all our decoders have, read from their fields.

A family adds what it has besides, and describes its graph (`decoder_graph`).  Names are those of
Hugging Face's ``config.json``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from engine.errors import ConfigError, WeightsError
from engine.model.families.family import ModelConfig
from engine.model.families.fields import (
    LONGEST_HEAD,
    MOST_LAYERS,
    Fields,
    check_multiple,
    check_positive,
    check_size,
    wrong_field,
)
from engine.model.families.rope import PLAIN_ROPE, Rope, check_head_fits, read_rope, rope_for_price
from engine.model.families.unread_fields import refuse_unread
from engine.model.tensors.q8 import QUANTISATION_GROUP
from engine.model.tensors.stored import Stored

__all__ = [
    "EMBEDDING",
    "HEAD",
    "DecoderConfig",
    "decoder_fields",
    "layer_count",
    "sliding_layers",
    "with_defaults",
]

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"

_ATTENTION, _FFN = frozenset("qkvo"), frozenset({"gate", "up", "down"})
_TANH_GELU = ("gelu_pytorch_tanh", "gelu_new")
_ACTIVATIONS = {"silu": "silu", "swish": "silu"} | dict.fromkeys(_TANH_GELU, "gelu")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig(ModelConfig):
    """Sizes and constants of a decoder.

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
    rope: Rope = PLAIN_ROPE
    """The rotation of queries and keys."""
    tie_word_embeddings: bool = False
    """True: the head multiplies by the embedding."""
    activation: str = "silu"
    """``"silu"`` or ``"gelu"``; the file calls it ``hidden_act``."""
    attention_bias: bool = False
    """True: the four products around attention have biases."""
    mlp_bias: bool = False
    """True: the products of the feed-forward have biases."""
    sliding_window: int = 0
    """Positions that a sliding layer sees; 0: all."""
    sliding: tuple[bool, ...] = ()
    """Which layers slide; empty: all, if there is a window."""
    spark_language: str | None = None

    def __post_init__(self) -> None:
        for name in _SIZES:
            check_size(name, getattr(self, name))
        check_size("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS)
        check_positive("rms_norm_eps", self.rms_norm_eps, below=1.0)
        check_multiple("hidden_size", self.hidden_size, QUANTISATION_GROUP)
        check_multiple("intermediate_size", self.intermediate_size, QUANTISATION_GROUP)
        check_multiple("head_dim", self.head_dim, 2, "rotary embedding turns pairs")
        check_head_fits(self.rope, self.head_dim)
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

    def window(self, layer: int) -> int:
        """Return how many positions a layer sees; 0: all that the context can hold."""
        slides = self.sliding[layer] if self.sliding else True
        binds = slides and self.sliding_window < self.max_position_embeddings
        return self.sliding_window if binds else 0

    @classmethod
    def read_to_price(cls, fields: Fields, context_length: int | None) -> Self:
        """Return the configuration, with what costs no time made plain.

        Rotations lose their factors, an exact GELU counts as one by tanh, and a window binds
        nothing where the context stays inside.
        """
        config = cls.read(Fields(_for_price(fields.raw)))
        inside = context_length is not None and context_length <= config.sliding_window
        return replace(config, sliding_window=0) if inside else config

    def adapt(self, found: Mapping[str, Stored]) -> dict[str, Stored]:
        """Return the tensors of a file without those that say again what is said elsewhere.

        A tied head may be stored too, if it is the embedding, and tables of rotary angles are
        computed from the configuration.

        Raises:
            WeightsError: The head is tied and stored, and is not the embedding.
        """
        kept = {name: each for name, each in found.items() if not name.endswith(_TABLES)}
        if self.tie_word_embeddings and HEAD in kept:
            _check_tied(kept.pop(HEAD), kept.get(EMBEDDING))
        return kept


_SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "max_position_embeddings",
)

_LAYER_TYPES = ("full_attention", "sliding_attention")

_ROWS_AT_ONCE = 1 << 10

_TABLES = ".rotary_emb.inv_freq"


def _for_price(raw: Mapping[str, Any]) -> dict[str, Any]:
    fields = {"rms_norm_eps": 1e-6, **rope_for_price(raw)}
    for name in ("hidden_act", "hidden_activation"):
        if fields.get(name) == "gelu":
            fields[name] = _TANH_GELU[0]
    return fields


def _check_tied(head: Stored, embedding: Stored | None) -> None:
    same = embedding is not None and (
        (head.type, head.shape) == (embedding.type, embedding.shape)
        and all(
            np.array_equal(head.raw_rows(some), embedding.raw_rows(some))
            for first in range(0, head.shape[0], _ROWS_AT_ONCE)
            for some in [slice(first, first + _ROWS_AT_ONCE)]
        )
    )
    if not same:
        raise WeightsError(
            f"{head.where} is not {EMBEDDING}, though tie_word_embeddings in config.json says so; "
            f"set it to false if the head is a matrix of its own"
        )


# ── reading ─────────────────────────────────────────────────────────────────────────────────

_NULL_IS_NONE = (
    "num_key_value_heads",  # as many as there are heads
    "sliding_window",
    "attn_logit_softcapping",
    "final_logit_softcapping",
)


def with_defaults(fields: Fields, defaults: Mapping[str, object]) -> Fields:
    """Return the fields with those that Hugging Face's class has by itself where a file has none.

    Null counts as absent, unless it says that there is no window, no cap.
    """
    said = {
        name: value
        for name, value in fields.raw.items()
        if value is not None or name in _NULL_IS_NONE
    }
    return Fields({**defaults, **said})


def decoder_fields(
    fields: Fields,
    reads: Collection[str] = (),
    *,
    eps: str = "rms_norm_eps",
    activation: str = "hidden_act",
    layers: str = "",
) -> dict[str, Any]:
    """Return the arguments of a `DecoderConfig`; no window, no biases.

    Args:
        fields: The file's, with the defaults of the family.
        reads: Names of fields that the family reads besides.
        eps: Name of the field with the norms' eps.
        activation: Name of the field with the activation.
        layers: Kind of layers whose rotation it is, for files that keep one for each kind.

    Raises:
        ConfigError: A field is missing, of the wrong type, asks for something unsupported, or
            would change numbers and is read by nobody.
    """
    refuse_unread(fields, reads)
    hidden, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    head_dim = fields.integer("head_dim", _default_head_dim(hidden, heads))
    check_size("head_dim", head_dim, LONGEST_HEAD)
    return {
        "hidden_size": hidden,
        "intermediate_size": fields.integer("intermediate_size"),
        "num_hidden_layers": layer_count(fields),
        "num_attention_heads": heads,
        "num_key_value_heads": fields.integer("num_key_value_heads", heads),
        "head_dim": head_dim,
        "vocab_size": fields.integer("vocab_size"),
        "max_position_embeddings": fields.integer("max_position_embeddings"),
        "rms_norm_eps": fields.number(eps),
        "rope": read_rope(fields, head_dim, layers=layers),
        "tie_word_embeddings": fields.boolean("tie_word_embeddings", False),
        "activation": _activation(activation, fields.present(activation, "silu")),
        "spark_language": fields.text("spark_language") if "spark_language" in fields.raw else None,
    }


def layer_count(fields: Fields) -> int:
    """Return the number of layers, before anything is made for each of them.

    Raises:
        ConfigError: It is missing, or no whole number from 1 to `MOST_LAYERS`.
    """
    count = fields.integer("num_hidden_layers")
    check_size("num_hidden_layers", count, MOST_LAYERS)
    return count


def sliding_layers(fields: Fields, window: int, default: Sequence[bool]) -> tuple[bool, ...]:
    """Return which layers slide, by ``layer_types``, else by what the family does.

    Raises:
        ConfigError: ``layer_types`` names no kind for every layer, or an unknown one, or layers
            slide though there is no window.
    """
    sliding = tuple(default)
    if (kinds := fields.get("layer_types")) is not None:
        if not isinstance(kinds, list) or len(kinds) != len(sliding):
            raise ConfigError(
                f"field 'layer_types' must name the kind of all {len(sliding)} layers"
            )
        for kind in kinds:
            if kind not in _LAYER_TYPES:
                raise wrong_field("layer_types", kind, " or ".join(map(repr, _LAYER_TYPES)))
        sliding = tuple(kind == "sliding_attention" for kind in kinds)
    if any(sliding) and not window:
        raise ConfigError(
            "field 'layer_types' has sliding layers, but there is no window "
            "(sliding_window, use_sliding_window)"
        )
    return sliding


def _default_head_dim(hidden: int, heads: int) -> int | None:
    """Return what a file without ``head_dim`` means; None where it means nothing."""
    return hidden // heads if heads > 0 and hidden % heads == 0 else None


def _activation(field: str, name: object) -> str:
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        raise wrong_field(field, name, ", ".join(map(repr, _ACTIVATIONS)))
    return _ACTIVATIONS[name]
