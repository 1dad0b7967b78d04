"""The store of models: fetched from a catalogue, verified, removed, and found on this computer.

Light: files, names and digests; no numpy, and no model is opened.  `pull` alone reaches beyond
this computer, and only when it is called; what it needs is imported then (PEP 562), because most
starts fetch nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.model_store.adapted import AdaptedModel, adapted_models
from engine.model_store.bundled import bundled_models
from engine.model_store.choice import (
    DEFAULT_RULE,
    ModelChoice,
    default_model,
    offered_model,
)
from engine.model_store.found import FoundModel, found_models
from engine.model_store.killed import forget_killed, note_killed, was_killed
from engine.model_store.lookup import find_model
from engine.model_store.offers import CatalogueModel, available
from engine.model_store.shelf import FetchedModel, installed
from engine.model_store.speeds import note_speed, speed_of

if TYPE_CHECKING:
    from engine.model_store.pulling import pull
    from engine.model_store.transfer import PullProgress
    from engine.model_store.upkeep import Verification, remove, verify

__all__ = [
    "DEFAULT_RULE",
    "AdaptedModel",
    "CatalogueModel",
    "FetchedModel",
    "FoundModel",
    "ModelChoice",
    "PullProgress",
    "Verification",
    "adapted_models",
    "available",
    "bundled_models",
    "default_model",
    "find_model",
    "forget_killed",
    "found_models",
    "installed",
    "note_killed",
    "note_speed",
    "offered_model",
    "pull",
    "remove",
    "speed_of",
    "verify",
    "was_killed",
]

_HOME = {
    "PullProgress": "transfer",
    "Verification": "upkeep",
    "pull": "pulling",
    "remove": "upkeep",
    "verify": "upkeep",
}
"""Modules of the names that load on first use."""


def __getattr__(name: str) -> Any:
    """Load a name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine.model_store' has no attribute {name!r}")
    return getattr(import_module(f"engine.model_store.{_HOME[name]}"), name)
