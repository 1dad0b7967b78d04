"""A GGUF file's metadata as the fields of a Hugging Face configuration, and as a ModelConfig.

Translates names and fills in what llama.cpp fixes; what a field means and what is allowed is the
family's to say.
"""

import re
from typing import Any

import numpy as np

from engine.errors import ConfigError
from engine.model.families import ModelConfig, family_of
from engine.model.families.fields import LARGEST_SIZE, LONGEST_HEAD, MOST_LAYERS, Fields
from engine.model.formats.gguf import GgufFile, Strings
from engine.model.gguf.architectures import INTEGERS, Architecture, find_architecture
from engine.model.gguf.keys import ARCHITECTURE, Keys

__all__ = ["hugging_face_fields", "read_gguf_config"]

EMBEDDING, HEAD, ROPE_FACTORS = "token_embd.weight", "output.weight", "rope_freqs.weight"
_NAMED_FIELD = re.compile(r"field '(\w+)'")


def read_gguf_config(
    file: GgufFile, *, price_only: bool = False, context_length: int | None = None
) -> ModelConfig:
    """Return the configuration of a file's model.

    Args:
        file: The file.
        price_only: True: the model is to be priced, not run.
        context_length: KV rows that are asked for when it is priced; None means the model's own.

    Raises:
        ConfigError: The architecture is not supported, a value is missing, of another kind or
            outside what runs (what has a price); the message names file and key.
    """
    fields = Fields(hugging_face_fields(file))
    try:
        family = family_of(fields.get("model_type"))
        return family.read_to_price(fields, context_length) if price_only else family.read(fields)
    except ConfigError as error:
        raise ConfigError(f"{file.path}: {_with_keys(file, str(error))}") from error


def hugging_face_fields(file: GgufFile) -> dict[str, Any]:
    """Return what Hugging Face's ``config.json`` of the same model would hold, as far as it counts.

    One field is ours: ``spark_rope_factors`` are the numbers by which each pair of a head turns
    slower, which the file has instead of the rule that they come from.

    Raises:
        ConfigError: As `read_gguf_config`.
    """
    keys = Keys(file.path, file.metadata)
    try:
        architecture = find_architecture(keys.architecture)
    except ConfigError as error:
        raise ConfigError(f"{file.path}: {error}") from error
    _refuse_variants(keys)
    _check_layers(file, keys)
    fields = _plain_fields(keys, architecture)
    fields |= _vocabulary(file) | _heads(keys) | _windows(keys, architecture)
    fields |= _score_scale(fields, architecture) | _rope_scaling(file, keys)
    for tensor, name in architecture.bias_fields.items():
        fields[name] = tensor in file.tensors
    return fields


def _plain_fields(keys: Keys, architecture: Architecture) -> dict[str, Any]:
    """Return the fields that are a value of the file, or fixed."""
    numbers = {name: keys.number(key) for key, name in architecture.numbers.items()}
    optional = {key: name for key, name in architecture.optional.items() if keys.has(key)}
    return {
        "model_type": architecture.model_type,
        **architecture.constants,
        **{name: keys.size(key, LARGEST_SIZE) for key, name in INTEGERS.items()},
        **numbers,
        **{name: keys.number(key) or None for key, name in optional.items()},
        "rope_theta": keys.number("rope.freq_base", 10000.0),
    }


def _refuse_variants(keys: Keys) -> None:
    """Refuse what the architectures can be beside a plain decoder."""
    if keys.integer("expert_count", 0):
        raise keys.wrong(keys.key("expert_count"), keys.integer("expert_count"), "0 (no experts)")
    if not keys.boolean("attention.causal", True):
        raise keys.wrong(keys.key("attention.causal"), False, "true")
    if not keys.boolean("rope.scaling.finetuned", True) and keys.architecture == "granite":
        raise keys.wrong(keys.key("rope.scaling.finetuned"), False, "true (rotated queries)")
    parts = keys.general("split.count", 1)
    if parts > 1:
        raise keys.wrong("split.count", parts, "1; join the parts with llama-gguf-split --merge")


def _check_layers(file: GgufFile, keys: Keys) -> None:
    """Refuse more layers than tensors, before a graph is made of as many."""
    if keys.size("block_count", MOST_LAYERS) > len(file.tensors):
        layers, found = keys.integer("block_count"), len(file.tensors)
        raise keys.wrong(keys.key("block_count"), layers, f"at most {found}, the file's tensors")


def _vocabulary(file: GgufFile) -> dict[str, Any]:
    """Return the rows of the embedding, and whether they are the head's too."""
    embedding = file.tensors.get(EMBEDDING)
    if embedding is None or len(embedding.shape) != 2:
        raise ConfigError(f"{file.path}: there is no matrix {EMBEDDING}; a language model has one")
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    rows = embedding.shape[0]
    if isinstance(tokens, Strings) and len(tokens) > rows:
        raise ConfigError(
            f"{file.path}: its vocabulary has {len(tokens)} tokens, {EMBEDDING} only {rows} rows"
        )
    return {"vocab_size": rows, "tie_word_embeddings": HEAD not in file.tensors}


