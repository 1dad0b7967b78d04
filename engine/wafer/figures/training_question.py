"""Cycles of a training step: the layout and placement that take the fewest, and what limits them.

Weights stay in the cores, or stream from outside: what takes fewer cycles on one wafer.  A layout
that is asked for by name may take several wafers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors import uniform_formats
from engine.model.tensors.floats import FP16
from engine.units import Gigahertz, tokens_per_second
from engine.wafer.cost.energy import joules
from engine.wafer.figures import waferllm
from engine.wafer.figures.dedicated_training import OPTIMIZERS, DedicatedTraining
from engine.wafer.figures.prediction import LARGEST_SIZE, Prediction, check_choice, check_size
from engine.wafer.figures.spreads import spread
from engine.wafer.figures.streamed_training import KEPT, StreamedTraining
from engine.wafer.figures.training_layout import TrainingLayout
from engine.wafer.place.model_shape import ModelShape, model_shape
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "LAYOUTS", "PlannedLayout", "TrainingQuestion", "cycles_of", "fastest_streamed", "plan_layouts",
    "priced_shape", "train_step",
]  # fmt: skip

LAYOUTS = ("resident", "streamed")
"""Weights, gradients and optimisers in the cores; or weights from outside, a layer at a time."""

_SIDES = (64, 128, 256, 512)
"""Cores along a block's edge that are tried."""
_HEAD_BLOCKS = (1, 2, 4, 8, 16, 32)
_MOST_WAFERS = 64


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """A step of training: rows of tokens, and what of the placement is given."""

    rows: int
    """Of the batch."""
    tokens: int
    """Of a row."""
    side: int | None = None
    """P, cores along a resident block's edge; None: what takes the fewest cycles."""
    blocks: int | None = None
    """Resident blocks of layers; None: as many as lie on the wafers, at most one a layer."""
    optimizer: str = "muon"
    """One of `OPTIMIZERS`."""
    layout: str | None = None
    """One of `LAYOUTS`; None: the faster of those that one wafer holds."""
    micro_batch: int | None = None
    """Rows that are on a streamed wafer at once; None: what takes the fewest cycles."""

    def check(self, model: ModelShape, context: int) -> None:
        """Refuse sizes that make no sense.

        Raises:
            PredictionError: The first of them.
        """
        check_size("tokens", self.tokens, context, "the model's own context")
        check_size("rows", self.rows, LARGEST_SIZE, "rows of a batch")
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("layout", self.layout or LAYOUTS[0], LAYOUTS)
        if self.blocks is not None:
            check_size("blocks", self.blocks, model.layers, "layers")
        if self.micro_batch is not None:
            check_size("micro-batch", self.micro_batch, self.rows, "rows of the batch")


def train_step(graph: ModelGraph, machine: MachineSpec, question: TrainingQuestion) -> Prediction:
    """Return the cycles of a training step.

    Args:
        graph: The model; no weights are needed.
        machine: The chip.
        question: How much is learnt, and what of the placement is given.

    Raises:
        PlacementError: It fits on no number of wafers; the message names what is in the way.
        PredictionError: A size makes no sense.
    """
    model = priced_shape(graph)
    question.check(model, graph.context_length)
    placed = _placed(model, machine, question)
    phases = placed.phases(machine)
    cycles = waferllm.total(phases)
    return Prediction(
        cycles,
        "analytic",
        machine,
        False,
        {"model": graph.name, **_found(placed, machine, cycles, question)},
        phases,
        spread=spread(machine.name, f"train-step, {placed.name}"),
    )


def priced_shape(graph: ModelGraph) -> ModelShape:
    """Return a graph's sizes in fp16, for pricing only."""
    return model_shape(graph, uniform_formats(graph.weights, FP16), runs=False)


def _found(
    placed: TrainingLayout, machine: MachineSpec, cycles: int, question: TrainingQuestion
) -> dict[str, object]:
    """Return the placement and the rates, as JSON has them."""
    macs = placed.macs()
    energy = joules(machine, cycles, macs=macs, cores=placed.cores, wafers=placed.wafers)
    return {
        "rows": placed.rows,
        "tokens": placed.tokens,
        "dtype": FP16.name,
        "optimizer": question.optimizer,
        "layout": placed.name,
        **placed.placed(),
        "wafers": placed.wafers,
        "cores": placed.cores,
        **_rates(placed, machine, cycles),
        "macs": macs,
        "sram_bytes": placed.sram_bytes(machine),
        "joules": energy.as_json(),
        **placed.traffic(machine).as_json(),
        "bit_exact": False,
    }


