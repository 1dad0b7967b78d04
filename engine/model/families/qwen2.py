"""The Qwen2 family (Qwen2.5, its coders too): a Llama whose q, k and v have biases.

Its later layers may see a window of positions only.

Source:
    Yang et al., "Qwen2 Technical Report" (2024), §2.2.1.
"""

from dataclasses import dataclass
from typing import Any, Self

from engine.model.families.decoder import (
    DecoderConfig,
    decoder_fields,
    layer_count,
    sliding_layers,
    with_defaults,
)
from engine.model.families.decoder_graph import Additions, decoder_graph
from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph

__all__ = ["WINDOW_FIELDS", "Qwen2Config", "qwen_windows"]

WINDOW_FIELDS = ("sliding_window", "layer_types")

_DEFAULTS = {"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28}
"""What Hugging Face's class has by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Qwen2Config(DecoderConfig):
    """The configuration of a ``Qwen2ForCausalLM``."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        fields = with_defaults(fields, _DEFAULTS)
        return cls(**decoder_fields(fields, WINDOW_FIELDS), **qwen_windows(fields))

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Qwen2."""
        return decoder_graph(self, name, Additions(biases=frozenset("qkv")))


def qwen_windows(fields: Fields) -> dict[str, Any]:
    """Return the window of a Qwen and its sliding layers, those from ``max_window_layers`` on.

    Raises:
        ConfigError: A field is of the wrong type, or layers slide without a window.
    """
    slides = fields.boolean("use_sliding_window", False)
    window = fields.optional_size("sliding_window") if slides else 0
    first = fields.integer("max_window_layers")
    layers = range(layer_count(fields))
    sliding = sliding_layers(fields, window, [window > 0 and layer >= first for layer in layers])
    return {"sliding_window": window, "sliding": sliding} if any(sliding) else {}
