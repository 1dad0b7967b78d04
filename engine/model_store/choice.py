"""Which model is used when none is named, and which one is worth offering.

Goes by names, sizes and what was measured; opens no model.
"""

from pathlib import Path

import msgspec

from engine.host_memory import available_bytes, memory_needed_bytes
from engine.model_store.bundled import default_bundled
from engine.model_store.killed import was_killed
from engine.model_store.offers import CatalogueModel, available
from engine.model_store.shelf import FetchedModel, installed
from engine.model_store.speeds import speed_of

__all__ = [
    "DEFAULT_RULE",
    "FAST_ENOUGH_TOKENS_PER_SECOND",
    "ModelChoice",
    "default_model",
    "offered_model",
]

FAST_ENOUGH_TOKENS_PER_SECOND = 5.0
"""Assumed: a line of code has about ten tokens, and two seconds are as long as one waits for it."""

DEFAULT_RULE = (
    "the largest coder of the catalogue that is fetched, needs no more memory than is free, was "
    "not killed for lack of it "
    f"and, if its speed here is known, writes at least {FAST_ENOUGH_TOKENS_PER_SECOND:g} tokens a "
    "second; else the bundled one"
)
"""The rule of `default_model` in words."""


class ModelChoice(msgspec.Struct, frozen=True):
    """A model that was chosen for the person."""

    name: str
    path: Path
    """A folder or a GGUF file."""
    why: str
    """In words, also what larger ones were passed over for."""


def default_model(held_bytes: int = 0) -> ModelChoice:
    """Return the model to use when none is named, by `DEFAULT_RULE`.

    Args:
        held_bytes: Memory that models hold already, the same ones perhaps; it counts as free.

    Raises:
        ModelError: No model is bundled.
    """
    free = available_bytes() + held_bytes
    passed_over: list[str] = []
    coders = [model for model in installed() if model.offer is not None and _is_coder(model.offer)]
    for model in sorted(coders, key=lambda each: -each.size_bytes):
        problem = _problem(model, free)
        if problem is None:
            fast = "is fast enough" if speed_of(model.name) else "has not been timed here yet"
            why = f"the largest fetched one that fits and {fast}"
            return ModelChoice(model.name, model.path, "; ".join([why, *passed_over]))
        passed_over.append(f"{model.name} {problem}")
    folder = default_bundled()
    return ModelChoice(folder.name, folder, "; ".join(["it comes with the program", *passed_over]))


def _is_coder(model: CatalogueModel) -> bool:
    """Return whether a model is offered and its gain was measured: others fill no middle."""
    return model.offered and model.measured is not None


def _problem(model: FetchedModel, free: int) -> str | None:
    """Return why a model is not the default; None if it may be."""
    needed = memory_needed_bytes(model.size_bytes)
    if needed > free:
        return f"needs {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
    if was_killed(model.name):
        return "was killed here for lack of memory"
    speed = speed_of(model.name)
    if speed is not None and speed < FAST_ENOUGH_TOKENS_PER_SECOND:
        return (
            f"wrote {speed:.1f} tokens/s here, less than {FAST_ENOUGH_TOKENS_PER_SECOND:g} tokens/s"
        )
    return None


def offered_model() -> CatalogueModel | None:
    """Return the model that a first start offers; None if a coder is fetched or none fits.

    The smallest measured one: it is soonest there, and larger ones are a command away.
    """
    fetched = {model.name for model in installed()}
    coders = [model for model in available() if _is_coder(model)]
    if any(model.name in fetched for model in coders):
        return None
    free = available_bytes()
    for model in coders:
        if memory_needed_bytes(model.file_bytes) <= free:
            return model
    return None
