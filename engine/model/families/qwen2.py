"""The Qwen2 family: a Llama whose queries, keys and values have biases.

Runs: nothing yet, the tiers add no bias.  Priced only: all of it, a sliding window as long as the
context stays inside.

Source:
    Yang et al., "Qwen2 Technical Report" (2024), §2.2.1.
"""

from dataclasses import dataclass
from typing import ClassVar

from engine.model.families.common import Additions, DecoderConfig, decoder_graph
from engine.model.graph import ModelGraph

__all__ = ["Qwen2Config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen2Config(DecoderConfig):
    """The configuration of a ``Qwen2ForCausalLM``."""

    only_priced: ClassVar[str] = "the tiers add no bias to queries, keys and values"

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Qwen2."""
        return decoder_graph(self, name, Additions(biases=frozenset("qkv")))
