"""Families of models: each reads a configuration and describes a ModelGraph of generic operations.

The registry by ``model_type``, and the two ways in: a configuration to run, a graph to price.  A
new family is a module here and a line in `FAMILIES`.
"""

from difflib import get_close_matches
from pathlib import Path

from engine.errors import ConfigError
from engine.model.families.family import ModelConfig
from engine.model.families.fields import Fields, wrong_field
from engine.model.families.gemma import GemmaConfig
from engine.model.families.llama import LlamaConfig
from engine.model.families.mistral import MistralConfig
from engine.model.families.qwen2 import Qwen2Config
from engine.model.families.qwen3 import Qwen3Config
from engine.model.graph import ModelGraph

__all__ = [
    "FAMILIES",
    "ModelConfig",
    "config_to_price",
    "config_to_run",
    "read_config",
    "read_graph",
]

FAMILIES: dict[str, type[ModelConfig]] = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
    "gemma": GemmaConfig,
}
"""The class of a family's configurations by ``model_type``."""


def read_config(path: Path) -> ModelConfig:
    """Return the configuration in a ``config.json`` of a model that is to run.

    Raises:
        ConfigError: The file is missing, unreadable or malformed, or a field is missing, of the
            wrong type or outside what the tiers run.  The message names file and field.
    """
    try:
        return config_to_run(Fields.from_file(path))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def read_graph(path: Path, context_length: int | None = None) -> ModelGraph:
    """Return the graph of a model that is to be priced; it need not exist beyond its configuration.

    What changes only numbers is passed over; what costs time is in the graph, or refused by name.

    Args:
        path: A ``config.json``, or the folder it lies in.
        context_length: KV rows that are asked for; None means the model's own.

    Raises:
        ConfigError: The file is missing or malformed, or a field has no price; the message names
            file and field.
    """
    file = path / "config.json" if path.is_dir() else path
    try:
        config = config_to_price(Fields.from_file(file), context_length)
        return config.graph(file.resolve().parent.name)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def config_to_run(fields: Fields) -> ModelConfig:
    """Return the configuration of a model that is to run.

    Raises:
        ConfigError: As `read_config`; the message names the field, not the file.
    """
    return _family_that_runs(fields.present("model_type")).read_to_run(fields)


def config_to_price(fields: Fields, context_length: int | None) -> ModelConfig:
    """Return the configuration of a model that is to be priced.

    Raises:
        ConfigError: As `read_graph`; the message names the field, not the file.
    """
    family = _family_with_a_price(fields.get("model_type"))
    return family.read_to_price(fields, context_length)


def _family_that_runs(kind: object) -> type[ModelConfig]:
    family = FAMILIES.get(kind) if isinstance(kind, str) else None
    if family is not None and not family.only_priced:
        return family
    runs = [name for name, each in FAMILIES.items() if not each.only_priced]
    hint = ""
    if family is not None:
        hint = f" ({kind} can be priced, not run: {family.only_priced})"
    elif isinstance(kind, str) and (close := get_close_matches(kind.lower(), runs, n=1)):
        hint = f"; did you mean {close[0]!r}?"
    raise ConfigError(f"{wrong_field('model_type', kind, ', '.join(map(repr, runs)))}{hint}")


def _family_with_a_price(kind: object) -> type[ModelConfig]:
    family = FAMILIES.get(kind) if isinstance(kind, str) else None
    if family is None:
        raise ConfigError(f"model_type {kind!r} cannot be priced; known: {', '.join(FAMILIES)}")
    return family
