"""WaferLLM's kernels and layers as lists of operations: GEMV, one decode layer, one prefill layer.

Conditions as in its code (MeshInfra/WaferLLM) and paper (He et al., OSDI 2025): fp16, a square of
P × P cores, dimensions rounded up to multiples of P, two-tree all-reduces, full-width keys and
values, no head.  The constants come from outside (`calibration`); the host computes
nothing here, cycles only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from engine.errors import PlacementError
from engine.wafer.figures import closed_forms
from engine.wafer.program.machine import MachineSpec

__all__ = [
    "DecodeConstants",
    "DecodeLayer",
    "PrefillConstants",
    "PrefillLayer",
    "gemv_operations",
    "total",
]

_FP16_BYTES = 2

Operations = Sequence[tuple[str, float]]
"""(name, cycles), in the order they run."""


@dataclass(frozen=True, slots=True)
class DecodeConstants:
    """Constants that the formulas of a decode layer leave open, in cycles; no facts of the chip."""

    vector_overhead_cycles: float
    """c_v: per vector instruction, of which a product has one for each of its inputs."""
    collective_cycles: float
    """c_AR: per all-reduce: descriptors, task starts, and the small operations between two."""
    wavelet_cycles: float
    """c_w: per wavelet reduced, and all elementwise work that grows with it."""


@dataclass(frozen=True, slots=True)
class PrefillConstants:
    """Constants that the formulas of a prefill layer leave open, in cycles."""

    vector_overhead_cycles: float
    """c_v: per vector instruction."""
    step_cycles: float
    """c_step: per compute-shift step of a MeshGEMM."""


def total(operations: Operations) -> int:
    """Return the cycles of a list of operations, to the nearest whole one."""
    return round(sum(cycles for _, cycles in operations))


# ── products ────────────────────────────────────────────────────────────────────────────────


def _product_cycles(machine: MachineSpec, inputs: int, outputs: int, overhead: float) -> float:
    """One core's tile: for every input one vector instruction over the outputs [code]."""
    return inputs * (ceil(outputs / machine.fmac_fp16) + overhead)


def _all_reduce(
    machine: MachineSpec, side: int, groups: int, wavelets: float, per_wavelet: float
) -> float:
    if side == 1:
        return 0.0
    return closed_forms.two_tree_allreduce(
        side,
        groups,
        wavelets,
        ramp=machine.ramp_cycles,
        hop=machine.hop_cycles,
        per_wavelet=per_wavelet,
    )


def gemv_operations(machine: MachineSpec, k: int, n: int, side: int, groups: int) -> Operations:
    """Return y[1, N] = x[1, K]·W on P × P cores.

    Args:
        machine: The chip; its vector overhead is fitted on no GEMV.
        k: K, inputs.
        n: N, outputs.
        side: P.
        groups: Groups of the two-tree.

    Cost:
        K_t·(⌈N_t/S⌉ + c_v) + AR(P, g, N_t/2), K_t = ⌈K/P⌉, N_t = ⌈N/P⌉, S = fmac_fp16

    Raises:
        PlacementError: A core's tile does not fit its SRAM.
    """
    inputs, outputs = ceil(k / side), ceil(n / side)
    _check_sram(
        machine,
        f"gemv of {k} × {n} on {side}² cores",
        {"the tile": inputs * outputs, "vectors": inputs + 2 * outputs},
    )
    wavelets = ceil(outputs / 2)
    per_wavelet = machine.add_fp16_cycles_per_wavelet
    return [
        ("product", _product_cycles(machine, inputs, outputs, machine.vector_overhead_cycles)),
        ("all-reduce", _all_reduce(machine, side, groups, wavelets, per_wavelet)),
    ]


