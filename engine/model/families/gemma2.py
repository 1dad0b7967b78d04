"""The Gemma 2 family: a Gemma with four norms a layer, soft-caps, windows in every other layer.

Source:
    Gemma Team, "Gemma 2: Improving Open Language Models at a Practical Size" (2024), §2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from engine.model.families.decoder import (
    DecoderConfig,
    decoder_fields,
    layer_count,
    sliding_layers,
    with_defaults,
)
from engine.model.families.decoder_graph import Additions, decoder_graph
from engine.model.families.fields import Fields
from engine.model.families.gemma import with_ones
from engine.model.graph import ModelGraph
from engine.model.tensors.stored import Stored

__all__ = ["Gemma2Config"]

_READS = (
    "query_pre_attn_scalar",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "attention_bias",
    "sliding_window",
    "layer_types",
)
_DEFAULTS = {
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "tie_word_embeddings": True,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
}
"""What Hugging Face's class has by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemma2Config(DecoderConfig):
    """The configuration of a ``Gemma2ForCausalLM``."""

    query_pre_attn_scalar: float
    """Scores are multiplied by 1/√ of it."""
    attn_logit_softcapping: float | None
    """Bound of the scores."""
    final_logit_softcapping: float | None
    """Bound of the logits."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        fields = with_defaults(fields, _DEFAULTS)
        layers = range(layer_count(fields))
        window = fields.optional_size("sliding_window")
        return cls(
            **decoder_fields(fields, _READS, activation="hidden_activation"),
            attn_logit_softcapping=fields.optional_positive("attn_logit_softcapping"),
            final_logit_softcapping=fields.optional_positive("final_logit_softcapping"),
            query_pre_attn_scalar=fields.positive("query_pre_attn_scalar"),
            attention_bias=fields.boolean("attention_bias", False),
            sliding_window=window,
            sliding=sliding_layers(fields, window, [layer % 2 == 0 for layer in layers]),
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Gemma 2."""
        additions = Additions(
            post_norms=True,
            embedding_scale=self.hidden_size**0.5,
            attention_scale=self.query_pre_attn_scalar**-0.5,
            attention_softcap=self.attn_logit_softcapping,
            logits_softcap=self.final_logit_softcapping,
        )
        return decoder_graph(self, name, additions)

    def adapt(self, found: Mapping[str, Stored]) -> dict[str, Stored]:
        """Return the tensors of a file with 1 added to the weights of all norms."""
        return with_ones(DecoderConfig.adapt(self, found))
