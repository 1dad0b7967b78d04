"""The Qwen3 family: a Llama whose queries and keys are normed head by head before their rotation.

Its later layers may see a window of positions only.

Source:
    Yang et al., "Qwen3 Technical Report" (2025), §2.
"""

from dataclasses import dataclass
from typing import Self

from engine.model.families.decoder import DecoderConfig, decoder_fields, with_defaults
from engine.model.families.decoder_graph import Additions, decoder_graph
from engine.model.families.fields import Fields
from engine.model.families.qwen2 import WINDOW_FIELDS, qwen_windows
from engine.model.graph import ModelGraph

__all__ = ["Qwen3Config"]

_DEFAULTS = {
    "num_key_value_heads": 32,
    "head_dim": 128,
    "sliding_window": 4096,
    "max_window_layers": 28,
}
"""What Hugging Face's class has by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen3Config(DecoderConfig):
    """The configuration of a ``Qwen3ForCausalLM``."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        fields = with_defaults(fields, _DEFAULTS)
        return cls(
            **decoder_fields(fields, (*WINDOW_FIELDS, "attention_bias")),
            **qwen_windows(fields),
            attention_bias=fields.boolean("attention_bias", False),
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Qwen3."""
        return decoder_graph(self, name, Additions(head_norms=True))
