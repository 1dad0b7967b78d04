"""A family: the class of its models' configurations, which read themselves and describe a graph.

Knows no family by name; the registry is the package's.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Self

from engine.model.families.fields import Fields
from engine.model.graph import ModelGraph

__all__ = ["ModelConfig"]


class ModelConfig(ABC):
    """The configuration of one model; a family is a subclass."""

    only_priced: ClassVar[str] = ""
    """Why no model of the family runs yet, for a message; empty where models run."""

    vocab_size: int
    spark_language: str | None
    """Our own key: the one language the model was trained on, or None."""

    @classmethod
    @abstractmethod
    def read(cls, fields: Fields) -> Self:
        """Return the configuration that a file's fields describe.

        Raises:
            ConfigError: A field is missing, of the wrong type or outside what has a graph.
        """

    @classmethod
    def read_to_run(cls, fields: Fields) -> Self:
        """Return the configuration, unless the tiers would compute something else than it means.

        Raises:
            ConfigError: As `read`, or a field asks for what no tier computes.
        """
        return cls.read(fields)

    @classmethod
    def read_to_price(cls, fields: Fields, context_length: int | None) -> Self:
        """Return the configuration, unless it costs time that the graph does not show.

        Args:
            fields: The file's.
            context_length: KV rows that are asked for; None means the model's own.

        Raises:
            ConfigError: As `read`, or a field has no price.
        """
        return cls.read(fields)

    @abstractmethod
    def graph(self, name: str) -> ModelGraph:
        """Return the model's graph.

        Args:
            name: The model's name, for listings.
        """
