"""The rectangle of cores on which a training program takes the fewest cycles, and fits.

A program's text grows with tokens and layers, so only its first and last token are written: a
token's cycles grow evenly with the positions before it, and the memory map is whole from the first
on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import PlacementError
from engine.wafer.program.machine import MachineSpec
from engine.wafer.training_program.core_share import CoreShare
from engine.wafer.training_program.cycle_step import colors_of
from engine.wafer.training_program.optimiser_text import AdamWRates
from engine.wafer.training_program.step_price import step_cycles, traffic
from engine.wafer.training_program.trained_model import TrainedModel
from engine.wafer.training_program.training_program import TrainingProgram, training_program

__all__ = ["PricedRectangle", "fastest_rectangle", "row_cycles"]

_RATES = AdamWRates(1, 1.0)
"""Any: they change no cycle."""


@dataclass(frozen=True, slots=True)
class PricedRectangle:
    """A training program on one rectangle, priced."""

    program: TrainingProgram
    rows: int
    """Of the batch; one after the other."""
    cycles: int

    def as_json(self) -> dict[str, object]:
        """Return the object in ``layouts``."""
        share, uses = self.program.share, self.program.sram_bytes()
        sent = traffic(share, self.program.row)
        scale = self.rows * share.tokens / 2
        use = colors_of(share, self.program.row)
        return {
            "columns": share.columns,
            "core_rows": share.rows,
            "wafers": 1,
            "cores": share.rows * share.columns,
            "cycles": self.cycles,
            "seconds": self.cycles / share.machine.clock_hz,
            "sram_bytes_per_core": {**uses, "max_total": sum(uses.values())},
            "fullest_use": max(uses, key=lambda name: uses[name]),
            "colors_taken": int(use.counted(use.taken).max()),
            "colors_given": int(use.counted(use.given).max()),
            "sums": round(scale * sent.sums),
            "link_bytes": round(4 * scale * sent.hops),
            "bit_exact": True,
        }


def row_cycles(program: TrainingProgram) -> int:
    """Return the cycles of a row from those of its first and last token alone."""
    share = program.share
    return round(step_cycles(share, program.row) * share.tokens / min(2, share.tokens))


def fastest_rectangle(
    model: TrainedModel, machine: MachineSpec, rows: int, tokens: int
) -> PricedRectangle:
    """Return the rectangle with the fewest cycles of those whose cores hold a step.

    Raises:
        PlacementError: None does; the message tells of the one with most cores.
    """
    refusal = PlacementError(f"{machine.name} has no rectangle that divides the model evenly")
    found = []
    for share_rows, columns in sorted(_sizes(model, machine), key=lambda size: size[0] * size[1]):
        program = training_program(
            model, machine, columns=columns, rows=share_rows, tokens=tokens, rates=_RATES,
            written=sorted({0, tokens - 1}),
        )  # fmt: skip
        try:
            program.check()
        except PlacementError as error:
            refusal = error
            continue
        found.append(_priced(program, rows))
    if not found:
        raise refusal
    return min(found, key=lambda each: each.cycles)


def _priced(program: TrainingProgram, rows: int) -> PricedRectangle:
    end = step_cycles(program.share, program.optimiser)
    return PricedRectangle(program, rows, rows * row_cycles(program) + end)


def _sizes(model: TrainedModel, machine: MachineSpec) -> Iterator[tuple[int, int]]:
    """Yield (rows, columns) that divide a model evenly and lie on the machine."""
    most = model.kv_heads * model.head_dim // 2
    for columns in range(1, min(most, machine.columns) + 1):
        for rows in range(1, min(model.hidden, machine.rows) + 1):
            try:
                CoreShare(machine, model, rows, columns, 1)
            except PlacementError:
                continue
            yield rows, columns
