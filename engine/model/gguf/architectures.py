"""The architectures of GGUF files that are read: what their keys and tensors are called.

Tables only, one for all architectures and few lines for each.  Names of fields and tensors are
Hugging Face's, in which the families are written.

Source:
    The keys: ggml's ``gguf-py/gguf/constants.py``.  What a file does not say, and whether the
    rotation turns neighbouring pairs: llama.cpp, ``llama-model.cpp`` and ``src/models``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.errors import ConfigError

__all__ = ["ARCHITECTURES", "INTEGERS", "NUMBERS", "Architecture", "find_architecture"]

INTEGERS = MappingProxyType(
    {
        "block_count": "num_hidden_layers",
        "embedding_length": "hidden_size",
        "feed_forward_length": "intermediate_size",
        "attention.head_count": "num_attention_heads",
        "context_length": "max_position_embeddings",
    }
)
"""Whole numbers that every file has, by key without the architecture."""

NUMBERS = MappingProxyType({"attention.layer_norm_rms_epsilon": "rms_norm_eps"})
"""Numbers that every file has, unless its architecture says otherwise."""

_TENSORS = MappingProxyType(
    {
        "model.embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "lm_head": "output",
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
)
"""Hugging Face's names of tensors, those of layers without ``model.layers.N.``, and GGUF's."""

_FOUR_NORMS = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What is particular to an architecture."""

    model_type: str
    """The family, by its name in Hugging Face's configurations."""
    neighbouring_pairs: bool = False
    """True: the rotation turns neighbouring pairs of a head, so the file's rows of queries and keys
    lie in another order than Hugging Face's."""
    numbers: Mapping[str, str] = field(default_factory=lambda: NUMBERS)
    """Numbers that every file has."""
    optional: Mapping[str, str] = field(default_factory=dict)
    """Numbers that a file may have; 0 means that there is none."""
    constants: Mapping[str, object] = field(default_factory=dict)
    """Fields that files leave to llama.cpp, which fixes them."""
    window: int | None = 0
    """Positions that a layer sees where the file does not say: 0 means all, None that the file has
    to."""
    window_every: int = 0
    """Every so many layers one sees all positions; 0: all are alike."""
    local_base: float | None = None
    """Rotary base of layers with a window, where it differs."""
    largest_layers: int | None = None
    """Layers of the one size whose scores are scaled by hidden size / heads, not by the length of
    a head; None: the family knows."""
    bias_fields: Mapping[str, str] = field(default_factory=dict)
    """Fields that say whether there are biases, by a tensor that tells."""
    tensors: Mapping[str, str] = field(default_factory=dict)
    """Names of tensors that differ from those of a Llama, Hugging Face's first."""

    def tensor(self, name: str) -> str:
        """Return GGUF's name of a tensor.

        Args:
            name: Hugging Face's: ``"model.layers.3.self_attn.q_proj.weight"``.
        """
        stem, _, kind = name.rpartition(".")
        if not stem.startswith(_LAYERS):
            return f"{self._short(stem)}.{kind}"
        layer, _, part = stem.removeprefix(_LAYERS).partition(".")
        return f"blk.{layer}.{self._short(part)}.{kind}"

    def _short(self, stem: str) -> str:
        return self.tensors.get(stem) or _TENSORS.get(stem, stem)


_LAYERS = "model.layers."
_ATTENTION_BIAS, _FFN_BIAS = "blk.0.attn_q.bias", "blk.0.ffn_gate.bias"
_LLAMA_BIASES = {_ATTENTION_BIAS: "attention_bias", _FFN_BIAS: "mlp_bias"}
_GELU = {"hidden_activation": "gelu_pytorch_tanh", "hidden_act": "gelu_pytorch_tanh"}
_CAPS = {
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
}

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "llama": Architecture(
            model_type="llama", neighbouring_pairs=True, bias_fields=_LLAMA_BIASES
        ),
        "qwen2": Architecture(model_type="qwen2"),
        "qwen3": Architecture(model_type="qwen3"),
        "gemma": Architecture(model_type="gemma", constants=_GELU),
        "gemma2": Architecture(
            model_type="gemma2",
            optional=_CAPS,
            constants=_GELU | {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
            window=4096,
            window_every=2,
            largest_layers=46,
            tensors=_FOUR_NORMS,
        ),
        "gemma3": Architecture(
            model_type="gemma3_text",
            optional={"final_logit_softcapping": "final_logit_softcapping"},
            constants=_GELU,
            window=None,
            window_every=6,
            local_base=10000.0,
            largest_layers=62,
            tensors=_FOUR_NORMS,
        ),
        "starcoder2": Architecture(
            model_type="starcoder2",
            numbers={"attention.layer_norm_epsilon": "norm_epsilon"},
            constants={"hidden_act": "gelu_pytorch_tanh"},
            bias_fields={_ATTENTION_BIAS: "use_bias"},
            tensors={"mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"},
        ),
        "granite": Architecture(
            model_type="granite",
            neighbouring_pairs=True,
            numbers={**NUMBERS, "logit_scale": "logits_scaling"},
            optional={
                "residual_scale": "residual_multiplier",
                "embedding_scale": "embedding_multiplier",
                "attention.scale": "attention_multiplier",
            },
            bias_fields=_LLAMA_BIASES,
        ),
    }
)
"""By the name in ``general.architecture``; a Mistral calls itself a llama."""


def find_architecture(name: str) -> Architecture:
    """Return an architecture by its name in a file.

    Raises:
        ConfigError: It is not supported; the message lists those that are.
    """
    found = ARCHITECTURES.get(name)
    if found is None:
        raise ConfigError(
            f"architecture {name!r} is not supported; supported: {', '.join(ARCHITECTURES)}"
        )
    return found
