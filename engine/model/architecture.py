"""Architecture: the graph of a model that need not exist beyond its ``config.json``, for pricing.

Reads more kinds of models than the engine runs.  What changes only numbers (rotary scaling, eps)
is passed over; what costs time is in the graph; what neither has a price is refused by name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.model.config import ModelConfig, read_object
from engine.model.families.decoder import Additions, build_graph
from engine.model.graph import ModelGraph

__all__ = ["ARCHITECTURES", "read_graph"]

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3", "gemma")
"""Values of ``model_type`` that can be priced."""

_TIED_BY_DEFAULT = ("gemma",)
_GELU = ("gelu", "gelu_new", "gelu_pytorch_tanh")
_KEPT = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "max_position_embeddings",
    "rms_norm_eps",
    "tie_word_embeddings",
)
_WITHOUT_PRICE = ("num_local_experts", "num_experts", "kv_lora_rank", "final_logit_softcapping")
_ATTENTION, _FFN = ("q", "k", "v", "o"), ("gate", "up", "down")


def read_graph(path: Path, context_length: int | None = None) -> ModelGraph:
    """Return the graph of the model that a Hugging Face ``config.json`` describes.

    Args:
        path: The file, or the folder it lies in.
        context_length: KV rows that are asked for: a window that is shorter has no price.

    Raises:
        ConfigError: The file is missing or malformed, names a kind of model without a price here,
            or a window that the context exceeds; the message names file and field.
    """
    file = path / "config.json" if path.is_dir() else path
    try:
        raw = read_object(file)
        kind = raw.get("model_type")
        if kind not in ARCHITECTURES:
            raise ConfigError(
                f"model_type {kind!r} cannot be priced; known: {', '.join(ARCHITECTURES)}"
            )
        _refuse_without_price(raw, context_length)
        config = ModelConfig.from_mapping(_as_llama(raw, str(kind)))
        return build_graph(config, _additions(raw, str(kind), config), file.resolve().parent.name)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _refuse_without_price(raw: Mapping[str, Any], context_length: int | None) -> None:
    for name in _WITHOUT_PRICE:
        if raw.get(name):
            raise ConfigError(f"field {name!r} is {raw[name]}: it has no price here yet")
    window = raw.get("sliding_window")
    used = raw.get("use_sliding_window", True)
    if not isinstance(window, int) or not used:
        return
    context = context_length or raw.get("max_position_embeddings", 0)
    if isinstance(context, int) and context > window:
        raise ConfigError(
            f"field 'sliding_window' is {window}, the context {context}: windows have no price "
            f"here yet; ask for a context of at most {window}"
        )


def _as_llama(raw: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The sizes, under the name of the family they are checked as."""
    kept = {name: raw[name] for name in _KEPT if raw.get(name) is not None}
    kept.setdefault("tie_word_embeddings", kind in _TIED_BY_DEFAULT)
    kept.setdefault("rms_norm_eps", 1e-6)
    return kept | {"model_type": "llama"}


def _additions(raw: Mapping[str, Any], kind: str, config: ModelConfig) -> Additions:
    biases: set[str] = set()
    if kind == "qwen2":
        biases.update(("q", "k", "v"))
    if raw.get("attention_bias"):
        biases.update(_ATTENTION)
    if raw.get("mlp_bias"):
        biases.update(_FFN)
    return Additions(
        biases=frozenset(biases),
        head_norms=kind == "qwen3",
        activation=_activation(raw, kind),
        embedding_scale=config.hidden_size**0.5 if kind == "gemma" else None,
    )


def _activation(raw: Mapping[str, Any], kind: str) -> str:
    name = raw.get("hidden_activation") or raw.get("hidden_act") or "silu"
    if kind == "gemma" or name in _GELU:
        return "gelu"
    if name != "silu":
        raise ConfigError(f"field 'hidden_act' is {name!r}; priced are: silu, {', '.join(_GELU)}")
    return "silu"