def _rates(placed: TrainingLayout, machine: MachineSpec, cycles: int) -> dict[str, object]:
    """Return the tokens a second, and of the peak of the wafers what was needed."""
    learnt = placed.rows * placed.tokens
    rate = learnt * tokens_per_second(cycles, Gigahertz(machine.clock_ghz))
    needed = 2 * placed.macs() * rate / learnt
    return {
        "tokens_per_second": rate,
        "utilisation": needed / (machine.peak_flops * placed.wafers),
    }


def _placed(model: ModelShape, machine: MachineSpec, question: TrainingQuestion) -> TrainingLayout:
    """Return the layout that was asked for; else the one with the fewest cycles on one wafer."""
    if question.layout == "streamed":
        return fastest_streamed(model, machine, question)
    if question.layout == "resident" or question.side or question.blocks:
        return _fewest_wafers(model, machine, question)
    resident = _fastest_resident(model, machine, question, 1)
    try:
        streamed = fastest_streamed(model, machine, question)
    except PlacementError:
        return resident or _fewest_wafers(model, machine, question)
    found = [each for each in (resident, streamed) if each is not None]
    return min(found, key=lambda each: cycles_of(each, machine))


def cycles_of(placed: TrainingLayout, machine: MachineSpec) -> int:
    """Return the cycles of a step."""
    return waferllm.total(placed.phases(machine))


# ── in the cores ────────────────────────────────────────────────────────────────────────────


def _fewest_wafers(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion
) -> DedicatedTraining:
    for wafers in range(1, _MOST_WAFERS + 1):
        found = _fastest_resident(model, machine, question, wafers)
        if found is not None:
            return found
    raise PlacementError(_refusal(model, machine, question))


def _fastest_resident(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion, wafers: int
) -> DedicatedTraining | None:
    tried = _on_wafers(model, machine, question, wafers)
    fitting = [each for each in tried if lacking(each, machine) <= 0]
    return min(fitting, key=lambda each: cycles_of(each, machine), default=None)


def _sides(machine: MachineSpec, question: TrainingQuestion) -> list[int]:
    most = min(machine.columns, machine.rows)
    if question.side is None:
        return [side for side in _SIDES if side <= most] or [most]
    check_size("side", question.side, most, f"cores a side on {machine.name}")
    return [question.side]


