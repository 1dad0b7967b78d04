"""The rectangle of cores on which a training program takes the fewest cycles, and fits.

A program's text grows with tokens and layers, so only its first and last token are written: a
token's cycles grow evenly with the positions before it, and the memory map is whole from the first
on.  Of Muon's step the first, the middle and the last row stand for all.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import gcd

from engine.errors import PlacementError
from engine.wafer.program.machine import MachineSpec
from engine.wafer.training_program.core_share import CoreShare
from engine.wafer.training_program.cycle_step import colors_of
from engine.wafer.training_program.muon_text import MuonRates
from engine.wafer.training_program.optimiser_text import AdamWRates
from engine.wafer.training_program.step_price import step_cycles, traffic
from engine.wafer.training_program.trained_model import TrainedModel
from engine.wafer.training_program.training_program import (
    WORD_BYTES,
    TrainingProgram,
    training_program,
)

__all__ = ["PricedRectangle", "fastest_rectangle", "optimiser_cycles", "row_cycles"]

_RATES, _MUON_RATES = AdamWRates(1, 1.0), MuonRates(1.0)
"""Any: they change no cycle."""


@dataclass(frozen=True, slots=True)
class PricedRectangle:
    """A training program on one rectangle, priced."""

    program: TrainingProgram
    rows: int
    """Of the batch; one after the other."""
    optimizer: str
    """``"muon"`` for the matrices of layers, or ``"adamw"`` for all."""
    cycles: int

    def as_json(self) -> dict[str, object]:
        """Return the object in ``layouts``."""
        share, uses = self.program.share, self.program.sram_bytes()
        sent = traffic(share, self.program.row)
        scale = self.rows * share.tokens / min(2, share.tokens)
        ends = [(1.0, traffic(share, self.program.optimiser))]
        ends += [(each.times, traffic(share, each.instructions)) for each in self.program.sampled]
        wavelets = round(scale * sent.hops + sum(times * end.hops for times, end in ends))
        seconds, use = self.cycles / share.machine.clock_hz, colors_of(share, self.program.row)
        return {
            "optimizer": self.optimizer,
            "columns": share.columns,
            "core_rows": share.rows,
            "wafers": 1,
            "cores": share.rows * share.columns,
            "cycles": self.cycles,
            "seconds": seconds,
            "tokens_per_second": self.rows * share.tokens / seconds,
            "sram_bytes_per_core": {**uses, "max_total": sum(uses.values())},
            "fullest_use": max(uses, key=lambda name: uses[name]),
            "colors_taken": int(use.counted(use.taken).max()),
            "colors_given": int(use.counted(use.given).max()),
            "optimiser_cycles": optimiser_cycles(self.program),
            "sums": round(scale * sent.sums + sum(times * end.sums for times, end in ends)),
            "link_bytes": WORD_BYTES * wavelets,
            "link_wavelets": wavelets,
            "bit_exact": True,
        }


def row_cycles(program: TrainingProgram) -> int:
    """Return the cycles of a row from those of its first and last token alone."""
    share = program.share
    return round(step_cycles(share, program.row) * share.tokens / min(2, share.tokens))


def optimiser_cycles(program: TrainingProgram) -> int:
    """Return the cycles of the optimisers, of which Muon's may be a sample."""
    share = program.share
    cycles = float(step_cycles(share, program.optimiser))
    cycles += sum(each.times * step_cycles(share, each.instructions) for each in program.sampled)
    return round(cycles)


def fastest_rectangle(
    model: TrainedModel, machine: MachineSpec, rows: int, tokens: int, optimizer: str = "adamw"
) -> PricedRectangle:
    """Return the rectangle with the fewest cycles of those whose cores hold a step.

    Args:
        model: What is trained.
        machine: The chip.
        rows: Of the batch, one after the other.
        tokens: Of a row.
        optimizer: ``"muon"`` for the matrices of layers, or ``"adamw"`` for all.

    Raises:
        PlacementError: None does; the message tells of the one with most cores.
    """
    refusal = PlacementError(f"{machine.name} has no rectangle that divides the model evenly")
    found = []
    shares = sorted(_shares(model, machine), key=lambda share: share.rows * share.columns)
    hopeful = [each for each in shares if _least_bytes(each) <= machine.sram_bytes]
    for share in hopeful or shares[-1:]:  # of those without hope one is written, for the refusal
        size = share.rows, share.columns
        try:
            program = _written(model, machine, size, tokens, optimizer)
        except PlacementError:  # Muon's short sides lie on fewer rectangles than the model does
            continue
        try:
            program.check()
        except PlacementError as error:
            refusal = error
            continue
        cycles = rows * row_cycles(program) + optimiser_cycles(program)
        found.append(PricedRectangle(program, rows, optimizer, cycles))
    if not found:
        raise refusal
    return min(found, key=lambda each: each.cycles)


def _written(
    model: TrainedModel, machine: MachineSpec, size: tuple[int, int], tokens: int, optimizer: str
) -> TrainingProgram:
    """Return the program on (rows, columns) of cores, as much of it as a price needs.

    Raises:
        PlacementError: The rectangle does not divide what Muon multiplies.
    """
    rows, columns = size
    return training_program(
        model, machine, columns=columns, rows=rows, tokens=tokens, rates=_RATES,
        muon_rates=_MUON_RATES if optimizer == "muon" else None, written=sorted({0, tokens - 1}),
    )  # fmt: skip


def _least_bytes(share: CoreShare) -> int:
    """Return bytes that a core holds at least: a matrix's words, their gradients and one moment."""
    layer = share.queries + 2 * share.keys + share.gate_up + share.queries + share.ffn
    words = share.stream * (len(share.model.layers) * layer + share.words)
    return 3 * WORD_BYTES * words + share.machine.code_bytes + share.machine.system_bytes


def _shares(model: TrainedModel, machine: MachineSpec) -> Iterator[CoreShare]:
    """Yield shares of one token on rectangles that divide a model evenly and lie on the machine."""
    across = gcd(model.ffn, model.vocabulary)
    for columns in _divisors(across, min(model.kv_heads * model.head_dim // 2, machine.columns)):
        for rows in _divisors(model.hidden, machine.rows):
            with suppress(PlacementError):
                yield CoreShare(machine, model, rows, columns, 1)


def _divisors(number: int, most: int) -> list[int]:
    return [each for each in range(1, min(number, most) + 1) if number % each == 0]
