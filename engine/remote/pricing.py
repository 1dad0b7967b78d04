"""What the tokens of a remote model would take on the wafer, where its configuration is known.

A configuration is known by the model's name: of a model on this computer, or of a Hugging Face
``config.json`` that the person keeps as ``configurations/NAME.json`` in the folder of settings.
Weights are not read.  The model is priced with the formats of a GGUF file, else in int8.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import platformdirs
from msgspec.structs import replace

from engine.completion.machine_info import machine_info
from engine.completion.stats import WaferMeter
from engine.errors import EngineError, PlacementError
from engine.generation.generator import PREFILL_CHUNK, Generation, RunnerStep
from engine.model.families import read_graph
from engine.model.graph import ModelGraph
from engine.model.load import Formats, read_formats
from engine.model_store.bundled import bundled_models
from engine.model_store.found import found_models
from engine.model_store.shelf import installed
from engine.paths import models_dir, user_dir
from engine.protocol.completion import WaferStats
from engine.protocol.messages import MachineInfo
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.plan.planner import plan_shape
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program.machine import MachineSpec

__all__ = ["RemotePrices", "known_configuration", "plain_name"]

_KINDS = re.compile(
    r"-(?:instruct|it|chat|base|gguf|awq|gptq|fp8|bf16|fp16|f16|f32|latest|int[48]|"
    r"i?q\d(?:_k)?(?:_[sml\d])?)(?=-|$)"
)
"""Parts of names that tell training or number formats: neither changes the shape of a model."""


class RemotePrices:
    """Prices the tokens of one model on one machine.

    Args:
        model: The name that the server knows it by.
        spec: The machine.
        room: Rows of the KV cache to place where the model's own context does not fit.
    """

    def __init__(self, model: str, spec: MachineSpec, room: int) -> None:
        self._spec = spec
        self.configuration = known_configuration(model)
        """Where the shape of the model comes from; None: it is not known."""
        self._meter = None if self.configuration is None else self._placed(room)

    def _placed(self, room: int) -> WaferMeter | None:
        """Return what prices the model; None where it does not fit the machine."""
        assert self.configuration is not None
        try:
            graph, formats = _graph(self.configuration)
            placed = _placed(graph, formats, self._spec, min(room, graph.context_length))
        except EngineError:  # such a model has no price here
            return None
        return WaferMeter(machine_info(placed), placed, placed.program.context_length)

    @cached_property
    def machine(self) -> MachineInfo:
        """The machine; its cores and Program only where the model has a price.

        No regions: nothing of the model lies there.
        """
        spec, known = self._spec, self._meter
        return MachineInfo(
            name=spec.name,
            clock_ghz=spec.clock_ghz,
            columns=spec.columns,
            rows=spec.rows,
            sram_bytes_per_core=spec.sram_bytes,
            program="" if known is None else known.machine.program,
            cores_used=0 if known is None else known.machine.cores_used,
            regions=[],
        )

    def generation(
        self, prompt: int, cached: int, written: int, seconds: tuple[float, float]
    ) -> Generation:
        """Return the steps in which the wafer would read and write so many tokens.

        Args:
            prompt: Tokens of the prompt.
            cached: Those that the server held already.
            written: Tokens of the answer.
            seconds: Measured until the first text, and from there on.
        """
        cached = min(cached, max(prompt - 1, 0))
        steps = []
        for position in range(cached, prompt, PREFILL_CHUNK):
            rows = min(PREFILL_CHUNK, prompt - position)
            share = rows / max(prompt - cached, 1)
            steps.append(RunnerStep(position, rows, decode=False, seconds=seconds[0] * share))
        each = seconds[1] / max(written - 1, 1)
        decoded = range(prompt, prompt + max(written - 1, 0))  # the first token is prefill's
        steps += [RunnerStep(position, 1, decode=True, seconds=each) for position in decoded]
        return Generation(prompt, cached, steps=steps)

    def stats(self, generation: Generation) -> WaferStats | None:
        """Return the wafer time of a generation; None where the model has no price, or no room."""
        if self._meter is None or not self._fits(generation):
            return None
        return replace(self._meter.stats(generation), priced_only=True)

    def cycles(self, generation: Generation, *, decode: bool) -> int:
        """Return the cycles of all decode or all prefill steps; 0 without a price."""
        if self._meter is None or not self._fits(generation):
            return 0
        return sum(self._meter.cycles(step) for step in generation.steps if step.decode is decode)

    def _fits(self, generation: Generation) -> bool:
        assert self._meter is not None
        rows = generation.prompt_tokens + sum(step.decode for step in generation.steps)
        return rows <= self._meter.context_length


def known_configuration(model: str) -> Path | None:
    """Return the GGUF file, folder or configuration of the shape that a name stands for."""
    name = plain_name(model)
    return next((path for known, path in _known() if plain_name(known) == name), None)


def plain_name(model: str) -> str:
    """Return a model's name without owner, training and number format.

    Example:
        >>> plain_name("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"), plain_name("qwen2.5-coder:0.5b")
        ('qwen2.5-coder-0.5b', 'qwen2.5-coder-0.5b')
    """
    name = model.rstrip("/").rpartition("/")[2].lower().removesuffix(".gguf").replace(":", "-")
    return _KINDS.sub("", name.replace(".q", "-q") if ".q" in name else name)


def _known() -> Iterator[tuple[str, Path]]:
    folder = user_dir("CONFIG", platformdirs.user_config_dir) / "configurations"
    with suppress(OSError):
        yield from ((path.stem, path) for path in sorted(folder.glob("*.json")))
    yield from bundled_models().items()
    yield from ((model.name, model.path) for model in installed())
    with suppress(OSError):
        yield from ((path.stem, path) for path in sorted(models_dir().glob("*.gguf")))
    yield from ((model.name, model.path) for model in found_models())


def _placed(graph: ModelGraph, formats: Formats, spec: MachineSpec, room: int) -> Placed:
    """Place a model as a session here would, or else as it can be priced.

    Raises:
        PlacementError: It does not fit the machine.
    """
    with suppress(PlacementError):  # more than the tiers can run
        return open_placed(graph, spec, formats=formats or None)
    shape = plan_shape(graph, spec, room, PlanOptions(formats=formats or None))
    return Placed(graph, spec, shape.placement, by_core=False)


def _graph(path: Path) -> tuple[ModelGraph, Formats]:
    if path.is_file() and path.suffix != ".json":
        return read_formats(path)
    return read_graph(path), {}
