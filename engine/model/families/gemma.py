"""The first Gemma family: a Llama with scaled embeddings, a GELU in its gate and a tied head.

The norms of all Gemmas multiply by 1 + weight; the 1 is added when a folder is loaded.

Source:
    Gemma Team, "Gemma: Open Models Based on Gemini Research and Technology" (2024), §2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from engine.model.families.decoder import DecoderConfig, decoder_fields, with_defaults
from engine.model.families.decoder_graph import Additions, decoder_graph
from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph
from engine.model.tensors.floats import FLOAT_TYPES, stored_floats
from engine.model.tensors.stored import Stored

__all__ = ["GemmaConfig", "with_ones"]

_DEFAULTS = {
    "num_key_value_heads": 16,
    "head_dim": 256,
    "hidden_act": "gelu_pytorch_tanh",
    "tie_word_embeddings": True,
}
"""What Hugging Face's class has by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GemmaConfig(DecoderConfig):
    """The configuration of a ``GemmaForCausalLM``."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration; ``"gelu"`` in the first files means the one by tanh."""
        if fields.get("hidden_act") == "gelu":
            fields = Fields({**fields.raw, "hidden_act": "gelu_pytorch_tanh"})
        fields = with_defaults(fields, _DEFAULTS)
        return cls(
            **decoder_fields(fields, ("attention_bias",)),
            attention_bias=fields.boolean("attention_bias", False),
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Gemma."""
        return decoder_graph(self, name, Additions(embedding_scale=self.hidden_size**0.5))

    def adapt(self, found: Mapping[str, Stored]) -> dict[str, Stored]:
        """Return the tensors of a file with 1 added to the weights of all norms."""
        return with_ones(DecoderConfig.adapt(self, found))


def with_ones(found: Mapping[str, Stored]) -> dict[str, Stored]:
    """Return stored tensors with 1 + weight in place of each norm's weight, in float32."""
    return {
        name: _plus_one(stored) if _is_norm(stored) else stored for name, stored in found.items()
    }


def _is_norm(stored: Stored) -> bool:
    vector = len(stored.shape) == 1 and stored.type in FLOAT_TYPES
    return vector and stored.name.endswith("norm.weight")


def _plus_one(stored: Stored) -> Stored:
    weight = stored_floats(stored).dequantise() + np.float32(1.0)
    return replace(stored, type="F32", data=weight.tobytes())