# ── decode ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DecodeLayer:
    """One decode layer on P × P cores: sizes as asked for, tiles rounded up."""

    dim: int
    ffn: int
    seq: int
    """Rows in the KV cache."""
    side: int
    groups: int

    def operations(self, machine: MachineSpec, constants: DecodeConstants) -> Operations:
        """Return the layer's products and its ten all-reduces in the order of the code.

        Raises:
            PlacementError: A core's share of the layer does not fit its SRAM.
        """
        d, s, f = (ceil(size / self.side) for size in (self.dim, self.seq, self.ffn))
        self._check_sram(machine, d, s, f)

        def product(inputs: int, outputs: int) -> float:
            return _product_cycles(machine, inputs, outputs, constants.vector_overhead_cycles)

        def reduction(elements: int) -> float:
            """An all-reduce of fp16 ``elements`` of a core."""
            return constants.collective_cycles + (
                constants.wavelet_cycles * ceil(elements / 2)
                + _all_reduce(machine, self.side, self.groups, 0, 0)
            )

        return [
            ("attention norm: sum of squares", reduction(1)),
            ("q, k, v: products", 3 * product(d, d)),
            ("q, k, v: all-reduce", reduction(3 * d)),
            ("scores: product", product(d, s)),
            ("scores: all-reduce", reduction(s)),
            ("softmax: largest", reduction(1)),
            ("softmax: sum", reduction(1)),
            ("values: product", product(s, d)),
            ("values: all-reduce", reduction(d)),
            ("o: product", product(d, d)),
            ("o: all-reduce", reduction(d)),
            ("feed-forward norm: sum of squares", reduction(1)),
            ("up, gate: products", 2 * product(d, f)),
            ("up, gate: all-reduce", reduction(2 * f)),
            ("down: product", product(f, d)),
            ("down: all-reduce", reduction(d)),
        ]

    def _check_sram(self, machine: MachineSpec, d: int, s: int, f: int) -> None:
        _check_sram(
            machine,
            f"a decode layer of {self.dim}, ffn {self.ffn}, {self.seq} KV rows on {self.side}²",
            {
                "weights": 4 * d * d + 3 * d * f,
                "keys and values": 2 * s * d,
                "vectors": max(3 * d, 2 * f) + f + 2 * d + s,
            },
        )


# ── prefill ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PrefillLayer:
    """One prefill layer of T tokens on P × P cores, all products as MeshGEMM."""

    dim: int
    ffn: int
    tokens: int
    side: int

    def operations(self, machine: MachineSpec, constants: PrefillConstants) -> Operations:
        """Return the layer's products: four d × d, two d × ffn, one ffn × d, QKᵀ and PV.

        Raises:
            PlacementError: A core's share of the layer does not fit its SRAM.
        """
        self._check_sram(machine)

        def product(inner: int, outputs: int) -> float:
            return _mesh_gemm(machine, self.side, self.tokens, inner, outputs, constants)

        return [
            ("q, k, v", 3 * product(self.dim, self.dim)),
            ("scores", product(self.dim, self.tokens)),
            ("values", product(self.tokens, self.dim)),
            ("o", product(self.dim, self.dim)),
            ("up, gate", 2 * product(self.dim, self.ffn)),
            ("down", product(self.ffn, self.dim)),
        ]

    def _check_sram(self, machine: MachineSpec) -> None:
        d, t, f = (ceil(size / self.side) for size in (self.dim, self.tokens, self.ffn))
        _check_sram(
            machine,
            f"a prefill layer of {self.dim}, ffn {self.ffn}, {self.tokens} tokens on {self.side}²",
            {
                "weights": 4 * d * d + 3 * d * f,
                "keys and values": 2 * t * d,
                "activations": t * (d + 2 * f),
                "the second buffers of a product": t * max(d, f) + d * max(d, f),
            },
        )


def _mesh_gemm(
    machine: MachineSpec, side: int, m: int, k: int, n: int, constants: PrefillConstants
) -> float:
    """Return the cycles of C[M, N] = A[M, K]·B[K, N] by MeshGEMM.

    P/2 alignment shifts of A, then P steps in which the products of K_t·N_t vector instructions
    of length M_t overlap the two-hop shifts of A and B; two fp16 a wavelet.

    Cost:
        (P/2)·shift(M_t·K_t) + P·(max(K_t·N_t·(⌈M_t/S⌉ + c_v), shift) + c_step),
        shift(e) = 2·hop + ⌈e/2⌉ + σ
    """
    rows, inner, columns = ceil(m / side), ceil(k / side), ceil(n / side)

    def shift(elements: int) -> float:
        return 2 * machine.hop_cycles + ceil(elements / 2) + 2 * machine.ramp_cycles + 1

    vectors = inner * columns
    compute = vectors * (ceil(rows / machine.fmac_fp16) + constants.vector_overhead_cycles)
    moving = shift(max(rows * inner, inner * columns))
    align = side / 2 * shift(rows * inner)
    return align + side * (max(compute, moving) + constants.step_cycles)


# ── memory ──────────────────────────────────────────────────────────────────────────────────


def _check_sram(machine: MachineSpec, what: str, elements: dict[str, int]) -> None:
    """Refuse what one core cannot hold beside its code.

    Raises:
        PlacementError: With the bytes by use and what to change.
    """
    uses = {name: _FP16_BYTES * count for name, count in elements.items()}
    uses["code"] = machine.code_bytes
    uses["system"] = machine.system_bytes
    needed = sum(uses.values())
    if needed > machine.sram_bytes:
        shares = ", ".join(f"{name} {size}" for name, size in uses.items())
        raise PlacementError(
            f"{what}: a core needs {needed} bytes of SRAM and {machine.name} has "
            f"{machine.sram_bytes} ({shares}): use more cores a side"
        )
