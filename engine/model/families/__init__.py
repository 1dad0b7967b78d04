"""Families of models: each turns a configuration into a ModelGraph of generic operations.

The registry by ``model_type``; a new family is a module here, a line below and its name in
``engine.model.config.MODEL_TYPES``.
"""

from collections.abc import Callable, Mapping

from engine.errors import ConfigError
from engine.model.config import ModelConfig
from engine.model.families import llama
from engine.model.graph import ModelGraph

__all__ = ["FAMILIES", "build_graph"]

FAMILIES: Mapping[str, Callable[[ModelConfig, str], ModelGraph]] = {"llama": llama.build_graph}
"""The function that builds a model's graph, by ``model_type``."""


def build_graph(config: ModelConfig, name: str) -> ModelGraph:
    """Return the graph of a model.

    Args:
        config: Its configuration.
        name: Its name, for listings.

    Raises:
        ConfigError: No family has this ``model_type``.
    """
    if config.model_type not in FAMILIES:
        raise ConfigError(
            f"no family for model_type {config.model_type!r}; known: {', '.join(FAMILIES)}"
        )
    return FAMILIES[config.model_type](config, name)
