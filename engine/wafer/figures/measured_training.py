"""Training steps that others measured on CS-2 and CS-3: weights streamed from outside.

All are logs printed in the documentation of Argonne's AI testbed [S15], "Example programs", of the
vendor's own implementations (Model Zoo) and software.  Rates are means over the run, as printed.
"""

from dataclasses import dataclass

from engine.wafer.ops.attention import AttentionShape
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.place.weight_formats import WeightFormats

__all__ = ["MEASURED_TRAINING", "MeasuredTraining"]

_UNUSED = WeightFormats({}, {})
"""Training is priced in fp16 throughout."""

LLAMA_2_7B = ModelShape(
    4096, 11_008, 32, 32_000, tied=False, attention=AttentionShape(32, 32, 128), angles=128,
    formats=_UNUSED,
)  # fmt: skip
"""Touvron et al., "Llama 2" (2023), and the printed configuration."""

GPT_J_6B = ModelShape(
    4096, 16_384, 28, 50_400, tied=False, attention=AttentionShape(16, 16, 256), angles=64,
    formats=_UNUSED, gated=False,
)  # fmt: skip
"""Wang and Komatsuzaki, "GPT-J-6B" (2021).  Its attention and feed-forward read the same norm."""


@dataclass(frozen=True, slots=True)
class MeasuredTraining:
    """A run of training."""

    name: str
    machine: str
    systems: int
    """Data-parallel."""
    model: ModelShape
    batch: int
    """Samples of a step on all systems."""
    tokens: tuple[int, ...]
    """Of a sample; several where the source leaves it open."""
    about_tokens: str
    """Where that comes from."""
    samples_per_second: float
    source: str


_SOURCE = "ALCF AI testbed documentation, example programs"
_LLAMA_TOKENS = "the configuration has 4,096; how long the data's samples are is not printed"
_GPT_J_TOKENS = "the model's context"

MEASURED_TRAINING = (
    MeasuredTraining(
        "Llama 2 7B", "wse3", 1, LLAMA_2_7B, 1024, (4096, 2048), _LLAMA_TOKENS, 31.99,
        f"{_SOURCE} (2025-10-13)",
    ),
    MeasuredTraining(
        "Llama 2 7B", "wse2", 1, LLAMA_2_7B, 99, (4096, 2048), _LLAMA_TOKENS, 20.47,
        f"{_SOURCE} (2024-03-21)",
    ),
    MeasuredTraining(
        "GPT-J 6B", "wse3", 1, GPT_J_6B, 120, (2048,), _GPT_J_TOKENS, 44.75,
        f"{_SOURCE} (2025-10-10)",
    ),
    MeasuredTraining(
        "GPT-J 6B", "wse2", 2, GPT_J_6B, 120, (2048,), _GPT_J_TOKENS, 43.67,
        f"{_SOURCE} (2023-11-29)",
    ),
)  # fmt: skip
"""None is fitted on.  Of Llama's samples, 2,048 tokens would make both models' shares of the peak
alike on each machine (23 and 27 % on a CS-3, 31 and 28 % on a CS-2); 4,096 would double Llama's."""
