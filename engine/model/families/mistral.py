"""The Mistral family: a Llama whose attention may see a window of positions only.

Source:
    Jiang et al., "Mistral 7B" (2023), §2.
"""

from dataclasses import dataclass
from typing import Self

from engine.model.families.decoder import DecoderConfig, decoder_fields, with_defaults
from engine.model.families.decoder_graph import decoder_graph
from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph

__all__ = ["MistralConfig"]

_DEFAULTS = {"num_key_value_heads": 8, "sliding_window": 4096}
"""What Hugging Face's class has by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MistralConfig(DecoderConfig):
    """The configuration of a ``MistralForCausalLM``."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        fields = with_defaults(fields, _DEFAULTS)
        slides = fields.boolean("use_sliding_window", True)
        return cls(
            **decoder_fields(fields, ("sliding_window",)),
            sliding_window=fields.optional_size("sliding_window") if slides else 0,
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Mistral."""
        return decoder_graph(self, name)
