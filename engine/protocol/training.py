"""A step of training on the wafer as a screen shows it: where it lies, and when what works.  Data.

All of it is priced by formula; nobody runs such a step.
"""

import msgspec

__all__ = ["TrainingBlock", "TrainingPass", "TrainingScene"]


class TrainingBlock(msgspec.Struct, frozen=True):
    """A rectangle of cores with a share of the model."""

    label: str
    """``layer 0``, ``layers 2–3``, ``head``."""
    stage: int
    """Number of the stage of the pipeline that it is, or is a part of."""
    column: int
    row: int
    """Of its first core on the wafer."""
    columns: int
    rows: int


class TrainingPass(msgspec.Struct, frozen=True):
    """What a stage does from one cycle of the step to another."""

    stage: int
    kind: str
    """``forward``, ``loss``, ``backward`` or ``optimiser``."""
    what: str
    """Which row of the batch, counted from 1, or which layer; empty: all."""
    start: float
    end: float


class TrainingScene(msgspec.Struct, frozen=True):
    """One step."""

    model: str
    machine: str
    clock_ghz: float
    columns: int
    rows: int
    """Cores of the wafer."""
    layout: str
    """``resident``: weights in the cores, rows of the batch pipelined over blocks; ``streamed``:
    one layer after the other, on all cores."""
    batch: int
    """Rows of a step."""
    tokens: int
    """Of a row."""
    cycles: int
    stages: tuple[str, ...]
    """Their names."""
    blocks: tuple[TrainingBlock, ...]
    passes: tuple[TrainingPass, ...]
    """By stage, each in order."""
    adapters: bool = False
    """Whether only adapters learn: the price is that of all weights."""

    @property
    def cores(self) -> int:
        """That have a share."""
        return sum(block.columns * block.rows for block in self.blocks)

    @property
    def seconds(self) -> float:
        """Of wafer time, by its clock."""
        return self.cycles / (self.clock_ghz * 1e9)
