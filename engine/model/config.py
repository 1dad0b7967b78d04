"""ModelConfig: what a Hugging Face ``config.json`` says about a model, checked when it is built.

Reads one file and knows no tensors.  Field names are the file's, so that a message about a field
can be followed into the file.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.model.tensors.q8 import QUANTISATION_GROUP

__all__ = [
    "LARGEST_SIZE",
    "MODEL_TYPES",
    "MOST_LAYERS",
    "ModelConfig",
    "read_object",
]

MODEL_TYPES = ("llama",)
"""Values of ``model_type`` that have a family."""

LARGEST_SIZE = 1 << 24
"""A size above this is a slip in the file, not a model."""

MOST_LAYERS = 1024
"""The graph has a node for every operation of every layer, so layers have a limit of their own."""

_LARGEST_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes and constants of a Llama-like model.

    Raises:
        ConfigError: A value is outside what the engine runs; the message names the field, its
            value and what is allowed.
    """

    model_type: str
    hidden_size: int
    """Width of the residual stream, a multiple of 32."""
    intermediate_size: int
    """Width of the feed-forward activations, a multiple of 32."""
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    """Divides the number of attention heads."""
    head_dim: int
    """Even; heads × head_dim is a multiple of 32."""
    vocab_size: int
    max_position_embeddings: int
    """Context length: rows that the KV cache may hold."""
    rms_norm_eps: float
    rope_theta: float = 10000.0
    """Base of the rotary embedding."""
    tie_word_embeddings: bool = False
    """True: the head multiplies by the embedding."""
    spark_language: str | None = None
    """Our own key: the one language the model was trained on, or None."""

    def __post_init__(self) -> None:
        _check_model_type(self.model_type)
        for name in _SIZES:
            most = MOST_LAYERS if name == "num_hidden_layers" else LARGEST_SIZE
            _check_size(name, getattr(self, name), most)
        _check_positive("rms_norm_eps", self.rms_norm_eps, below=1.0)
        _check_positive("rope_theta", self.rope_theta, below=1e12)
        _check_multiple("hidden_size", self.hidden_size, QUANTISATION_GROUP)
        _check_multiple("intermediate_size", self.intermediate_size, QUANTISATION_GROUP)
        _check_multiple("head_dim", self.head_dim, 2, "rotary embedding turns pairs")
        _check_multiple(
            "num_attention_heads × head_dim",
            self.num_attention_heads * self.head_dim,
            QUANTISATION_GROUP,
        )
        _check_multiple(
            "num_attention_heads",
            self.num_attention_heads,
            self.num_key_value_heads,
            "that is num_key_value_heads",
        )

    @classmethod
    def from_file(cls, path: Path) -> "ModelConfig":
        """Return the configuration in a ``config.json``.

        Raises:
            ConfigError: The file is missing, unreadable or malformed, or a field is missing, of
                the wrong type or outside what the engine runs.  The message names file and field.
        """
        try:
            return cls.from_mapping(read_object(path))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Any]) -> "ModelConfig":
        """Return the configuration in the decoded contents of a ``config.json``.

        Raises:
            ConfigError: As in `from_file`, without the file's name.
        """
        _check_model_type(_present(raw, "model_type", None))
        _refuse_unsupported(raw)
        hidden, heads = _integer(raw, "hidden_size"), _integer(raw, "num_attention_heads")
        return cls(
            model_type=_text(raw, "model_type"),
            hidden_size=hidden,
            intermediate_size=_integer(raw, "intermediate_size"),
            num_hidden_layers=_integer(raw, "num_hidden_layers"),
            num_attention_heads=heads,
            num_key_value_heads=_integer(raw, "num_key_value_heads", default=heads),
            head_dim=_integer(raw, "head_dim", default=_default_head_dim(hidden, heads)),
            vocab_size=_integer(raw, "vocab_size"),
            max_position_embeddings=_integer(raw, "max_position_embeddings"),
            rms_norm_eps=_number(raw, "rms_norm_eps"),
            rope_theta=_rope_theta(raw),
            tie_word_embeddings=_boolean(raw, "tie_word_embeddings", default=False),
            spark_language=_text(raw, "spark_language") if "spark_language" in raw else None,
        )


_SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "max_position_embeddings",
)


# ── reading ─────────────────────────────────────────────────────────────────────────────────


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a configuration file.

    Raises:
        ConfigError: The file is missing, unreadable, too large or holds something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError("no such file; a model folder needs a config.json") from None
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})") from error
    if len(data) > _LARGEST_FILE_BYTES:
        raise ConfigError(f"larger than {_LARGEST_FILE_BYTES} bytes; this is no configuration")
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:  # also bytes that are no text
        raise ConfigError(f"not valid JSON ({error}); restore the file") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"must hold a JSON object {{…}}, not {_kind(raw)}")
    return raw


def _default_head_dim(hidden: int, heads: int) -> int | None:
    """Return what a file without ``head_dim`` means; None where it means nothing."""
    return hidden // heads if heads > 0 and hidden % heads == 0 else None


def _integer(raw: Mapping[str, Any], name: str, *, default: int | None = None) -> int:
    value = _present(raw, name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, value, "a whole number above 0")
    return value


def _number(raw: Mapping[str, Any], name: str, *, default: float | None = None) -> float:
    value = _present(raw, name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, value, "a number above 0")
    try:
        return float(value)
    except OverflowError:
        raise _wrong(name, value, "a number that a double holds") from None


def _boolean(raw: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = _present(raw, name, default)
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = _present(raw, name, None)
    if not isinstance(value, str) or not value:
        raise _wrong(name, value, "a text that is not empty")
    return value


def _present(raw: Mapping[str, Any], name: str, default: object) -> object:
    """Return a field; null counts as absent, as in Hugging Face's own reader."""
    value = raw.get(name)
    if value is None:
        value = default
    if value is None:
        raise ConfigError(f"field {name!r} is missing")
    return value


def _rope_theta(raw: Mapping[str, Any]) -> float:
    """Return the rotary base, which newer files keep inside ``rope_parameters``."""
    inner = raw.get("rope_parameters")
    if isinstance(inner, dict) and "rope_theta" in inner:
        return _number(inner, "rope_theta")
    return _number(raw, "rope_theta", default=10000.0)


# ── checking ────────────────────────────────────────────────────────────────────────────────


def _refuse_unsupported(raw: Mapping[str, Any]) -> None:
    """Refuse what would silently compute something else than the model means."""
    for name in ("rope_scaling", "rope_parameters"):
        _check_rope(name, raw.get(name))
    if raw.get("hidden_act", "silu") != "silu":
        raise _wrong("hidden_act", raw["hidden_act"], "'silu'")
    for name in ("attention_bias", "mlp_bias"):
        if _boolean(raw, name, default=False):
            raise _wrong(name, True, "false (matrices without biases)")


def _check_rope(name: str, value: object) -> None:
    if value is None:
        return
    kind = None
    if isinstance(value, dict):
        kind = value.get("rope_type", value.get("type"))
    if kind != "default":
        raise _wrong(name, value, "null, or an object of rope_type 'default'")


def _check_model_type(value: object) -> None:
    if value in MODEL_TYPES:
        return
    hint = ""
    if isinstance(value, str):
        close = get_close_matches(value.lower(), MODEL_TYPES, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"{_wrong('model_type', value, _listed(MODEL_TYPES))}{hint}")


def _check_size(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise _wrong(name, value, f"a whole number, 1 to {most}")


def _check_positive(name: str, value: float, *, below: float) -> None:
    if not (math.isfinite(value) and 0.0 < value < below):
        raise _wrong(name, value, f"a number above 0 and below {below:g}")


def _check_multiple(name: str, value: int, divisor: int, why: str = "") -> None:
    if value % divisor:
        because = why or f"weights are quantised in groups of {QUANTISATION_GROUP} inputs"
        raise _wrong(name, value, f"a multiple of {divisor} ({because})")


def _wrong(name: str, value: object, allowed: str) -> ConfigError:
    return ConfigError(f"field {name!r} is {_shown(value)}; allowed: {allowed}")


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "a whole number of more than 20 digits"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {list: "a list", str: "a text", bool: "true or false", int: "a number"}
    return kinds.get(type(value), "a number")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)
