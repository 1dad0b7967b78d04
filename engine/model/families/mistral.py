"""The Mistral family: a Llama whose attention may see a window of positions only.

Runs: nothing yet, the tiers attend to all positions.  Priced only: contexts inside the window.

Source:
    Jiang et al., "Mistral 7B" (2023), §2.
"""

from dataclasses import dataclass
from typing import ClassVar

from engine.model.families.common import DecoderConfig, decoder_graph
from engine.model.graph import ModelGraph

__all__ = ["MistralConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MistralConfig(DecoderConfig):
    """The configuration of a ``MistralForCausalLM``."""

    only_priced: ClassVar[str] = "the tiers have no sliding window"

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Mistral inside its window."""
        return decoder_graph(self, name)
