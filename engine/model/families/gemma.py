"""The first Gemma family: a Llama with scaled embeddings, GELU in its gate and a tied head.

Runs: nothing yet, the tiers scale no embedding and gate by SiLU only.  Priced only: all of it; its
norms multiply by 1 + weight, which costs what a multiplication by the weight costs.

Source:
    Gemma Team, "Gemma: Open Models Based on Gemini Research and Technology" (2024), §2.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from engine.model.families.common import Additions, DecoderConfig, decoder_fields, decoder_graph
from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph

__all__ = ["GemmaConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GemmaConfig(DecoderConfig):
    """The configuration of a ``GemmaForCausalLM``."""

    only_priced: ClassVar[str] = "the tiers scale no embedding and have no GELU"

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration; a Gemma's gate is a GELU, whatever the file calls it."""
        return cls(**decoder_fields(fields, tied=True) | {"activation": "gelu"})

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Gemma."""
        return decoder_graph(self, name, Additions(embedding_scale=self.hidden_size**0.5))
