"""A value that changes numbers and that a family does not read is refused, whoever asks."""

import pytest

from engine.errors import ConfigError
from engine.model.families import read_config, read_graph

CHANGES_NUMBERS = [
    ("llama", "num_local_experts", 8, "mixtures of experts"),
    ("qwen3", "num_experts", 128, "mixtures of experts"),
    ("llama", "kv_lora_rank", 512, "multi-head latent attention"),
    ("qwen2", "attention_bias", True, "null or false"),
    ("mistral", "attention_bias", True, "null or false"),
    ("gemma2", "mlp_bias", True, "null or false"),
    ("llama", "sliding_window", 64, "null"),
    ("granite", "sliding_window", 64, "null"),
    ("llama", "layer_types", ["sliding_attention", "full_attention"], "mixes kinds of layers"),
    ("mistral", "layer_types", ["sliding_attention", "full_attention"], "mixes kinds of layers"),
    ("llama", "residual_multiplier", 0.22, "null or 1"),
    ("llama", "final_logit_softcapping", 30.0, "null"),
    ("gemma3", "attn_logit_softcapping", 50.0, "null"),
    ("qwen2", "query_pre_attn_scalar", 64, "null"),
    ("llama", "partial_rotary_factor", 0.5, "only whole heads are rotated"),
    ("llama", "rope_interleaved", True, "only halves"),
    ("gemma3", "use_bidirectional_attention", True, "attention is causal"),
    ("llama", "quantization_config", {"quant_method": "fp8"}, "fp32, fp16 or bf16"),
]


@pytest.mark.parametrize(("kind", "name", "value", "words"), CHANGES_NUMBERS)
def test_it_is_named(kind, name, value, words, decoder, refused, written):
    fields = decoder | {"model_type": kind, name: value}
    reason = refused(fields)
    assert name in reason
    assert words in reason
    if name != "partial_rotary_factor":  # costs no cycle more or less
        with pytest.raises(ConfigError, match=name):
            read_graph(written(fields))


@pytest.mark.parametrize(
    "neutral",
    [
        {"num_experts": 0, "kv_lora_rank": None, "attention_bias": False, "use_mrope": False},
        {"sliding_window": 131072, "use_sliding_window": False, "max_window_layers": 21},
        {"layer_types": ["full_attention", "full_attention"], "residual_multiplier": 1.0},
        {"rope_interleaved": False, "pretraining_tp": 1, "is_llama_config": True},
    ],
)
def test_neutral_values_are_no_reason_to_refuse(neutral, decoder, written):
    assert read_config(written(decoder | {"model_type": "llama"} | neutral)).hidden_size == 64
