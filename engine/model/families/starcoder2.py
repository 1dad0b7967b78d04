"""The StarCoder2 family: layer norms and products with biases, a plain GELU feed-forward.

Source:
    Lozhkov et al., "StarCoder 2 and The Stack v2" (2024), §6.
"""

from dataclasses import dataclass
from typing import Self

from engine.model.families.decoder import DecoderConfig, decoder_fields, with_defaults
from engine.model.families.decoder_graph import Additions, decoder_graph
from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph

__all__ = ["Starcoder2Config"]

_DEFAULTS = {
    "num_key_value_heads": 2,
    "hidden_act": "gelu_pytorch_tanh",
    "norm_epsilon": 1e-5,
    "use_bias": True,
    "tie_word_embeddings": True,
}
"""What Hugging Face's class has by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starcoder2Config(DecoderConfig):
    """The configuration of a ``Starcoder2ForCausalLM``."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        fields = with_defaults(fields, _DEFAULTS)
        biased = fields.boolean("use_bias", True)
        return cls(
            **decoder_fields(fields, ("use_bias", "sliding_window"), eps="norm_epsilon"),
            sliding_window=fields.optional_size("sliding_window"),
            attention_bias=biased,
            mlp_bias=biased,
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a StarCoder2."""
        return decoder_graph(self, name, Additions(layer_norms=True, gated=False))
