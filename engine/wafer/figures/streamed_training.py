"""A training step with weights that stream in from outside, a layer at a time.

The whole wafer works on one layer.  Features of a token lie along one axis of the cores, tokens
along the other, and stay; weights come in at the edge, pass all tokens, and each makes every core
that has its input multiply its tokens by it.  Partial sums of an output run along the features.  On
the way back gradients of weights are summed along the tokens and leave.  The optimiser's state is
outside, and so is the optimiser.  This is the vendor's published scheme (Lie, "Cerebras
Architecture Deep Dive", Hot Chips 34, 2022); how its kernels do it is not published.

Priced only.  Assumed: a core multiplies at the rate of `fmachs`, then passes the output's sums on
as pairs of fp16, one after the other; weights and gradients are fp16 outside; norms, rotations and
activations are left out; the outside is never late.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from engine.wafer.cost.vector_instruction import VECTOR_KINDS, elements_per_cycle
from engine.wafer.figures.dedicated_prefill import CODE_BYTES
from engine.wafer.figures.training_layout import FP16, TrainingTraffic, training_macs
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.program.machine import MachineSpec

__all__ = ["EDGE_BYTES_PER_SECOND", "KEPT", "StreamedTraining"]

EDGE_BYTES_PER_SECOND = 150e9
"""Into a wafer, and as much out of it: 12 links of 100 Gbit/s.  Source: the vendor's data sheets of
CS-2 and CS-3."""

KEPT = ("activations", "inputs", "nothing")
"""What of a layer stays in the cores until its way back: all it needs, its inputs alone, from which
the rest is computed again; or its inputs wait outside."""


@dataclass(frozen=True)
class StreamedTraining:
    """A model on one wafer, a layer at a time, and a batch in micro-batches."""

    model: ModelShape
    features: int
    """F, cores along which a token's features lie."""
    columns: int
    """G, cores along which tokens lie."""
    rows: int
    tokens: int
    micro_batch: int
    """Rows that are on the wafer at once."""
    kept: str
    """One of `KEPT`."""

    name = "streamed"
    wafers = 1

    @property
    def cores(self) -> int:
        """All of the rectangle."""
        return self.features * self.columns

    @property
    def micro_batches(self) -> int:
        """How often all layers' weights come."""
        return ceil(self.rows / self.micro_batch)

    @property
    def held(self) -> int:
        """M: tokens of a micro-batch in one core."""
        return ceil(self.micro_batch * self.tokens / self.columns)

    def placed(self) -> dict[str, object]:
        """Return where things are, as JSON has them."""
        return {
            "features_along": self.features, "tokens_along": self.columns,
            "micro_batch": self.micro_batch, "tokens_of_a_core": self.held, "kept": self.kept,
        }  # fmt: skip

    # ── time ────────────────────────────────────────────────────────────────────────────────

    def phases(self, machine: MachineSpec) -> list[tuple[str, float]]:
        """Return the phases of a step in cycles; they add up.

        Cost (b micro-batches, L layers; of a layer f forward, g backward, w and d the cycles in
        which its weights and its gradients pass the edge, x those of its inputs):
            b · L · (max(f, w [+ x]) + max([f +] g, w + d [+ x])) + the head's
        """
        forward, backward = self._forward(machine), self._backward(machine)
        again = 0.0 if self.kept == "activations" else forward
        weights = self._edge(machine, FP16 * self._layer_weights)
        inputs = 0.0
        if self.kept == "nothing":
            of_a_layer = FP16 * self.micro_batch * self.tokens * self.model.hidden
            inputs = self._edge(machine, of_a_layer)
        head = self._product(machine, self.model.hidden, self.model.vocabulary)
        head_back = self._returned(machine, self.model.hidden, self.model.vocabulary)
        edge = self._edge(machine, FP16 * self.model.hidden * self.model.vocabulary)
        layers = self.micro_batches * self.model.layers
        waits = max(0.0, weights + inputs - forward)
        waits += max(0.0, 2 * weights + inputs - again - backward)
        waits_of_head = max(0.0, edge - head) + max(0.0, 2 * edge - head_back)
        return [
            ("forward", layers * forward),
            ("forward again", layers * again),
            ("backward", layers * backward),
            ("head and loss", self.micro_batches * (head + head_back)),
            ("waiting for the edge", layers * waits + self.micro_batches * waits_of_head),
        ]

    def _edge(self, machine: MachineSpec, size: float) -> float:
        return size / EDGE_BYTES_PER_SECOND * machine.clock_hz

    def _vector(self, machine: MachineSpec) -> float:
        """v: a multiply–accumulate of a core's tokens."""
        rate = elements_per_cycle(machine, VECTOR_KINDS["fmachs"], self.held)
        return ceil(self.held / rate) + machine.vector_overhead_cycles

    def _pairs(self, machine: MachineSpec) -> float:
        """A number of every token of a core, two a wavelet, passed on with an addition."""
        pace = max(machine.inject_cycles_per_wavelet, machine.add_fp16_cycles_per_wavelet)
        return ceil(self.held / 2) * pace

    def _product(self, machine: MachineSpec, inputs: int, outputs: int) -> float:
        """N · (k·v + sums), k = ⌈K / F⌉, and the way over the wafer."""
        share = ceil(inputs / self.features)
        way = (self.features + self.columns) * machine.hop_cycles
        return outputs * (share * self._vector(machine) + self._pairs(machine)) + way

    def _returned(self, machine: MachineSpec, inputs: int, outputs: int) -> float:
        """The inputs' gradient, a product; and the weights': N · (gradient in + k·v + k sums)."""
        share = ceil(inputs / self.features)
        sums = max(machine.inject_cycles_per_wavelet, machine.add_fp32_cycles_per_wavelet)
        of_an_output = self._pairs(machine) + share * (self._vector(machine) + sums)
        return self._product(machine, outputs, inputs) + outputs * of_an_output

    def _products(self) -> list[tuple[int, int]]:
        m, heads = self.model, self.model.attention
        wide, kv = heads.heads * heads.head_dim, heads.kv_heads * heads.head_dim
        up = (1 + m.gated) * m.ffn
        return [(m.hidden, wide + 2 * kv), (wide, m.hidden), (m.hidden, up), (m.ffn, m.hidden)]

    def _forward(self, machine: MachineSpec) -> float:
        products = sum(self._product(machine, k, n) for k, n in self._products())
        return products + self._scores(machine) + self._values(machine)

    def _backward(self, machine: MachineSpec) -> float:
        """Two products for each, and the five of attention, as in `dedicated_training`."""
        products = sum(self._returned(machine, k, n) for k, n in self._products())
        return products + 2 * self._scores(machine) + 3 * self._values(machine)

    def _scores(self, machine: MachineSpec) -> float:
        """Every key of a row passes all its tokens; sums run along the cores of a head."""
        heads = self.model.attention
        share = ceil(heads.heads * heads.head_dim / self.features)
        sums = ceil(share / heads.head_dim) * self._pairs(machine)
        return self.tokens * (share * self._vector(machine) + sums)

    def _values(self, machine: MachineSpec) -> float:
        heads = self.model.attention
        share = ceil(heads.heads * heads.head_dim / self.features)
        return self.tokens * share * self._vector(machine)

    # ── memory and traffic ──────────────────────────────────────────────────────────────────

    @cached_property
    def _layer_weights(self) -> int:
        return sum(k * n for k, n in self._products())

    def sram_bytes(self, machine: MachineSpec) -> dict[str, dict[str, int]]:
        """Return the bytes of a core by use; all are alike."""
        m, heads = self.model, self.model.attention
        dim, ffn = ceil(m.hidden / self.features), ceil(m.ffn / self.features)
        wide = ceil(heads.heads * heads.head_dim / self.features)
        kv = ceil(heads.kv_heads * heads.head_dim / self.features)
        activations = 4 * dim + 3 * wide + 2 * kv + (2 + 2 * m.gated) * ffn
        kept = {"activations": activations, "inputs": dim, "nothing": 0}[self.kept]
        return {
            "layer": {
                "activations kept": FP16 * self.held * kept * m.layers,
                "a layer at work": 2 * FP16 * self.held * activations,
                "code": CODE_BYTES,
                "system": machine.system_bytes,
            }
        }

    def macs(self) -> int:
        """Return the multiply–accumulates that any computer needs."""
        return training_macs(self.model, self.rows, self.tokens)

    def traffic(self, machine: MachineSpec) -> TrainingTraffic:
        """Weights cross every link along the tokens, sums every link along the features."""
        m, heads = self.model, self.model.attention
        wide, kv = heads.heads * heads.head_dim, heads.kv_heads * heads.head_dim
        passes = 2 if self.kept == "activations" else 3
        weights = m.layers * self._layer_weights
        head = m.hidden * m.vocabulary
        batch = self.micro_batch * self.tokens
        outputs = sum(n + k for k, n in self._products()) * m.layers * passes / 2
        sums = (outputs + 3 * m.vocabulary) * batch * self.features
        ways = passes * weights + 2 * head
        moved = FP16 * (ways * self.columns + sums) + FP16 * (weights + head) * self.columns
        keys = m.layers * (passes + 1) * 2 * kv * batch * self.tokens / 2
        moved += FP16 * (keys + m.layers * heads.heads * batch * self.tokens * wide / m.hidden)
        outside = FP16 * (2 * (weights + head) + weights + head)
        if self.kept == "nothing":
            outside += 2 * FP16 * batch * m.hidden * m.layers
        tokens = 4 * self.rows * self.tokens
        times = self.micro_batches
        return TrainingTraffic(times * outside + tokens, times * moved, 0)
