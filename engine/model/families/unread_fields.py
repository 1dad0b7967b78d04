"""Fields that change what some model computes, and the values with which they change nothing.

A family reads some of them.  Of the others it takes only a neutral value: a value that changes
numbers is never ignored silently.
"""

from collections.abc import Collection
from types import MappingProxyType

from engine.errors import ConfigError
from engine.model.families.fields import Fields, wrong_field

__all__ = ["refuse_unread"]

_EXPERTS = "mixtures of experts are not supported"
_LATENT = "multi-head latent attention is not supported"
_OTHER = "this family does not compute it"

_NEUTRAL = MappingProxyType(
    {
        "num_local_experts": ((0,), _EXPERTS),
        "num_experts": ((0,), _EXPERTS),
        "n_routed_experts": ((0,), _EXPERTS),
        "kv_lora_rank": ((0,), _LATENT),
        "q_lora_rank": ((0,), _LATENT),
        "attention_bias": ((False,), _OTHER),
        "qkv_bias": ((False,), _OTHER),
        "mlp_bias": ((False,), _OTHER),
        "use_bias": ((False,), _OTHER),
        "attn_logit_softcapping": ((), _OTHER),
        "final_logit_softcapping": ((), _OTHER),
        "query_pre_attn_scalar": ((), _OTHER),
        "embedding_multiplier": ((1,), _OTHER),
        "attention_multiplier": ((), _OTHER),
        "residual_multiplier": ((1,), _OTHER),
        "logits_scaling": ((1,), _OTHER),
        "logit_scale": ((1,), _OTHER),
        "scale_emb": ((1,), _OTHER),
        "scale_depth": ((), _OTHER),
        "dim_model_base": ((), _OTHER),
        "rope_local_base_freq": ((), _OTHER),
        "rope_interleaved": ((False,), "only halves are rotated against each other"),
        "partial_rotary_factor": ((1,), "only whole heads are rotated"),
        "use_mrope": ((False,), _OTHER),
        "no_rope_layers": (([],), "every layer rotates its queries and keys"),
        "no_rope_layer_interval": ((0,), "every layer rotates its queries and keys"),
        "sliding_window_pattern": ((), _OTHER),
        "attention_chunk_size": ((), _OTHER),
        "use_qk_norm": ((False,), _OTHER),
        "clip_qkv": ((), _OTHER),
        "use_bidirectional_attention": ((False,), "attention is causal"),
        "is_causal": ((True,), "attention is causal"),
        "add_cross_attention": ((False,), "there is no encoder"),
        "quantization_config": ((), "weights are read as fp32, fp16 or bf16"),
    }
)
"""By name: the values that change nothing besides null, and what is said of others."""


def refuse_unread(fields: Fields, reads: Collection[str]) -> None:
    """Refuse what a family would ignore though it changes numbers.

    Args:
        fields: The file's.
        reads: Names that the family reads itself.

    Raises:
        ConfigError: A field that it does not read has a value that is not neutral.
    """
    for name, (neutral, why) in _NEUTRAL.items():
        value = fields.get(name)
        if name not in reads and value is not None and value not in neutral:
            raise wrong_field(
                name, value, " or ".join(["null", *map(_json, neutral)]) + f" ({why})"
            )
    _refuse_windows(fields, reads)


def _refuse_windows(fields: Fields, reads: Collection[str]) -> None:
    """Refuse windows and mixed layers where a family reads neither."""
    window, switched_off = fields.get("sliding_window"), fields.get("use_sliding_window") is False
    if window is not None and not switched_off and "sliding_window" not in reads:
        raise wrong_field("sliding_window", window, f"null ({_OTHER})")
    kinds = fields.get("layer_types")
    if kinds is None or "layer_types" in reads:
        return
    if not isinstance(kinds, list) or set(map(str, kinds)) - {"full_attention"}:
        raise ConfigError(f"field 'layer_types' mixes kinds of layers: {_OTHER}")


def _json(value: object) -> str:
    return str(value).lower()
