"""The Gemma 3 family, its text: a Gemma 2 with norms of heads in place of caps, and two rotations.

Of six layers five see a window of positions, and rotate by a base of their own.  A folder of the
larger models holds a part for pictures too, which is passed over: text never meets it.

Source:
    Gemma Team, "Gemma 3 Technical Report" (2025), §2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from engine.errors import ConfigError
from engine.model.families.decoder import (
    DecoderConfig,
    decoder_fields,
    layer_count,
    sliding_layers,
    with_defaults,
)
from engine.model.families.decoder_graph import Additions, decoder_graph
from engine.model.families.fields import Fields, check_size
from engine.model.families.gemma import with_ones
from engine.model.families.rope import Rope, check_head_fits, read_rope
from engine.model.graph import ModelGraph
from engine.model.tensors.stored import Stored

__all__ = ["Gemma3Config"]

_READS = (
    "query_pre_attn_scalar",
    "final_logit_softcapping",
    "attention_bias",
    "sliding_window",
    "sliding_window_pattern",
    "layer_types",
    "rope_local_base_freq",
)
_DEFAULTS = {
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "vocab_size": 262_208,
    "max_position_embeddings": 131_072,
    "rms_norm_eps": 1e-6,
    "hidden_activation": "gelu_pytorch_tanh",
    "tie_word_embeddings": True,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "sliding_window_pattern": 6,
    "rope_theta": 1_000_000.0,
    "rope_local_base_freq": 10_000.0,
}
"""What Hugging Face's class has by itself."""

_TEXT = ("language_model.model.", "model.language_model.", "language_model.")
_OF_OTHERS = ("rope_scaling", "spark_rope_factors")
_PICTURES = ("vision_tower.", "multi_modal_projector.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemma3Config(DecoderConfig):
    """The configuration of a ``Gemma3ForCausalLM``."""

    query_pre_attn_scalar: float
    """Scores are multiplied by 1/√ of it."""
    sliding_rope: Rope
    """The rotation of layers that see a window."""
    final_logit_softcapping: float | None = None
    """Bound of the logits."""

    def __post_init__(self) -> None:
        DecoderConfig.__post_init__(self)
        check_head_fits(self.sliding_rope, self.head_dim)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration of the text model that a file's fields describe."""
        fields = with_defaults(_text(fields), _DEFAULTS)
        pattern = fields.integer("sliding_window_pattern", 6)
        check_size("sliding_window_pattern", pattern)
        layers = range(1, layer_count(fields) + 1)
        window = fields.optional_size("sliding_window")
        shared = decoder_fields(
            fields, _READS, activation="hidden_activation", layers="full_attention"
        )
        return cls(
            **shared,
            sliding_rope=_sliding_rope(fields, shared["head_dim"]),
            query_pre_attn_scalar=fields.positive("query_pre_attn_scalar"),
            final_logit_softcapping=fields.optional_positive("final_logit_softcapping"),
            attention_bias=fields.boolean("attention_bias", False),
            sliding_window=window,
            sliding=sliding_layers(fields, window, [layer % pattern > 0 for layer in layers]),
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Gemma 3."""
        additions = Additions(
            head_norms=True,
            post_norms=True,
            embedding_scale=self.hidden_size**0.5,
            attention_scale=self.query_pre_attn_scalar**-0.5,
            sliding_rope=self.sliding_rope,
            logits_softcap=self.final_logit_softcapping,
        )
        return decoder_graph(self, name, additions)

    def adapt(self, found: Mapping[str, Stored]) -> dict[str, Stored]:
        """Return the tensors of the text model, with 1 added to the weights of all norms."""
        text = {
            _text_name(name): stored
            for name, stored in found.items()
            if not name.removeprefix("model.").startswith(_PICTURES)
        }
        return with_ones(DecoderConfig.adapt(self, text))


def _text(fields: Fields) -> Fields:
    """Return the fields of the text model, which a file with pictures keeps apart."""
    text = fields.get("text_config")
    if text is None:
        return fields
    if not isinstance(text, dict):
        raise ConfigError("field 'text_config' must hold an object")
    tied = {
        name: fields.raw[name] for name in ("tie_word_embeddings",) if fields.get(name) is not None
    }
    return Fields(tied | text)


def _text_name(name: str) -> str:
    for prefix in _TEXT:
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            return rest if rest.startswith("lm_head.") else f"model.{rest}"
    return name


def _sliding_rope(fields: Fields, head_dim: int) -> Rope:
    """Return the rotation of layers that see a window; ``rope_scaling`` is that of the others."""
    own = {name: value for name, value in fields.raw.items() if name not in _OF_OTHERS}
    return read_rope(Fields(own), head_dim, base="rope_local_base_freq", layers="sliding_attention")
