"""A training step by a program of its own: rows of a batch pass blocks of layers, and come back.

Weights, their gradients and the optimisers' state stay in the cores.  A micro-batch is one row of
tokens; it goes forward through all blocks, meets its loss in the head's block, and goes back, while
others follow.  Then every core steps its own weights.  Products are those of the dedicated prefill
(MeshGEMM, fp16 with fp32 sums), so all of this is priced and never run, and no training step was
measured to fit it.

The order of forward and backward passes is one forward, one backward (`pipeline_schedule`), and a
step takes as long as that schedule.  Whether the activations of a
layer are kept or computed again on the way back (Chen et al., "Training Deep Nets with Sublinear
Memory Cost", 2016) follows from what fits.
"""

from dataclasses import dataclass
from math import ceil

from engine.wafer.cost import lines
from engine.wafer.figures.calibration import WSE3_DEDICATED
from engine.wafer.figures.dedicated_prefill import CODE_BYTES, DedicatedPrefill
from engine.wafer.figures.mesh_products import DedicatedConstants, mesh_link_bytes, mesh_product
from engine.wafer.figures.pipeline_schedule import PipelineBlock, pipeline_cycles
from engine.wafer.figures.training_layout import FP16, FP32, TrainingTraffic, training_macs
from engine.wafer.figures.waferllm import total
from engine.wafer.ops.site import DIVIDE_OPERATIONS, EXP_OPERATIONS, RECIPROCAL_OPERATIONS
from engine.wafer.ops.site import RSQRT_OPERATIONS as ROOT_OPERATIONS
from engine.wafer.place.model_shape import ModelShape
from engine.wafer.program.machine import MachineSpec

__all__ = ["OPTIMIZERS", "DedicatedTraining"]

OPTIMIZERS = ("muon", "adamw")
"""Muon for the matrices of layers and AdamW for the embedding, as `engine.training`; or AdamW."""

_WEIGHT_BYTES = {"muon": FP16 + 3 * FP32, "adamw": FP16 + 4 * FP32}
"""Of a weight: for products, the one that learns, its gradient's sum, its momentum or moments."""

_MUON_OPERATIONS = 3 + 3 + 4
"""fp32 operations of a matrix's element beside the products: momentum, look-ahead, step."""
_MUON_ITERATIONS = 5
_ADAM_OPERATIONS = 12 + ROOT_OPERATIONS + 1 + RECIPROCAL_OPERATIONS + DIVIDE_OPERATIONS
"""fp32 operations of an element: both moments 7, the corrected root, its quotient, the step 5;
counted in `engine.training.adamw`."""
_LOSS_OPERATIONS = EXP_OPERATIONS + 6
"""fp32 operations of a logit: largest, difference, exponential, sum, quotient, fp16, target."""


