"""Families of models: each reads a configuration and describes a ModelGraph of generic operations.

The registry by ``model_type``, and the two ways in: a configuration to run, a graph to price.  A
new family is a module here and a line in `FAMILIES`.
"""

from difflib import get_close_matches
from pathlib import Path

from engine.errors import ConfigError
from engine.model.families.family import ModelConfig
from engine.model.families.fields import Fields
from engine.model.families.gemma import GemmaConfig
from engine.model.families.gemma2 import Gemma2Config
from engine.model.families.gemma3 import Gemma3Config
from engine.model.families.granite import GraniteConfig
from engine.model.families.llama import LlamaConfig
from engine.model.families.mistral import MistralConfig
from engine.model.families.qwen2 import Qwen2Config
from engine.model.families.qwen3 import Qwen3Config
from engine.model.families.starcoder2 import Starcoder2Config
from engine.model.graph import ModelGraph

__all__ = ["FAMILIES", "ModelConfig", "family_of", "read_config", "read_graph"]

FAMILIES: dict[str, type[ModelConfig]] = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "qwen2": Qwen2Config,
    "qwen3": Qwen3Config,
    "gemma": GemmaConfig,
    "gemma2": Gemma2Config,
    "gemma3": Gemma3Config,
    "gemma3_text": Gemma3Config,
    "starcoder2": Starcoder2Config,
    "granite": GraniteConfig,
}
"""The class of a family's configurations by ``model_type``."""


def read_config(path: Path) -> ModelConfig:
    """Return the configuration in a ``config.json`` of a model that is to run.

    Raises:
        ConfigError: The file is missing, unreadable or malformed, or a field is missing, of the
            wrong type or outside what has a graph.  The message names file and field.
    """
    try:
        fields = Fields.from_file(path)
        return family_of(fields.present("model_type")).read(fields)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def read_graph(path: Path, context_length: int | None = None) -> ModelGraph:
    """Return the graph of a model that is to be priced; it need not exist beyond its configuration.

    What changes only numbers is passed over; what costs time is in the graph, or refused by name.

    Args:
        path: A ``config.json``, or the folder it lies in.
        context_length: KV rows that are asked for; None means the model's own.

    Raises:
        ConfigError: As `read_config`.
    """
    file = path / "config.json" if path.is_dir() else path
    try:
        fields = Fields.from_file(file)
        config = family_of(fields.present("model_type")).read_to_price(fields, context_length)
        return config.graph(file.resolve().parent.name)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def family_of(kind: object) -> type[ModelConfig]:
    """Return the family of a ``model_type``.

    Raises:
        ConfigError: It is not supported; the message names it and lists those that are.
    """
    if isinstance(kind, str) and kind in FAMILIES:
        return FAMILIES[kind]
    hint = ""
    if isinstance(kind, str) and (close := get_close_matches(kind.lower(), FAMILIES, 1, 0.8)):
        hint = f"; did you mean {close[0]!r}?"
    raise ConfigError(
        f"field 'model_type' is {kind!r}, a family that is not supported; "
        f"supported: {', '.join(FAMILIES)}{hint}"
    )
