"""The Qwen3 family: a Llama whose queries and keys are normed head by head before their rotation.

Runs: nothing yet, the tiers have no norm of single heads.  Priced only: all of it, a sliding window
as long as the context stays inside.

Source:
    Yang et al., "Qwen3 Technical Report" (2025), §2.
"""

from dataclasses import dataclass
from typing import ClassVar

from engine.model.families.common import Additions, DecoderConfig, decoder_graph
from engine.model.graph import ModelGraph

__all__ = ["Qwen3Config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen3Config(DecoderConfig):
    """The configuration of a ``Qwen3ForCausalLM``."""

    only_priced: ClassVar[str] = "the tiers have no norm of single heads"

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Qwen3."""
        return decoder_graph(self, name, Additions(head_norms=True))