def _heads(keys: Keys) -> dict[str, Any]:
    """Return the number of heads with keys, and the length of a head."""
    heads, width = keys.integer("attention.head_count"), keys.integer("embedding_length")
    length = keys.integer("attention.key_length", width // heads)
    if not 1 <= length <= LONGEST_HEAD:
        raise keys.wrong(
            keys.key("attention.key_length"), length, f"a whole number, 1 to {LONGEST_HEAD}"
        )
    for name in ("attention.value_length", "rope.dimension_count"):
        if keys.integer(name, length) != length:
            raise keys.wrong(keys.key(name), keys.integer(name), f"{length}, the length of a head")
    return {
        "num_key_value_heads": keys.integer("attention.head_count_kv", heads),
        "head_dim": length,
    }


def _windows(keys: Keys, architecture: Architecture) -> dict[str, Any]:
    """Return the window, which layers have it, and the rotary base of those."""
    window = keys.integer("attention.sliding_window", architecture.window)
    fields: dict[str, Any] = {"sliding_window": window or None}
    if architecture.model_type == "llama" and window:
        fields["model_type"] = "mistral"
    if not architecture.window_every:
        return fields
    layers = keys.integer("block_count")
    name = "attention.sliding_window_pattern"
    local = keys.truths(name, layers)
    if local is None:
        every = max(1, keys.integer(name, architecture.window_every))
        local = [layer % every != every - 1 for layer in range(layers)]
    fields["layer_types"] = ["sliding_attention" if each else "full_attention" for each in local]
    if architecture.local_base is not None:
        base = keys.number("rope.freq_base_swa", architecture.local_base)
        fields["rope_local_base_freq"] = base
    return fields


def _score_scale(fields: dict[str, Any], architecture: Architecture) -> dict[str, Any]:
    """Return what scales the scores, where the family's configurations say it."""
    if architecture.model_type == "granite" and not fields.get("attention_multiplier"):
        return {"attention_multiplier": fields["head_dim"] ** -0.5}
    if architecture.largest_layers is None:
        return {}
    if fields["num_hidden_layers"] == architecture.largest_layers:
        return {"query_pre_attn_scalar": fields["hidden_size"] // fields["num_attention_heads"]}
    return {"query_pre_attn_scalar": fields["head_dim"]}


def _rope_scaling(file: GgufFile, keys: Keys) -> dict[str, Any]:
    """Return how the rotation is slowed: for all pairs alike, or for each by its factor."""
    kind = keys.text("rope.scaling.type", "linear")
    if kind not in ("none", "linear"):
        raise keys.wrong(keys.key("rope.scaling.type"), kind, "'none', 'linear'")
    old_name = keys.number("rope.scale_linear", 0.0)
    factor = keys.number("rope.scaling.factor", old_name) if kind == "linear" else 1.0
    factor = factor or 1.0  # 0 means that there is none
    if factor < 0.0:
        raise keys.wrong(keys.key("rope.scaling.factor"), factor, "a number above 0")
    if ROPE_FACTORS in file.tensors:
        factors = _factors(file)
        return {"spark_rope_factors": [each * factor for each in factors]}
    if factor == 1.0:
        return {}
    return {"rope_scaling": {"rope_type": "linear", "factor": factor}}


def _factors(file: GgufFile) -> list[float]:
    tensor = file.tensors[ROPE_FACTORS]
    if tensor.type.name != "F32" or len(tensor.shape) != 1 or tensor.shape[0] > LONGEST_HEAD:
        raise ConfigError(
            f"{file.path}: tensor {ROPE_FACTORS} is {tensor.type.name} of shape {tensor.shape}; "
            f"needed: F32, a number for every pair of a head"
        )
    factors = np.frombuffer(tensor.data, "<f4")
    if not (np.isfinite(factors) & (factors > 0)).all():
        raise ConfigError(f"{file.path}: tensor {ROPE_FACTORS}: a factor is not above 0")
    return [float(factor) for factor in factors]


def _with_keys(file: GgufFile, message: str) -> str:
    """Return a family's message with the file's keys for the fields that it names."""
    name = file.metadata.get(ARCHITECTURE)
    architecture = find_architecture(str(name))
    key_of = {field: key for key, field in _ALL_KEYS.items()}
    key_of |= {field: key for key, field in architecture.numbers.items()}
    key_of |= {field: key for key, field in architecture.optional.items()}

    def renamed(match: re.Match[str]) -> str:
        key = key_of.get(match[1])
        return match[0] if key is None else f"metadata '{name}.{key}'"

    return _NAMED_FIELD.sub(renamed, message)


_ALL_KEYS = {
    **INTEGERS,
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "rope.freq_base": "rope_theta",
    "attention.sliding_window": "sliding_window",
}
