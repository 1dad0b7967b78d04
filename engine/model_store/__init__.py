"""The store of models: fetched from a catalogue, verified, removed, and found on this computer.

Light: files, names and digests; no numpy, and no model is opened.  `pull` alone reaches beyond
this computer, and only when it is called.
"""

from engine.model_store.choice import (
    DEFAULT_RULE,
    ModelChoice,
    default_model,
    free_memory_bytes,
    memory_needed_bytes,
    offered_model,
)
from engine.model_store.offers import CatalogueModel, available
from engine.model_store.pull import pull
from engine.model_store.shelf import FetchedModel, installed
from engine.model_store.speeds import note_speed, speed_of
from engine.model_store.transfer import PullProgress
from engine.model_store.upkeep import Verification, remove, verify

__all__ = [
    "DEFAULT_RULE",
    "CatalogueModel",
    "FetchedModel",
    "ModelChoice",
    "PullProgress",
    "Verification",
    "available",
    "default_model",
    "free_memory_bytes",
    "installed",
    "memory_needed_bytes",
    "note_speed",
    "offered_model",
    "pull",
    "remove",
    "speed_of",
    "verify",
]