@dataclass(frozen=True, slots=True)
class DedicatedTraining:
    """Layers in blocks of P × P cores, the head in further ones, and a batch that passes them."""

    model: ModelShape
    side: int
    """P."""
    blocks: int
    """Of layers."""
    head_blocks: int
    """Each has a share of the vocabulary."""
    rows: int
    """Micro-batches of a step, one row each."""
    tokens: int
    """Of a row."""
    recompute: bool
    """Of a layer only the input is kept, and its activations are computed again on the way back."""
    wafers: int = 1
    optimizer: str = "muon"
    """One of `OPTIMIZERS`."""

    name = "resident"

    @property
    def layers_of_a_block(self) -> int:
        """Layers of the fullest block."""
        return ceil(self.model.layers / self.blocks)

    @property
    def cores(self) -> int:
        """Cores of all blocks, the head's too."""
        return (self.blocks + self.head_blocks) * self.side**2

    def placed(self) -> dict[str, object]:
        """Return where things are, as JSON has them."""
        return {
            "side": self.side, "blocks": self.blocks, "head_blocks": self.head_blocks,
            "recompute": self.recompute,
        }  # fmt: skip

    def phases(
        self, machine: MachineSpec, constants: DedicatedConstants = WSE3_DEDICATED
    ) -> list[tuple[str, float]]:
        """Return the phases of a step as its slowest block sees them, in cycles; they add up.

        Cost (m rows, L layers, l of the fullest block; of a row and a layer f forward, f again
        where it is recomputed, g backward; h of a row in the head):
            m · max(l·(f [+ f] + g), h) of work, + what the schedule takes beside it until the last
            row is back: of alike blocks one row's way through all others and back, and the links
            + norm + the larger of a block's and the head's optimiser
        """
        forward = self._forward(machine, constants)
        backward = self._backward(machine, constants)
        again = forward if self.recompute else 0.0
        layer, head = forward + again + backward, self._head(machine, constants)
        mine = self.layers_of_a_block * layer
        blocks = self.pipeline(machine, constants)
        slowest = max(each.forward + each.backward for each in blocks)
        # From as many rows on as there are blocks, each more takes what the slowest block does.
        rows = min(self.rows, len(blocks))
        filling = pipeline_cycles(blocks, rows) - rows * slowest
        links = 2.0 * (self.wafers - 1) * machine.wafer_link_cycles
        return [
            ("forward", self.rows * self.layers_of_a_block * forward),
            ("forward again", self.rows * self.layers_of_a_block * again),
            ("backward", self.rows * self.layers_of_a_block * backward),
            ("waiting for the head", self.rows * max(0.0, head - mine)),
            ("filling and draining", filling + links),
            ("norm of the gradients", self._norm(machine)),
            ("optimisers", self._optimisers(machine, constants)),
        ]

    def pipeline(
        self, machine: MachineSpec, constants: DedicatedConstants = WSE3_DEDICATED
    ) -> list[PipelineBlock]:
        """Return what a row takes in each block of layers, fullest first, and in the head."""
        backward, forward = self._backward(machine, constants), self._forward(machine, constants)
        back = backward + (forward if self.recompute else 0.0)
        least, more = divmod(self.model.layers, self.blocks)
        layers = [least + (block < more) for block in range(self.blocks)]
        head = self._head(machine, constants)
        there = mesh_product(machine, constants, self.side, self._prefill.rows, self._dim,
                             self._words)  # fmt: skip
        found = [PipelineBlock(count * forward, count * back) for count in layers]
        return [*found, PipelineBlock(there, head - there)]

    def sram_bytes(self, machine: MachineSpec) -> dict[str, dict[str, int]]:
        """Return the bytes of the fullest core by use: of a block of layers, and of the head's."""
        return {"layers": self._layer_bytes(machine), "head": self._head_bytes(machine)}

    def macs(self) -> int:
        """Return the multiply–accumulates of a step that any computer needs: none is repeated."""
        return training_macs(self.model, self.rows, self.tokens)

    def traffic(self, machine: MachineSpec) -> TrainingTraffic:
        """Return what a step moves: operands of products, the stream from block to block."""
        m, side = self._prefill.rows, self.side
        forward = sum(mesh_link_bytes(side, m, k, n) for k, n in self._products())
        backward = sum(self._returned_bytes(k, n) for k, n in self._products())
        scores, values = self._attention_bytes()
        layer = (1 + self.recompute) * (forward + scores + values)
        layer += backward + 2 * scores + 3 * values
        head = mesh_link_bytes(side, m, self._dim, self._words)
        head += self._returned_bytes(self._dim, self._words)
        handed = 2 * self.blocks * side**3 * FP16 * m * self._dim
        row = self.model.layers * layer + self.head_blocks * head + handed
        return TrainingTraffic(2 * FP32 * self.rows * self.tokens, self.rows * row, 1)

    def _returned_bytes(self, k: int, n: int) -> int:
        m = self._prefill.rows
        weights = min(mesh_link_bytes(self.side, k, m, n), mesh_link_bytes(self.side, n, m, k))
        return mesh_link_bytes(self.side, m, n, k) + weights

    def _attention_bytes(self) -> tuple[int, int]:
        """Of scores: keys move two links, sums one; of values: scores and values move two."""
        m, kv = self._prefill.rows, self._prefill.shares()[2]
        heads = self.model.attention
        sums = ceil(heads.heads / heads.kv_heads) * m**2
        cores = self.side**3
        return cores * (2 * FP16 * kv * m + FP32 * sums), cores * 2 * FP16 * (sums + kv * m)

    # ── a row in a layer and in the head ────────────────────────────────────────────────────

    @property
    def _prefill(self) -> DedicatedPrefill:
        """The same row as a prompt of one chunk."""
        return DedicatedPrefill(self.model, self.side, self.blocks, self.tokens, self.tokens)

    def _products(self) -> list[tuple[int, int]]:
        """Inputs and outputs of a core, of a layer's products."""
        dim, wide, kv, ffn = self._prefill.shares()
        return [(dim, wide + 2 * kv), (wide, dim), (dim, self._prefill.up_gate), (ffn, dim)]

    def _forward(self, machine: MachineSpec, constants: DedicatedConstants) -> float:
        return total(self._prefill.operations(machine, constants)) / self.model.layers

    def _backward(self, machine: MachineSpec, constants: DedicatedConstants) -> float:
        """A layer's way back: two products for each, and the five of attention.

        Attention's weights are computed again (one product of scores), their gradient is another;
        those of queries, keys and values are each a product of scores with vectors.
        """
        prefill = self._prefill
        products = sum(self._returned(machine, constants, k, n) for k, n in self._products())
        return (
            products
            + 2 * prefill.scores(machine, constants)
            + 3 * prefill.values(machine, constants)
        )

    def _returned(
        self, machine: MachineSpec, constants: DedicatedConstants, k: int, n: int
    ) -> float:
        """Gradients of a product's inputs, and of its weights along their longer side."""
        m = self._prefill.rows
        inputs = mesh_product(machine, constants, self.side, m, n, k)
        weights = min(
            mesh_product(machine, constants, self.side, k, m, n),
            mesh_product(machine, constants, self.side, n, m, k),
        )
        return inputs + weights

    def _head(self, machine: MachineSpec, constants: DedicatedConstants) -> float:
        """A row's logits, its loss, both gradients, and its rows of the embedding there and back.

        The stream goes on from block to block, and its gradient comes back.  Sums of a position run
        along a row of cores: the largest logit and the sum, each reduced and returned.  A row of
        the embedding travels past the whole head at most.
        """
        m, words, dim = self._prefill.rows, self._words, self._dim
        products = mesh_product(machine, constants, self.side, m, dim, words)
        products += self._returned(machine, constants, dim, words)
        logits = m * words
        loss = _LOSS_OPERATIONS * _vector(machine, logits)
        length = self.side * self.head_blocks
        sums = 2 * _all_reduce(machine, length, m)
        stream = _all_reduce(machine, length, m * dim) if self.head_blocks > 1 else 0
        lookup = 2 * lines.multicast_cycles(machine, length, self.tokens * dim)
        return products + loss + sums + stream + lookup

    # ── the end of a step ───────────────────────────────────────────────────────────────────

    def _norm(self, machine: MachineSpec) -> float:
        """Squares of all gradients, one number over the wafer's columns and rows and back."""
        own = self.layers_of_a_block * self._tile + self._words * self._dim
        across = _all_reduce(machine, machine.columns, 1) + _all_reduce(machine, machine.rows, 1)
        links = 2.0 * (self.wafers - 1) * machine.wafer_link_cycles
        return 2 * _vector(machine, own) + across + links

    def _optimisers(self, machine: MachineSpec, constants: DedicatedConstants) -> float:
        """The blocks of layers beside AdamW in the head's: the longer one."""
        layer: float = _ADAM_OPERATIONS * _vector(machine, self._tile)
        if self.optimizer == "muon":
            layer = sum(self._muon(machine, constants, *shape) for shape in self._matrices())
        adam = _ADAM_OPERATIONS * _vector(machine, self._words * self._dim)
        return max(self.layers_of_a_block * layer, adam)

    def _muon(
        self, machine: MachineSpec, constants: DedicatedConstants, rows: int, columns: int
    ) -> float:
        """A matrix's step: its norm, three products an iteration, and its elements."""
        short, long = sorted((ceil(rows / self.side), ceil(columns / self.side)))

        def product(rows: int, inner: int, outputs: int) -> float:
            return mesh_product(machine, constants, self.side, rows, inner, outputs)

        iteration = (
            product(short, long, short) + product(short, short, short) + product(short, short, long)
        )
        norm = 2 * _all_reduce(machine, self.side, 1)
        elements = _MUON_OPERATIONS * _vector(machine, short * long)
        return _MUON_ITERATIONS * iteration + norm + elements

    def _matrices(self) -> list[tuple[int, int]]:
        heads, m = self.model.attention, self.model
        wide, kv = heads.heads * heads.head_dim, heads.kv_heads * heads.head_dim
        return [
            (wide, m.hidden), (kv, m.hidden), (kv, m.hidden), (m.hidden, wide),
            *[(m.ffn, m.hidden)] * (1 + m.gated), (m.hidden, m.ffn),
        ]  # fmt: skip

    # ── memory ──────────────────────────────────────────────────────────────────────────────

    @property
    def _tile(self) -> int:
        """A core's weights of a layer."""
        return sum(k * n for k, n in self._products())

    @property
    def _words(self) -> int:
        return ceil(self.model.vocabulary / (self.side * self.head_blocks))

    @property
    def _dim(self) -> int:
        return ceil(self.model.hidden / self.side)

    def _layer_bytes(self, machine: MachineSpec) -> dict[str, int]:
        """The first block's, where most rows wait for their way back: at most as many as blocks."""
        dim, wide, kv, ffn = self._prefill.shares()
        m, layers = self._prefill.rows, self.layers_of_a_block
        activations = 4 * dim + 3 * wide + 2 * kv + (2 + 2 * self.model.gated) * ffn
        of_a_layer = dim if self.recompute else activations
        waiting = min(self.rows, self.blocks + 1)  # the head holds one more
        return {
            "weights, gradients, momentum": _WEIGHT_BYTES[self.optimizer] * self._tile * layers,
            "activations kept": FP16 * m * of_a_layer * layers * waiting,
            "a layer at work": 2 * FP16 * m * activations,
            "the second buffer of a product": FP16 * self._second_buffer(self._products()),
            "code": CODE_BYTES,
            "system": machine.system_bytes,
        }

    def _head_bytes(self, machine: MachineSpec) -> dict[str, int]:
        m, tile = self._prefill.rows, self._words * self._dim
        copies = 1 if self.model.tied else 2
        return {
            "weights, gradients, moments": _WEIGHT_BYTES["adamw"] * tile * copies,
            "logits": FP32 * m * self._words,
            "stream": 2 * FP16 * m * self._dim,
            "the second buffer of a product": FP16
            * self._second_buffer([(self._dim, self._words)]),
            "code": CODE_BYTES,
            "system": machine.system_bytes,
        }

    def _second_buffer(self, products: list[tuple[int, int]]) -> int:
        m = self._prefill.rows
        return max(k * n for k, n in products) + m * max(max(pair) for pair in products)


def _vector(machine: MachineSpec, elements: int) -> int:
    """Return the cycles of an fp32 operation on a core's elements."""
    return ceil(elements / machine.fmac_fp32) + machine.vector_overhead_cycles


def _all_reduce(machine: MachineSpec, cores: int, wavelets: int) -> int:
    """Return the cycles of a sum over a line of cores, and of its way back to all of them."""
    group = lines.best_group(machine, cores, wavelets)
    there = lines.reduce_cycles(machine, cores, group, wavelets)
    return there + lines.multicast_cycles(machine, cores, wavelets)
