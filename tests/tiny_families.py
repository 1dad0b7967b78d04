"""A tiny model of every family: its configuration, and weights that follow from their names alone.

The weights are whole-number arithmetic turned into floats, the same in every release of NumPy, so
that what transformers once computed from them can be kept as golden numbers
(`scripts/parity_transformers.py` writes those).
"""

import json
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

__all__ = ["FAMILY_CONFIGS", "PROMPT", "family_tensors", "seeded", "write_family"]

_DECODER = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 96,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

_GEMMA = _DECODER | {"head_dim": 32, "num_key_value_heads": 1}

FAMILY_CONFIGS: dict[str, dict[str, Any]] = {
    "llama": _DECODER | {"model_type": "llama", "tie_word_embeddings": False},
    "llama_scaled": _DECODER
    | {
        "model_type": "llama",
        "attention_bias": True,
        "mlp_bias": True,
        "rope_theta": 500000.0,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    },
    "llama_linear": _DECODER
    | {"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 4.0}},
    "mistral": _DECODER | {"model_type": "mistral", "sliding_window": 12},
    "qwen2": _DECODER | {"model_type": "qwen2", "rope_theta": 1000000.0},
    "qwen2_window": _DECODER
    | {
        "model_type": "qwen2",
        "use_sliding_window": True,
        "sliding_window": 12,
        "max_window_layers": 1,
    },
    "qwen3": _DECODER | {"model_type": "qwen3", "head_dim": 32},
    "gemma": _GEMMA | {"model_type": "gemma", "hidden_act": "gelu"},
    "gemma2": _GEMMA
    | {
        "model_type": "gemma2",
        "query_pre_attn_scalar": 48,
        "sliding_window": 12,
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 0.5,
    },
    "gemma3": _GEMMA
    | {
        "model_type": "gemma3_text",
        "num_hidden_layers": 3,
        "query_pre_attn_scalar": 48,
        "sliding_window": 12,
        "sliding_window_pattern": 3,
        "rope_theta": 1000000.0,
        "rope_local_base_freq": 10000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
    },
    "starcoder2": {name: value for name, value in _DECODER.items() if name != "rms_norm_eps"}
    | {"model_type": "starcoder2", "norm_epsilon": 1e-5, "use_bias": True, "sliding_window": 12},
    "granite": _DECODER
    | {
        "model_type": "granite",
        "embedding_multiplier": 6.0,
        "attention_multiplier": 0.125,
        "residual_multiplier": 0.4,
        "logits_scaling": 0.25,
    },
}
"""By name; every number that a family can have differs from what it would mean by default."""

PROMPT = tuple(int(number) for number in (np.arange(40) * 37 + 11) % 96)
"""Tokens that the golden logits follow; more than any window."""


def seeded(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return numbers from −√3 to √3, of variance 1, that follow from a name (splitmix64)."""
    count = int(np.prod(shape))
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(crc32(name.encode()))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    uniform = (mixed >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0
    return (uniform * 3**0.5).astype(np.float32).reshape(shape)


def family_tensors(
    shapes: dict[str, tuple[int, ...]], *, norms_around: float = 1.0
) -> dict[str, NDArray[np.float32]]:
    """Return weights by name that let every layer, head and position show in the logits.

    Args:
        shapes: By name.
        norms_around: Mean of the weights of norms: 0 for families that add 1 to them.
    """
    tensors = {}
    for name, shape in shapes.items():
        values = seeded(name, shape)
        if name.endswith("norm.weight"):
            values = norms_around + 0.2 * values
        elif len(shape) == 1:
            values = 0.3 * values
        elif "embed" in name:
            values = 0.05 * values  # small, or a tied head would say each token again
        else:
            values = values * (2.0 / shape[1] ** 0.5)
        tensors[name] = values.astype(np.float32)
    return tensors


def write_family(
    folder: Path, fields: dict[str, Any], shapes: dict[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]]:
    """Write config.json and model.safetensors (F32) of a tiny model, and return its tensors."""
    around = 0.0 if fields["model_type"].startswith("gemma") else 1.0
    tensors = family_tensors(shapes, norms_around=around)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(fields, indent=2))
    save_file(tensors, folder / "model.safetensors")
    return tensors
