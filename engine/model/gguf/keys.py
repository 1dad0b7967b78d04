"""Metadata of a GGUF model, each value asked for by its key and its kind.

Knows neither architectures nor Hugging Face.  A message names the key as the file has it, with its
value and what is allowed, so that it can be followed into the file.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.model.formats.gguf import Strings, Value

__all__ = ["ARCHITECTURE", "Keys"]

ARCHITECTURE = "general.architecture"


class Keys:
    """The values of one file.  Names are without the architecture's prefix: ``"block_count"``.

    Every method raises ConfigError if a value is missing without a default, or of another kind.
    """

    def __init__(self, path: Path, metadata: Mapping[str, Value]) -> None:
        self._path = path
        self._metadata = metadata
        self.architecture = self._architecture()

    def _architecture(self) -> str:
        value = self._metadata.get(ARCHITECTURE)
        if not isinstance(value, str) or not value:
            raise self.wrong(ARCHITECTURE, value, "the name of an architecture")
        return value

    def key(self, name: str) -> str:
        """Return a name as the file has it: ``"qwen2.block_count"``."""
        return f"{self.architecture}.{name}"

    def has(self, name: str) -> bool:
        """Tell whether the file has a value of this name."""
        return self.key(name) in self._metadata

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number; of an array, the number that all its elements are."""
        value = self._one(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(self.key(name), value, "a whole number")
        return value

    def size(self, name: str, most: int) -> int:
        """Return a whole number from 1 to ``most``, as `integer`."""
        value = self.integer(name)
        if not 1 <= value <= most:
            raise self.wrong(self.key(name), value, f"a whole number, 1 to {most}")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number.

        Of a float32 it is the shortest decimal that rounds to it, which is what the configuration
        said before it was converted: 1e-06, not 9.999999974752427e-07.
        """
        value = self._one(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(self.key(name), value, "a finite number")
        if not math.isfinite(value):
            raise self.wrong(self.key(name), value, "a finite number")
        return _shortest(float(value))

    def boolean(self, name: str, default: bool) -> bool:
        """Return a truth value."""
        value = self._metadata.get(self.key(name), default)
        if not isinstance(value, bool):
            raise self.wrong(self.key(name), value, "true or false")
        return value

    def text(self, name: str, default: str) -> str:
        """Return a text."""
        value = self._metadata.get(self.key(name), default)
        if not isinstance(value, str):
            raise self.wrong(self.key(name), value, "a text")
        return value

    def truths(self, name: str, count: int) -> list[bool] | None:
        """Return an array of truth values, None where the value is no array."""
        value = self._metadata.get(self.key(name))
        if not isinstance(value, np.ndarray):
            return None
        if value.shape != (count,):
            raise self.wrong(self.key(name), value, f"{count} truth values")
        return [bool(each) for each in value.tolist()]

    def general(self, key: str, default: int) -> int:
        """Return a whole number of no architecture, by its whole key."""
        value = self._metadata.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, value, "a whole number")
        return value

    def wrong(self, key: str, value: object, allowed: str) -> ConfigError:
        """Return the error that names a key, its value and what is allowed."""
        said = "is missing" if value is None else f"is {_shown(value)}"
        return ConfigError(f"{self._path}: metadata {key!r} {said}; allowed: {allowed}")

    def _one(self, name: str, default: int | float | None) -> Value | None:
        value = self._metadata.get(self.key(name), default)
        if isinstance(value, np.ndarray):
            return self._only(name, value)
        return value

    def _only(self, name: str, values: NDArray[np.generic]) -> Value:
        """Return the number of an array with one number for each layer."""
        if values.size == 0 or (values != values[0]).any():
            raise self.wrong(self.key(name), values, "one number, the same for every layer")
        only: Value = values[0].item()
        return only


def _shortest(value: float) -> float:
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return float(str(single)) if float(single) == value else value


def _shown(value: object) -> str:
    if isinstance(value, Strings):
        return f"an array of {len(value)} texts"
    if isinstance(value, np.ndarray):
        few = ", ".join(map(str, value[:6].tolist()))
        return f"[{few}{', …' if value.size > 6 else ''}]"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
