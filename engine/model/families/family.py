"""A family: the class of its models' configurations, which read themselves and describe a graph.

Knows no family by name; the registry is the package's.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Self

from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph
from engine.model.tensors.stored import Stored

__all__ = ["ModelConfig"]


class ModelConfig(ABC):
    """The configuration of one model; a family is a subclass."""

    vocab_size: int
    spark_language: str | None
    """Our own key: the one language the model was trained on, or None."""

    @classmethod
    @abstractmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe.

        Args:
            fields: Those of a ``config.json``, or of a GGUF file's metadata under the same names.

        Raises:
            ConfigError: A field is missing, of the wrong type or outside what has a graph, or
                would change numbers and is not read.
        """

    @classmethod
    def read_to_price(cls, fields: Fields, context_length: int | None) -> Self:
        """Return the configuration, with what costs no time made plain if it does not run.

        Args:
            fields: The file's.
            context_length: KV rows that are asked for; None means the model's own.

        Raises:
            ConfigError: As `read`.
        """
        return cls.read(fields)

    @abstractmethod
    def graph(self, name: str) -> ModelGraph:
        """Return the model's graph.

        Args:
            name: The model's name, for listings.
        """

    def adapt(self, found: Mapping[str, Stored]) -> dict[str, Stored]:
        """Return the tensors of a Hugging Face folder under the graph's names, as it means them.

        Args:
            found: As the folder has them, by name.

        Raises:
            WeightsError: They contradict the configuration.
        """
        return dict(found)
