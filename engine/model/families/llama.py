"""The Llama family: RMS norms, rotary embedding, grouped-query attention, SwiGLU.

Runs: all of it with unscaled rotary embedding.  Priced only: biases and GELU; scaled rotary
embedding, which costs no cycle more.

Source:
    Touvron et al., "LLaMA" (2023), §2.2; grouped queries: Ainslie et al., "GQA" (2023).
"""

from dataclasses import dataclass
from typing import Self

from engine.model.families.common import DecoderConfig, decoder_graph
from engine.model.families.fields import Fields, wrong_field
from engine.model.graph import ModelGraph

__all__ = ["LlamaConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaConfig(DecoderConfig):
    """The configuration of a ``LlamaForCausalLM``."""

    @classmethod
    def read_to_run(cls, fields: Fields) -> Self:
        """Return the configuration; refuse what is only priced, and a file without its eps."""
        for name in ("rope_scaling", "rope_parameters"):
            _check_rope(name, fields.get(name))
        if fields.raw.get("hidden_act", "silu") != "silu":
            raise wrong_field("hidden_act", fields.get("hidden_act"), "'silu'")
        for name in ("attention_bias", "mlp_bias"):
            if fields.boolean(name, False):
                raise wrong_field(name, True, "false (matrices without biases)")
        fields.present("rms_norm_eps")
        return cls.read(fields)

    def graph(self, name: str) -> ModelGraph:
        """Return the graph of a Llama."""
        return decoder_graph(self, name)


def _check_rope(name: str, value: object) -> None:
    if value is None:
        return
    kind = None
    if isinstance(value, dict):
        kind = value.get("rope_type", value.get("type"))
    if kind != "default":
        raise wrong_field(name, value, "null, or an object of rope_type 'default'")
