"""A prefill by a program of its own: chunks of a prompt pass blocks of layers one by one.

Tokens lie along the columns of a block, features along its rows; every product is a MeshGEMM, whose
sums come in an order that rotates from core to core.  So it is priced and never run: what runs
streams rows through the layout of decode and has the same bits for any split.

The structure is that of a served prefill kernel (lab notes on a physical CS-3, unreviewed): fused
q, k, v and up, gate; attention a pair of chunks at a time, with online softmax.  The two constants
that it leaves open are fitted (`calibration`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from engine.wafer.cost import lines
from engine.wafer.figures.mesh_products import (
    DedicatedConstants,
    mesh_product,
    shift,
    vector_cycles,
)
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.program.machine import MachineSpec

__all__ = ["CODE_BYTES", "DedicatedPrefill"]

_FP16_BYTES, _FP32_BYTES = 2, 4

CODE_BYTES = 30_664
"""Code of the fullest core in the kernel that was measured [S5]."""


@dataclass(frozen=True, slots=True)
class DedicatedPrefill:
    """A model's layers in blocks of P × P cores, and the chunks that pass them."""

    model: ModelShape
    side: int
    """P."""
    blocks: int
    chunk: int
    """Tokens of a chunk; the last one is padded."""
    tokens: int
    wafers: int = 1

    @property
    def chunks(self) -> int:
        """How many chunks the prompt takes."""
        return ceil(self.tokens / self.chunk)

    @property
    def layers_of_a_block(self) -> int:
        """Layers of the fullest block."""
        return ceil(self.model.layers / self.blocks)

    @property
    def rows(self) -> int:
        """M: tokens of a chunk in one core."""
        return ceil(self.chunk / self.side)

    def operations(
        self, machine: MachineSpec, constants: DedicatedConstants
    ) -> Sequence[tuple[str, float]]:
        """Return the parts of the whole prefill, in cycles; they add up to it.

        Cost (n chunks, L layers, l of the fullest block, a: a layer's products, b: an attention's
        pair of chunks):
            l·Σ s_c over c < n − 1 + L·s_{n−1}, s_c = a + (c + 1)·b: later chunks take longer, so
            the last one never waits for the one before it
        """
        runs = self.layers_of_a_block * (self.chunks - 1) + self.model.layers
        earlier = self.chunks * (self.chunks - 1) // 2
        pairs = self.layers_of_a_block * earlier + self.model.layers * self.chunks

        def product(inner: int, outputs: int) -> float:
            return runs * mesh_product(machine, constants, self.side, self.rows, inner, outputs)

        dim, wide, kv, ffn = self.shares()
        return [
            ("q, k, v", product(dim, wide + 2 * kv)),
            ("scores", pairs * self.scores(machine, constants)),
            ("values", pairs * self.values(machine, constants)),
            ("o", product(wide, dim)),
            ("up, gate", product(dim, self.up_gate)),
            ("down", product(ffn, dim)),
            ("links between wafers", float((self.wafers - 1) * machine.wafer_link_cycles)),
        ]

    def sram_bytes(self, machine: MachineSpec) -> dict[str, int]:
        """Return the bytes of a core of the fullest block, by use."""
        dim, wide, kv, ffn = self.shares()
        tiles = (dim * (wide + 2 * kv), wide * dim, dim * self.up_gate, ffn * dim)
        kept = 2 * kv * ceil(self.tokens / self.side)
        streams = self.rows * (3 * dim + wide + 2 * kv + ffn + self.up_gate)
        return {
            "weights": _FP16_BYTES * sum(tiles) * self.layers_of_a_block,
            "keys and values": _FP16_BYTES * kept * self.layers_of_a_block,
            "activations": _FP16_BYTES * streams + _FP32_BYTES * self.rows * self.up_gate,
            "the second buffer of a product": _FP16_BYTES * (max(tiles) + self.rows * ffn),
            "code": CODE_BYTES,
            "system": machine.system_bytes,
        }

    # ── parts of a layer ────────────────────────────────────────────────────────────────────

    def shares(self) -> tuple[int, int, int, int]:
        """Return a core's features of stream, queries, keys and feed-forward."""
        heads = self.model.attention
        return (
            ceil(self.model.hidden / self.side),
            ceil(heads.heads * heads.head_dim / self.side),
            ceil(heads.kv_heads * heads.head_dim / self.side),
            ceil(self.model.ffn / self.side),
        )

    @property
    def up_gate(self) -> int:
        """A core's features of up, and of the gate where there is one."""
        return self.shares()[3] * (1 + self.model.gated)

    def _sharing(self) -> int:
        """Query heads that read the same keys and values."""
        heads = self.model.attention
        return ceil(heads.heads / heads.kv_heads)

    def _pair(self, machine: MachineSpec, constants: DedicatedConstants) -> float:
        """A core's part of one step of an attention's product: M keys, M queries."""
        kv = self.shares()[2]
        vector = vector_cycles(machine, constants, self.rows)
        return self._sharing() * kv * self.rows * vector

    def scores(self, machine: MachineSpec, constants: DedicatedConstants) -> float:
        """Return the cycles of Q·Kᵀ of two chunks.

        P steps, each with a chain over the rows that share a KV head.

        Cost:
            P·(products + d + B + σ·(band − 1) + c_att), B = heads·M² sums, while keys move on
        """
        band = max(1, self.side // self.model.attention.kv_heads)
        sums = self._sharing() * self.rows**2
        chain = machine.dispatch_cycles + sums + lines.stage(machine, 1) * (band - 1)
        compute = self._pair(machine, constants)
        return self.side * (compute + chain + constants.attention_step_cycles)

    def values(self, machine: MachineSpec, constants: DedicatedConstants) -> float:
        """Return the cycles of scores times values of two chunks.

        P steps, in which both shifts precede the products.

        Cost:
            P·(shift(scores) + shift(values) + products + c_att)
        """
        kv = self.shares()[2]
        shifts = shift(machine, self._sharing() * self.rows**2) + shift(machine, kv * self.rows)
        compute = self._pair(machine, constants)
        return self.side * (shifts + compute + constants.attention_step_cycles)
