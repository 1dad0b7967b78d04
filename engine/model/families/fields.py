"""Fields: a Hugging Face ``config.json`` read field by field, each with its type and its limits.

Knows JSON and no family.  A message names the field as the file spells it, its value and what is
allowed, so that it can be followed into the file.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.model.tensors.q8 import QUANTISATION_GROUP
from engine.plain_files import read_plain

__all__ = [
    "LARGEST_SIZE",
    "LONGEST_HEAD",
    "MOST_LAYERS",
    "Fields",
    "check_multiple",
    "check_positive",
    "check_size",
    "wrong_field",
]

LARGEST_SIZE = 1 << 24
"""A size above this is a slip in the file, not a model."""

MOST_LAYERS = 1024
"""The graph has a node for every operation of every layer, so layers have a limit of their own."""

LONGEST_HEAD = 1 << 14
"""Every two numbers of a head may have a factor of their rotation, so heads have one too."""

_LARGEST_FILE_BYTES = 1 << 20


class Fields:
    """The fields of one configuration.  Null counts as absent, as in Hugging Face's own reader.

    Every method that returns a field raises ConfigError if it is missing without a default, or of
    another type; the message names field and value, not the file.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @classmethod
    def from_file(cls, path: Path) -> "Fields":
        """Return the fields of the JSON object in a file.

        Raises:
            ConfigError: The file is missing, unreadable, too large or holds something else.
        """
        try:
            data = read_plain(path, _LARGEST_FILE_BYTES)
        except FileNotFoundError:
            raise ConfigError("no such file; a model folder needs a config.json") from None
        except OSError as error:
            raise ConfigError(f"cannot be read ({error.strerror})") from error
        try:
            raw = json.loads(data)
        except (ValueError, RecursionError) as error:  # also bytes that are no text
            raise ConfigError(f"not valid JSON ({error}); restore the file") from error
        if not isinstance(raw, dict):
            raise ConfigError(f"must hold a JSON object {{…}}, not {_kind(raw)}")
        return cls(raw)

    def get(self, name: str) -> Any:
        """Return a field as it stands; None where it is absent."""
        return self.raw.get(name)

    def present(self, name: str, default: object = None) -> Any:
        """Return a field as it stands, or ``default``; None means that there is none."""
        value = self.raw.get(name)
        if value is None:
            value = default
        if value is None:
            raise ConfigError(f"field {name!r} is missing")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self.present(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_field(name, value, "a whole number above 0")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return a number that a double holds."""
        value = self.present(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_field(name, value, "a number above 0")
        try:
            return float(value)
        except OverflowError:
            raise wrong_field(name, value, "a number that a double holds") from None

    def positive(self, name: str) -> float:
        """Return a number above 0."""
        value = self.number(name)
        check_positive(name, value, below=math.inf)
        return value

    def optional_positive(self, name: str) -> float | None:
        """Return a number above 0, or None where there is none."""
        return None if self.get(name) is None else self.positive(name)

    def optional_size(self, name: str) -> int:
        """Return a whole number above 0, or 0 where there is none."""
        if self.get(name) is None:
            return 0
        value = self.integer(name)
        check_size(name, value)
        return value

    def boolean(self, name: str, default: bool) -> bool:
        """Return true or false."""
        value = self.present(name, default)
        if not isinstance(value, bool):
            raise wrong_field(name, value, "true or false")
        return value

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self.present(name)
        if not isinstance(value, str) or not value:
            raise wrong_field(name, value, "a text that is not empty")
        return value


# ── checking ────────────────────────────────────────────────────────────────────────────────


def check_size(name: str, value: int, most: int = LARGEST_SIZE) -> None:
    """Raise ConfigError unless 1 ≤ value ≤ most."""
    if not 1 <= value <= most:
        raise wrong_field(name, value, f"a whole number, 1 to {most}")


def check_positive(name: str, value: float, *, below: float) -> None:
    """Raise ConfigError unless 0 < value < below."""
    if not (math.isfinite(value) and 0.0 < value < below):
        limit = "" if below == math.inf else f" and below {below:g}"
        raise wrong_field(name, value, f"a number above 0{limit}")


def check_multiple(name: str, value: int, divisor: int, why: str = "") -> None:
    """Raise ConfigError unless ``divisor`` divides value; ``why`` is empty for weight matrices."""
    if value % divisor:
        because = why or f"weights are quantised in groups of {QUANTISATION_GROUP} inputs"
        raise wrong_field(name, value, f"a multiple of {divisor} ({because})")


def wrong_field(name: str, value: object, allowed: str) -> ConfigError:
    """Return the error that names a field, its value and what is allowed."""
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
