"""The Granite family: a Llama with factors of the embedding, the scores, the residuals, the logits.

Source:
    IBM Granite Team, "Granite 3.0 Language Models" (2024); the factors: Yang et al., "Tensor
    Programs V" (2022).
"""

from dataclasses import dataclass
from typing import Self

from engine.model.families.decoder import DecoderConfig, decoder_fields
from engine.model.families.decoder_graph import Additions, decoder_graph
from engine.model.families.fields import Fields, check_positive
from engine.model.graph import ModelGraph

__all__ = ["GraniteConfig"]

_FACTORS = (
    "embedding_multiplier",
    "attention_multiplier",
    "residual_multiplier",
    "logits_scaling",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraniteConfig(DecoderConfig):
    """The configuration of a ``GraniteForCausalLM``."""

    embedding_multiplier: float = 1.0
    """Factor of the embedding's rows."""
    attention_multiplier: float = 1.0
    """Factor of the scores, in place of 1/√head_dim."""
    residual_multiplier: float = 1.0
    """Factor of what a layer's halves add to the residual stream."""
    logits_scaling: float = 1.0
    """Divisor of the logits."""

    def __post_init__(self) -> None:
        DecoderConfig.__post_init__(self)
        for name in _FACTORS:
            check_positive(name, getattr(self, name), below=1e12)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe."""
        return cls(
            **decoder_fields(fields, (*_FACTORS, "attention_bias", "mlp_bias")),
            embedding_multiplier=fields.number("embedding_multiplier", 1.0),
            attention_multiplier=fields.number("attention_multiplier", 1.0),
            residual_multiplier=fields.number("residual_multiplier", 1.0),
            logits_scaling=fields.number("logits_scaling", 1.0),
            attention_bias=fields.boolean("attention_bias", False),
            mlp_bias=fields.boolean("mlp_bias", False),
        )

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Granite."""
        additions = Additions(
            embedding_scale=_unless_one(self.embedding_multiplier),
            attention_scale=self.attention_multiplier,
            residual_scale=_unless_one(self.residual_multiplier),
            logits_scale=_unless_one(1.0 / self.logits_scaling),
        )
        return decoder_graph(self, name, additions)


def _unless_one(factor: float) -> float | None:
    return None if factor == 1.0 else factor
