"""What every priced layout of a training step answers: phases, memory, traffic; and its constants.

A layout says where a step's weights, activations and gradients are; `dedicated_training` keeps all
of them in the cores, `streamed_training` brings weights from outside.
"""

from dataclasses import dataclass
from typing import Protocol

from engine.wafer.place.model_shape import ModelShape
from engine.wafer.program.machine import MachineSpec

__all__ = ["FP16", "FP32", "TrainingLayout", "TrainingTraffic", "training_macs"]

FP16, FP32 = 2, 4
"""Bytes."""
_WAVELET_BYTES = 4
"""Of the data of one."""


@dataclass(frozen=True, slots=True)
class TrainingTraffic:
    """What a step moves."""

    off_chip_bytes: float
    """Between wafers' edges and the outside, both ways: tokens, and weights and gradients where
    they stream."""
    link_bytes: float
    """Bytes times the links between routers that they cross."""
    wafer_wide_sums: int
    """Sums for which all cores wait: the norm of the gradients, where cores keep them."""

    def as_json(self) -> dict[str, object]:
        """Return the fields of a prediction and of a plan."""
        return {
            "off_chip_bytes": round(self.off_chip_bytes),
            "link_bytes": round(self.link_bytes),
            "link_wavelets": round(self.link_bytes / _WAVELET_BYTES),
            "wafer_wide_sums": self.wafer_wide_sums,
        }


class TrainingLayout(Protocol):
    """A step of training, placed."""

    @property
    def name(self) -> str:
        """One word."""

    @property
    def rows(self) -> int:
        """Of the batch."""

    @property
    def tokens(self) -> int:
        """Of a row."""

    @property
    def wafers(self) -> int:
        """How many it takes."""

    @property
    def cores(self) -> int:
        """That have a share."""

    def phases(self, machine: MachineSpec) -> list[tuple[str, float]]:
        """Return the phases of a step in cycles; they add up."""

    def sram_bytes(self, machine: MachineSpec) -> dict[str, dict[str, int]]:
        """Return the bytes of the fullest core by use, of each kind of core."""

    def macs(self) -> int:
        """Return the multiply–accumulates that any computer needs."""

    def traffic(self, machine: MachineSpec) -> TrainingTraffic:
        """Return what it moves."""

    def placed(self) -> dict[str, object]:
        """Return where things are, as JSON has them."""


def training_macs(model: ModelShape, rows: int, tokens: int) -> int:
    """Return the multiply–accumulates of a step that any computer needs: none is repeated.

    Three times a forward pass; of attention half the positions, scores and values.
    """
    heads = model.attention
    wide, kv = heads.heads * heads.head_dim, heads.kv_heads * heads.head_dim
    products = model.hidden * (2 * wide + 2 * kv + (2 + model.gated) * model.ffn)
    attention = wide * (tokens + 1)
    token = model.layers * (products + attention) + model.hidden * model.vocabulary
    return 3 * token * rows * tokens
