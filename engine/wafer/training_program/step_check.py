"""Runs a training step of random weights three times and compares: host, fabric, reference.

Weights and tokens are drawn here from a seed; no model's own are read.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.model.graph import ModelGraph
from engine.wafer.program.machine import MachineSpec
from engine.wafer.training_program import host_runner
from engine.wafer.training_program.core_memories import CoreMemories
from engine.wafer.training_program.core_words import CoreWords
from engine.wafer.training_program.cycle_step import colors_of, simulate_step
from engine.wafer.training_program.muon_text import MuonRates
from engine.wafer.training_program.optimiser_text import AdamWRates
from engine.wafer.training_program.reference_step import ReferenceStep
from engine.wafer.training_program.step_price import orders_of, step_cycles, traffic
from engine.wafer.training_program.trained_model import trained_model
from engine.wafer.training_program.training_program import training_program

__all__ = ["TrainingCheck", "check_step"]

_RATES, _MUON_RATES = AdamWRates(step=1, rate=0.01, decay=0.1), MuonRates(rate=0.02)
_SPREAD = 0.3
"""Standard deviation of a matrix's random weights, large enough that every gradient shows."""


@dataclass(frozen=True, slots=True)
class TrainingCheck:
    """What three runs of a step had in common."""

    model: str
    machine: str
    columns: int
    rows: int
    tokens: int
    words_compared: int
    """Of all cores' memories, host against fabric."""
    first_difference: str
    """Where the first word differs, empty where none does."""
    tensors_compared: int
    """Gradients and stepped weights, host against reference."""
    differing_tensors: tuple[str, ...]
    loss: float
    """Nats a token."""
    cycles_analytic: int
    cycles_simulated: int
    wavelets: int
    links: int
    links_counted: int
    """By the instructions."""
    colors: tuple[int, int]
    """Most that a core takes, and gives."""
    sram_bytes: dict[str, int]
    fits: bool

    @property
    def relative_error(self) -> float:
        """The formula's cycles over the simulated ones, less 1."""
        return self.cycles_analytic / self.cycles_simulated - 1

    @property
    def holds(self) -> bool:
        """Whether all bits are the same, and cycles within 5 %."""
        same = not self.first_difference and not self.differing_tensors
        return same and abs(self.relative_error) <= 0.05


def check_step(
    graph: ModelGraph,
    machine: MachineSpec,
    *,
    columns: int,
    rows: int,
    tokens: int,
    optimizer: str = "adamw",
    seed: int = 0,
) -> TrainingCheck:
    """Run a step of one row of tokens three times.

    Args:
        graph: The model's; its weights are drawn.
        machine: The chip.
        columns: Columns of cores.
        rows: Rows of cores.
        tokens: Of the row.
        optimizer: ``"muon"`` for the matrices of layers, or ``"adamw"`` for all.
        seed: Of weights and tokens.

    Raises:
        PlacementError: The rectangle does not divide the model, or no instructions are known for
            an operation.  What a core's memory does not hold is told, not refused.
    """
    model, rng = trained_model(graph), np.random.default_rng(seed)
    muon_rates = _MUON_RATES if optimizer == "muon" else None
    program = training_program(
        model, machine, columns=columns, rows=rows, tokens=tokens, rates=_RATES,
        muon_rates=muon_rates,
    )  # fmt: skip
    share, orders = program.share, orders_of(program.share)
    tensors = {
        name: (_SPREAD * rng.standard_normal(shape) + (len(shape) == 1)).astype(np.float32)
        for name, shape in graph.weights.items()
    }
    read, follow = rng.integers(0, graph.vocabulary, (2, tokens))
    counts = np.full(tokens, 1 / tokens, np.float32)
    memories = CoreMemories(program, tensors)
    memories.write_row(read, follow, counts)
    simulated = memories.words.copy()
    host_runner.run(program.row, memories.words, orders)
    slow = ReferenceStep(share, tensors, orders)
    slow.add_row(read, follow, counts)
    differing = _differing(memories.gradients(), slow.gradients)
    host_runner.run(program.optimiser, memories.words, orders)
    differing += _differing(memories.weights(), slow.stepped(_RATES, muon_rates))
    whole = program.row + program.optimiser
    ran = simulate_step(share, whole, simulated)
    use, uses = colors_of(share, whole), program.sram_bytes()
    return TrainingCheck(
        model=graph.name,
        machine=machine.name,
        columns=columns,
        rows=rows,
        tokens=tokens,
        words_compared=simulated.size,
        first_difference=_first(program.memory, memories.words, simulated),
        tensors_compared=2 * len(tensors),
        differing_tensors=tuple(differing),
        loss=memories.loss(counts),
        cycles_analytic=step_cycles(share, whole),
        cycles_simulated=ran.cycles,
        wavelets=ran.wavelets,
        links=ran.links,
        links_counted=traffic(share, whole).hops,
        colors=(_most(use.counted(use.taken)), _most(use.counted(use.given))),
        sram_bytes=uses,
        fits=sum(uses.values()) <= machine.sram_bytes,
    )


def _most(counted: NDArray[np.int64]) -> int:
    return int(counted.max())


def _differing(
    one: dict[str, NDArray[np.float32]], other: dict[str, NDArray[np.float32]]
) -> list[str]:
    """Return the names of tensors that have not the same bits."""
    return [
        name
        for name, tensor in one.items()
        if not np.array_equal(tensor.view(np.int32), other[name].view(np.int32))
    ]


def _first(memory: CoreWords, host: NDArray[np.float32], fabric: NDArray[np.float32]) -> str:
    """Return the first word that differs by its core and the stretch that it lies in."""
    apart = np.argwhere(host.view(np.int32) != fabric.view(np.int32))
    if not apart.size:
        return ""
    row, column, word = (int(each) for each in apart[0])
    inside = [
        f"{name}[{word - first}]"
        for name, (first, size) in memory.places.items()
        if first <= word < first + size
    ]
    return (
        f"core ({column}, {row}), {inside[0]}: {host[row, column, word]!s} on the host, "
        f"{fabric[row, column, word]!s} on the fabric"
    )