def _on_wafers(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion, wafers: int
) -> Iterator[DedicatedTraining]:
    """Yield what could be placed on so many wafers, whether its cores hold it or not."""
    for side in _sides(machine, question):
        squares = (machine.columns // side) * (machine.rows // side) * wafers
        for head, recompute in product(_HEAD_BLOCKS, (False, True)):
            blocks = question.blocks or min(squares - head, model.layers)
            if 0 < blocks <= squares - head:
                yield DedicatedTraining(
                    model, side, blocks, head, question.rows, question.tokens, recompute, wafers,
                    question.optimizer,
                )  # fmt: skip


def lacking(placed: TrainingLayout, machine: MachineSpec) -> int:
    """Return the bytes of SRAM that the fullest core lacks; at most 0 where all fits."""
    fullest = max(sum(uses.values()) for uses in placed.sram_bytes(machine).values())
    return fullest - machine.sram_bytes


def _refusal(
    model: ModelShape,
    machine: MachineSpec,
    question: TrainingQuestion,
    wafers: int = _MOST_WAFERS,
) -> str:
    tried = list(_on_wafers(model, machine, question, wafers))
    what = f"a step of {question.rows} × {question.tokens:,} tokens"
    if not tried:
        return (
            f"{what}: {machine.name} has no room for blocks of {_sides(machine, question)[0]}² "
            "cores: use fewer cores a side or fewer blocks"
        )
    nearest = min(tried, key=lambda each: lacking(each, machine))
    on = f"{wafers} wafer{'s' * (wafers > 1)}, in blocks of {nearest.side}² cores"
    return f"{what} on {on}: {_what_lacks(nearest, machine)}"


def _what_lacks(placed: TrainingLayout, machine: MachineSpec) -> str:
    part, uses = max(placed.sram_bytes(machine).items(), key=lambda item: sum(item[1].values()))
    largest = max(uses, key=lambda use: uses[use])
    shares = ", ".join(f"{name} {size:,}" for name, size in uses.items())
    return (
        f"a core of the {part} needs {sum(uses.values()):,} bytes of SRAM and {machine.name} has "
        f"{machine.sram_bytes:,} ({shares}): most is {largest}; use "
        f"{_REMEDIES.get(largest, 'more cores a side')}"
    )


_REMEDIES = {
    "activations kept": "shorter rows or fewer of them",
    "a layer at work": "shorter rows or more cores a side",
    "logits": "shorter rows or more cores a side",
    "code": "a machine with more SRAM a core",
}


# ── from outside ────────────────────────────────────────────────────────────────────────────


def fastest_streamed(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion
) -> StreamedTraining:
    """Return the streamed placement with the fewest cycles.

    Raises:
        PlacementError: Not one row fits beside its program.
    """
    fitting = list(_streamed(model, machine, question))
    if fitting:
        return min(fitting, key=lambda each: cycles_of(each, machine))
    least = question.micro_batch or 1
    nearest = StreamedTraining(
        model, machine.columns, machine.rows, question.rows, question.tokens, least, "nothing"
    )
    raise PlacementError(
        f"a step of {question.rows} × {question.tokens:,} tokens, weights from outside, {least} "
        f"rows at once: {_what_lacks(nearest, machine)}"
    )


def _streamed(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion
) -> Iterator[StreamedTraining]:
    """Yield what fits, by axis of the features, what is kept, and rows at once."""
    axes = {(machine.columns, machine.rows), (machine.rows, machine.columns)}
    asked: Sequence[int] = range(1, question.rows + 1)
    if question.micro_batch is not None:
        asked = [question.micro_batch]
    for (features, columns), kept in product(sorted(axes), KEPT):
        for rows in asked:
            placed = StreamedTraining(
                model, features, columns, question.rows, question.tokens, rows, kept
            )
            if lacking(placed, machine) > 0:
                break
            yield placed


# ── all of them ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PlannedLayout:
    """A layout in a plan: where it lies, or why it does not."""

    layout: str
    placed: TrainingLayout | None
    """None where one wafer does not hold it."""
    refusal: str
    """What limits it on one wafer, and the nearest change; empty where it fits."""

    def as_json(self, machine: MachineSpec) -> dict[str, object]:
        """Return the object in ``layouts``."""
        answer: dict[str, object] = {"layout": self.layout, "fits_one_wafer": not self.refusal}
        if self.refusal:
            answer["limited_by"] = self.refusal
        if self.placed is None:
            return answer
        cycles = cycles_of(self.placed, machine)
        uses = self.placed.sram_bytes(machine)
        fullest = max(uses.values(), key=lambda each: sum(each.values()))
        return answer | {
            **self.placed.placed(),
            "wafers": self.placed.wafers,
            "cores": self.placed.cores,
            "cycles": cycles,
            "seconds": cycles / machine.clock_hz,
            **_rates(self.placed, machine, cycles),
            **self.placed.traffic(machine).as_json(),
            "phases": {name: round(cost) for name, cost in self.placed.phases(machine) if cost},
            "sram_bytes_per_core": {**fullest, "max_total": sum(fullest.values())},
            "fullest_use": max(fullest, key=lambda use: fullest[use]),
        }


def plan_layouts(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion
) -> list[PlannedLayout]:
    """Return every layout, placed or refused."""
    found = []
    resident = _fastest_resident(model, machine, question, 1)
    if resident is not None:
        found.append(PlannedLayout("resident", resident, ""))
    else:
        found.append(_on_several(model, machine, question))
    try:
        found.append(PlannedLayout("streamed", fastest_streamed(model, machine, question), ""))
    except PlacementError as error:
        found.append(PlannedLayout("streamed", None, str(error)))
    return found


def _on_several(
    model: ModelShape, machine: MachineSpec, question: TrainingQuestion
) -> PlannedLayout:
    """A resident layout that one wafer does not hold, on the fewest that do, if any."""
    why = _refusal(model, machine, question, 1)
    try:
        return PlannedLayout("resident", _fewest_wafers(model, machine, question), why)
    except PlacementError:
        return PlannedLayout("resident", None, why)
