"""Rope: the rotary embedding of a model's layers, read from the fields that describe it.

Reads the kinds that only divide angles by constants: default, linear and llama3.  Others (yarn,
longrope, dynamic) change more than that, and are refused by name.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import ConfigError
from engine.model.families.fields import Fields, check_positive, check_size, wrong_field

__all__ = ["PLAIN_ROPE", "Rope", "check_head_fits", "read_rope", "rope_for_price"]

_FACTORS = "spark_rope_factors"
_KINDS = ("default", "linear", "llama3")
_KINDS_OF_LAYERS = ("full_attention", "sliding_attention")
_NEUTRAL = {"partial_rotary_factor": 1.0}
_READ = {
    "default": {"original_max_position_embeddings"},
    "linear": {"factor"},
    "llama3": {
        "factor",
        "low_freq_factor",
        "high_freq_factor",
        "original_max_position_embeddings",
    },
}
"""What else a kind's object may hold; anything more would be lost."""


@dataclass(frozen=True, slots=True)
class Rope:
    """A rotation: pair i of a head's D dimensions turns by position · base^(−2i/D) / factors[i]."""

    base: float = 10000.0
    factors: tuple[float, ...] = ()
    """D/2 divisors; none means ones."""


PLAIN_ROPE = Rope()
"""The rotation of the first Llamas."""


def check_head_fits(rope: Rope, head_dim: int) -> None:
    """Raise ConfigError unless a base is one, and the factors, if any, are one for each pair."""
    check_positive("rope_theta", rope.base, below=1e12)
    if rope.factors and len(rope.factors) != head_dim // 2:
        raise ConfigError(
            f"field {_FACTORS!r} has {len(rope.factors)} numbers, not {head_dim // 2}"
        )
    for factor in rope.factors:
        check_positive(_FACTORS, factor, below=math.inf)


def read_rope(fields: Fields, head_dim: int, *, base: str = "rope_theta", layers: str = "") -> Rope:
    """Return the rotation that a file describes.

    Args:
        fields: The file's; ``rope_scaling`` and the newer ``rope_parameters`` mean the same.  Our
            own ``spark_rope_factors``, D/2 numbers, is what a GGUF file keeps as a tensor.
        head_dim: Width D of a head.
        base: Name of the field with the base, 10000 if it is absent.
        layers: Kind of layers, for files that keep a rotation for each; empty where all turn alike.

    Raises:
        ConfigError: A value is missing, of the wrong type or of a kind that no tier computes.

    Source:
        llama3: Meta, "Llama 3.1" model code (2024), ``apply_scaling``; linear: Chen et al.,
        "Extending Context Window of Large Language Models via Positional Interpolation" (2023).
    """
    name, parameters = _parameters(fields, layers)
    inner = Fields(parameters)
    kind = parameters.get("rope_type", parameters.get("type", "default"))
    if kind not in _KINDS:
        raise ConfigError(
            f"field {name!r} asks for rope_type {kind!r}; supported: {', '.join(_KINDS)}"
        )
    _refuse_others(name, kind, parameters)
    theta = fields.number(base, 10000.0)
    theta = inner.number("rope_theta", theta)
    factors = _FACTORS_OF[kind](inner, theta, head_dim)
    if fields.get(_FACTORS) is not None:
        factors = _own_factors(fields, name, factors)
    rope = Rope(theta, factors)
    check_head_fits(rope, head_dim)
    return rope


def rope_for_price(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file's fields with every rotation as a plain one: a factor costs no cycle more."""
    left_out = ("rope_scaling", "partial_rotary_factor", _FACTORS)
    fields = {name: value for name, value in raw.items() if name not in left_out}
    parameters = fields.pop("rope_parameters", None)
    if isinstance(parameters, dict):
        fields["rope_parameters"] = _bases(parameters)
    return fields


def _bases(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the bases of rope parameters, by kind of layer or for all."""
    kept: dict[str, Any] = {
        name: _bases(value) for name, value in parameters.items() if isinstance(value, dict)
    }
    return kept | {name: parameters[name] for name in ("rope_theta",) if name in parameters}


def _parameters(fields: Fields, layers: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the entries of the object that describes a rotation, perhaps empty."""
    name = "rope_scaling" if fields.get("rope_scaling") is not None else "rope_parameters"
    parameters = _object(name, fields.get(name))
    if not layers or name == "rope_scaling":
        return name, parameters
    if flat := sorted(set(parameters) - set(_KINDS_OF_LAYERS)):
        raise ConfigError(f"field {name!r}: {flat[0]!r} must stand below {_KINDS_OF_LAYERS}")
    return f"{name}.{layers}", _object(f"{name}.{layers}", parameters.get(layers))


def _object(name: str, value: object) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise wrong_field(name, value, "null or an object")
    return value or {}


def _refuse_others(name: str, kind: str, parameters: Mapping[str, Any]) -> None:
    allowed = {"rope_type", "type", "rope_theta"} | _READ[kind]
    for key, value in parameters.items():
        if key not in allowed and value is not None and value != _NEUTRAL.get(key):
            raise ConfigError(
                f"field {name!r}: {key} is {value!r}, which rope_type {kind!r} would ignore"
            )


# ── factors by kind ─────────────────────────────────────────────────────────────────────────


def _no_factors(inner: Fields, base: float, head_dim: int) -> tuple[float, ...]:
    return ()


def _linear(inner: Fields, base: float, head_dim: int) -> tuple[float, ...]:
    return (inner.positive("factor"),) * (head_dim // 2)


def _llama3(inner: Fields, base: float, head_dim: int) -> tuple[float, ...]:
    """Divide slow rotations by the factor, fast ones by 1, those between by what is between."""
    factor = inner.positive("factor")
    low, high = inner.positive("low_freq_factor"), inner.positive("high_freq_factor")
    if low >= high:
        raise wrong_field("low_freq_factor", low, f"below high_freq_factor, {high:g}")
    trained = inner.integer("original_max_position_embeddings")
    check_size("original_max_position_embeddings", trained)
    check_positive("rope_theta", base, below=1e12)

    def of_pair(i: int) -> float:
        turns: float = trained * base ** (-2.0 * i / head_dim) / (2.0 * math.pi)  # as trained
        fast = min(max((turns - low) / (high - low), 0.0), 1.0)
        return 1.0 / ((1.0 - fast) / factor + fast)

    return tuple(of_pair(i) for i in range(head_dim // 2))


_FACTORS_OF = {"default": _no_factors, "linear": _linear, "llama3": _llama3}


def _own_factors(fields: Fields, name: str, factors: tuple[float, ...]) -> tuple[float, ...]:
    if factors:
        raise ConfigError(f"fields {_FACTORS!r} and {name!r} both scale the rotary embedding")
    value = fields.get(_FACTORS)
    if not isinstance(value, list) or not all(type(each) in (int, float) for each in value):
        raise wrong_field(_FACTORS, value, "a list of numbers")
    return tuple(map(float, value))
