"""The models on this computer with what a person chooses by: size, memory, wafers, the default.

Reads heads of files and keeps what they said, so that the next listing reads only what changed.
Loads no weights.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from engine.errors import EngineError
from engine.host_memory import MEMORY_RULE, available_bytes, memory_needed_bytes
from engine.model.model_facts import ModelFacts, facts_stamp, read_facts
from engine.model_store.adapted import adapted_models
from engine.model_store.bundled import bundled_models
from engine.model_store.choice import (
    DEFAULT_RULE,
    default_model,
)
from engine.model_store.found import found_models
from engine.model_store.shelf import installed
from engine.notes import read_note, write_note
from engine.paths import cache_dir
from engine.wafer.program.machine import MachineSpec, get

__all__ = ["ListedModel", "ModelList", "list_models"]

WAFERS_RULE = (
    "weights ÷ (cores × half of the SRAM that code and system leave), rounded up; `spark-tui wafer "
    "plan` places them"
)
_WEIGHTS_SHARE = 0.5


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model on this computer."""

    name: str
    source: str
    """bundled, fetched, adapted, huggingface, ollama, lmstudio, llama.cpp or folder."""
    path: str
    family: str | None = None
    """This and what follows is None or empty where the files cannot be read."""
    parameters: int | None = None
    types: dict[str, int] = {}
    """Number of tensors by type."""
    size_bytes: int | None = None
    context: int | None = None
    fill_in_the_middle: bool | None = None
    memory_bytes: int | None = None
    """By `MEMORY_RULE`."""
    wafers: int | None = None
    """By `WAFERS_RULE`."""
    default: bool
    """Whether it is used when no model is named."""
    problem: str | None = None
    """Why it cannot be used, as far as its heads tell; None if it can."""


class ModelList(msgspec.Struct, frozen=True):
    """All models on this computer, and what the numbers about them mean."""

    models: tuple[ListedModel, ...]
    memory_free_bytes: int
    machine: str
    """The wafer that is counted in."""
    default_rule: str
    default_why: str
    """Why the default is the default here."""
    memory_rule: str
    wafers_rule: str


class _Kept(msgspec.Struct):
    stamp: str
    facts: ModelFacts


def list_models(folders: Iterable[Path] = (), machine: str = "wse3") -> ModelList:
    """Return the models that are bundled, fetched, adapted, and found on this computer.

    Args:
        folders: The person's own folders of models.
        machine: The machine whose wafers are counted.

    Raises:
        MachineError: The machine is unknown.
        ModelError: No model is bundled.
    """
    spec, choice = get(machine), default_model()
    heads = _Heads()
    models = tuple(
        _listed(name, source, path, heads, spec, default=path == choice.path)
        for name, source, path in _places(folders)
    )
    heads.keep()
    return ModelList(
        models=models,
        memory_free_bytes=available_bytes(),
        machine=spec.name,
        default_rule=DEFAULT_RULE,
        default_why=choice.why,
        memory_rule=MEMORY_RULE,
        wafers_rule=WAFERS_RULE,
    )


def _places(folders: Iterable[Path]) -> Iterator[tuple[str, str, Path]]:
    yield from ((name, "bundled", path) for name, path in bundled_models().items())
    yield from ((model.name, "fetched", model.path) for model in installed())
    yield from ((model.name, "adapted", model.path) for model in adapted_models())
    yield from ((model.name, model.source, model.path) for model in found_models(folders))


def _listed(
    name: str, source: str, path: Path, heads: "_Heads", machine: MachineSpec, *, default: bool
) -> ListedModel:
    try:
        facts = heads.read(path)
    except (EngineError, OSError) as error:
        problem = str(error) if isinstance(error, EngineError) else f"{path}: {error.strerror}"
        return ListedModel(
            name=name, source=source, path=str(path), default=default, problem=problem
        )
    return ListedModel(
        name=name,
        source=source,
        path=str(path),
        family=facts.family,
        parameters=facts.parameters,
        types=facts.types,
        size_bytes=facts.size_bytes,
        context=facts.context,
        fill_in_the_middle=facts.fill_in_the_middle,
        memory_bytes=memory_needed_bytes(facts.weight_bytes),
        wafers=_wafers(facts.weight_bytes, machine),
        default=default,
        problem=facts.problem,
    )


def _wafers(weight_bytes: int, machine: MachineSpec) -> int:
    """Return how many wafers hold so many bytes of weights, by `WAFERS_RULE`."""
    left = machine.sram_bytes - machine.code_bytes - machine.system_bytes
    room = int(machine.cores * left * _WEIGHTS_SHARE)
    return max(1, math.ceil(weight_bytes / room))


class _Heads:
    """What the heads of files said, remembered by place and state of the files."""

    def __init__(self) -> None:
        self._file = cache_dir() / "model_facts.json"
        self._known: dict[str, _Kept] = read_note(self._file, dict[str, _Kept], {})
        self._used: dict[str, _Kept] = {}

    def read(self, place: Path) -> ModelFacts:
        stamp, key = facts_stamp(place), str(place)
        kept = self._known.get(key)
        if kept is None or kept.stamp != stamp:
            kept = _Kept(stamp, read_facts(place))
        self._used[key] = kept
        return kept.facts

    def keep(self) -> None:
        """Write what was read; where nothing can be written, the next listing reads it again."""
        if self._used != self._known:
            write_note(self._file, self._used)
