"""TrainingProgram: the instructions of a training step on one rectangle of cores, and their memory.

A row of the batch is a micro-batch: its tokens go forward one by one, meet their loss, and come
back last first.  Rows differ only in what the host writes; the optimiser ends a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import PlacementError
from engine.wafer.ops.site import ALL
from engine.wafer.program.machine import MachineSpec
from engine.wafer.training_program.attention_text import AttentionText
from engine.wafer.training_program.core_share import CoreShare
from engine.wafer.training_program.core_words import CoreWords
from engine.wafer.training_program.instructions import TrainingInstruction
from engine.wafer.training_program.layer_text import HeadText, LayerText
from engine.wafer.training_program.muon_text import MuonRates, TextShare, muon, muon_sample
from engine.wafer.training_program.optimiser_text import AdamWRates, adamw
from engine.wafer.training_program.program_text import ProgramText, number
from engine.wafer.training_program.trained_model import TrainedModel

__all__ = ["WORD_BYTES", "TrainingProgram", "training_program"]

WORD_BYTES = 4

_REMEDIES = {
    "activations": "shorter rows of tokens, or more cores",
    "host": "shorter rows of tokens, or more columns of cores",
    "buffers": "more cores",
}


@dataclass(frozen=True, slots=True)
class TrainingProgram:
    """A training step as instructions over a rectangle of cores."""

    share: CoreShare
    forward: tuple[TrainingInstruction, ...]
    """All tokens of a row, embedding to loss, and the loss's way back to the last layer."""
    backward: tuple[TrainingInstruction, ...]
    """All tokens of a row from the last layer to the embedding, last first."""
    optimiser: tuple[TrainingInstruction, ...]
    memory: CoreWords
    sampled: tuple[TextShare, ...] = ()
    """Muon's steps, where only a price is wanted: they are not in ``optimiser``."""

    @property
    def row(self) -> tuple[TrainingInstruction, ...]:
        """What a row of the batch takes."""
        return self.forward + self.backward

    def sram_bytes(self) -> dict[str, int]:
        """Return the bytes of a core by use; all cores are alike."""
        machine = self.share.machine
        used = {name: WORD_BYTES * words for name, words in self.memory.by_use().items()}
        return used | {"code": machine.code_bytes, "system": machine.system_bytes}

    def check(self) -> None:
        """Refuse what a core's memory does not hold.

        Raises:
            PlacementError: With the bytes by use, what limits it and the nearest change.
        """
        uses, machine = self.sram_bytes(), self.share.machine
        needed = sum(uses.values())
        if needed <= machine.sram_bytes:
            return
        largest = max(self.memory.by_use(), key=lambda use: uses[use])
        shares = ", ".join(f"{name} {size:,}" for name, size in uses.items())
        raise PlacementError(
            f"a training step on {self.share.columns} × {self.share.rows} cores: each needs "
            f"{needed:,} bytes of SRAM and {machine.name} has {machine.sram_bytes:,} ({shares}): "
            f"most is {largest}; use {_REMEDIES.get(largest, 'more cores')}"
        )


def training_program(
    model: TrainedModel,
    machine: MachineSpec,
    *,
    columns: int,
    rows: int,
    tokens: int,
    rates: AdamWRates,
    muon_rates: MuonRates | None = None,
    written: Sequence[int] | None = None,
) -> TrainingProgram:
    """Return the program of a step.

    Args:
        model: What is trained.
        machine: The chip.
        columns: Columns of cores; they divide KV heads, feed-forward and vocabulary.
        rows: Rows of cores; they divide the stream's width.
        tokens: Of a row of the batch.
        rates: Of AdamW.
        muon_rates: Of Muon, which then moves the matrices of layers; None: AdamW moves all.
        written: Tokens that are written down, ascending, for a price, and Muon's step then as a
            sample; None: all, to run.

    Raises:
        PlacementError: The rectangle does not divide the model.
    """
    text = ProgramText(CoreShare(machine, model, rows, columns, tokens))
    head, layers = HeadText(text), [LayerText(text, each) for each in range(len(model.layers))]
    for layer in layers:
        _clear(text, layer.attention)
    whole, written = written is None, range(tokens) if written is None else written
    for token in written:
        head.embed(token)
        for layer in layers:
            layer.forward(token)
        head.learn(token)
    forward = _taken(text)
    for token in reversed(written):
        gradient = head.gradient(token)
        for layer in reversed(layers):
            layer.backward(token, gradient)
        head.embed_back(token, gradient)
    backward = _taken(text)
    sampled = _optimise(text, layers, rates, muon_rates, whole=whole)
    return TrainingProgram(text.share, forward, backward, _taken(text), text.memory, tuple(sampled))


def _optimise(
    text: ProgramText,
    layers: list[LayerText],
    rates: AdamWRates,
    muon_rates: MuonRates | None,
    *,
    whole: bool,
) -> list[TextShare]:
    """Write the optimisers; return what stands for Muon's text where that is not written whole."""
    if muon_rates is None:
        adamw(text, rates)
        return []
    sampled = []
    stacks = [stack for layer in layers for stack in layer.matrices()]
    for tile, widths in stacks:
        if whole:
            muon(text, tile, widths, muon_rates)
        else:
            sampled.append(muon_sample(text, tile, widths, muon_rates))
    adamw(text, rates, {tile.name for tile, _ in stacks})
    return [share for stack in sampled for share in stack]


def _clear(text: ProgramText, attention: AttentionText) -> None:
    words = text.memory.size(f"kv gradient {attention.layer}")
    place = attention.cache_gradient
    text.work(ALL, number("move", place, place, 0.0, words))


def _taken(text: ProgramText) -> tuple[TrainingInstruction, ...]:
    """Return what was written since the last call."""
    written = tuple(text.instructions)
    text.instructions.clear()
    return written
