"""The Llama family (SmolLM2 too): RMS norms, rotary embedding, grouped-query attention, SwiGLU.

Source:
    Touvron et al., "LLaMA" (2023), §2.2; grouped queries: Ainslie et al., "GQA" (2023).
"""

from dataclasses import dataclass
from typing import Self

from engine.model.families.decoder import DecoderConfig, decoder_fields
from engine.model.families.decoder_graph import decoder_graph
from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph

__all__ = ["LlamaConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaConfig(DecoderConfig):
    """The configuration of a ``LlamaForCausalLM``."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        return cls(
            **decoder_fields(fields, ("attention_bias", "mlp_bias")),
            attention_bias=fields.boolean("attention_bias", False),
            mlp_bias=fields.boolean("mlp_bias", False),
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Llama."""
        return decoder_graph(self, name)
