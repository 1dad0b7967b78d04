"""Qwen3-1.7B as it was served on a physical CS-3, through our planner's costs.

The configuration and the placement of the measurement (lab notes, unreviewed), and what a machine
makes of them.  Which constants follow is `engine.wafer.figures.calibration`'s business.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from engine.model.families.qwen3 import Qwen3Config
from engine.model.graph import ModelGraph
from engine.wafer.figures.decode import Priced, price
from engine.wafer.place.placement import Shape, model_shape, place
from engine.wafer.program.machine import MachineSpec

__all__ = ["BLOCK", "HEAD_COLUMNS", "LAYERS", "LONGEST_CONTEXT", "Measured", "measure", "priced"]

BLOCK = (256, 256)
"""Columns and rows of a block of layers."""

HEAD_COLUMNS = 243
"""Columns of the head: all that two blocks leave beside them, as the planner chooses.  The real one
was as wide as a block, in a band of another form."""

LAYERS = 28

LONGEST_CONTEXT = 22_784
"""The longest sequence its memory held in eight blocks."""

_CONFIG = Qwen3Config(
    hidden_size=2048,
    intermediate_size=6144,
    num_hidden_layers=LAYERS,
    num_attention_heads=16,
    num_key_value_heads=8,
    head_dim=128,
    vocab_size=151_936,
    max_position_embeddings=LONGEST_CONTEXT,
    rms_norm_eps=1e-6,
    rope_theta=1e6,
    tie_word_embeddings=True,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a machine makes of the measured placement."""

    cycles: tuple[int, ...]
    """Of one token after each context asked for."""
    tail_share: float
    """Share of a token's cycles after the layers, at the first of them."""


@lru_cache(maxsize=2)
def graph(context: int = LONGEST_CONTEXT) -> ModelGraph:
    """Return the model's graph, for at most ``context`` rows of the KV cache."""
    return replace(_CONFIG, max_position_embeddings=context).graph("Qwen3-1.7B")


@lru_cache(maxsize=8)
def priced(machine: MachineSpec, blocks: int = 8, context: int = LONGEST_CONTEXT) -> Priced:
    """Return the model in ``blocks`` blocks of 256 × 256 cores, with room for ``context`` rows.

    Raises:
        PlacementError: They do not fit.
    """
    model = model_shape(graph(context), runs=False)
    shape = Shape(*BLOCK, HEAD_COLUMNS, blocks)
    placement = place(model, machine, shape, context, runs=False)
    return price(graph(context), machine, placement)


def measure(
    machine: MachineSpec, task_cycles: int, sample_cycles: float, contexts: tuple[int, ...]
) -> Measured:
    """Return what a machine with these two constants would take in eight blocks."""
    spec = replace(machine, task_cycles=task_cycles, sample_cycles_per_logit=sample_cycles)
    model = priced(spec)
    cycles = tuple(model.step_cycles(context) for context in contexts)
    return Measured(cycles, model.head_cycles / cycles[0])
