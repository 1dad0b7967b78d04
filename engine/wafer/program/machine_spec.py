"""MachineSpec: every number of an emulated chip, with unit and source.

Knows no machine by name, and nothing of models.  Sources: [S1] He et al., WaferLLM (OSDI 2025);
[S2] Luczynski et al., Near-Optimal Wafer-Scale Reduce (HPDC 2024); [S5] lab notes on a physical
CS-3 (unreviewed); [S7] Hot Chips 34 (2022), Cerebras; [S8] The Next Platform, 14 March 2024;
[S12] Cerebras SDK documentation and csl-examples; [S15] ALCF AI testbed documentation; [S32]
Journal of Information Processing 34 (2026), p. 132: a GEMM of 33,000² on a CS-2.
"""

from dataclasses import asdict, dataclass, fields
from math import isfinite

from engine.errors import MachineError
from engine.wafer.program.clocks import CLOCKS

__all__ = ["MachineSpec"]


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """One chip.  Cycles are core cycles; coordinates are (column, row), origin north-west."""

    name: str
    """Name of the preset; other numbers under the same name are another machine to a Program."""

    cores: int
    """Active cores as the vendor counts them.  Source: [S8]."""

    columns: int
    """Columns a program may use.  Source: [S12], the rule width ≤ fabric − 7."""

    rows: int
    """Rows a program may use.  Source: [S12], the rule height ≤ fabric − 2."""

    fabric_columns: int
    """Columns of the whole fabric, host interface included.  Source: [S12], [S15]."""

    fabric_rows: int
    """Rows of the whole fabric.  Source: [S12], [S15]."""

    clock_ghz: float = 0.85
    """Core clock in GHz.  Assumed: no official WSE-3 clock was found; 0.75, 0.85 and 1.1 are in
    use.  0.85 is what the SDK examples and the papers on CS-2 and CS-3 convert with [S12]."""

    sram_bytes: int = 48 * 1024
    """SRAM of a core, code and data together, bytes.  Source: [S7]."""

    sram_banks: int = 8
    """Single-ported banks of that SRAM.  Source: [S7], [S12]."""

    bank_bytes: int = 2
    """Successive bytes of one bank, before the next bank's.  Source: [S12], appendix on SIMD mode:
    successive 16 bits lie in successive banks."""

    cache_bytes: int = 512
    """Bytes of a core's data cache, which may hold a vector instruction's accumulator.  Source:
    256 for WSE-2 [S7]; for WSE-3 assumed twice that, as wide as its SIMD has become."""

    read_bytes_per_cycle: int = 16
    """SRAM read bandwidth of a core.  Source: [S7], two 64-bit reads a cycle."""

    write_bytes_per_cycle: int = 8
    """SRAM write bandwidth of a core.  Source: [S7], one 64-bit write a cycle."""

    fmac_fp16: int = 8
    """fp16 multiply–accumulates a cycle.  Source: [S8] for WSE-3 (8), [S7] for WSE-2 (4)."""

    mac_int8: int = 8
    """int8 multiply–accumulates a cycle while their int32 sums fit the cache; beyond, the memory
    gives less.  Assumed equal to `fmac_fp16`: no source was found."""

    unpack_per_cycle: int = 8
    """Shifts, masks, ORs and adds of small integers a cycle, by which packed weights become levels;
    a format counts those of a weight (`Format.unpack_operations`).  Assumed equal to `mac_int8`: no
    source was found."""

    unpack_bytes: int = 1024
    """Levels that a core unpacks at once, and the bytes that they take: one vector instruction for
    each operation.  Assumed: large enough that overhead counts little, small beside the weights."""

    fmac_fp32: int = 1
    """fp32 operations a cycle.  Assumed: implied by one 32-bit wavelet a cycle in fused adds, and
    by @fmacs and @fmuls, which the SDK does not list among its SIMD instructions [S12]."""

    simd_fp32: int = 4
    """fp32 additions, moves and multiply–accumulates of fp16 to fp32 a cycle, at most: the memory
    may give less.  Source: [S12], appendix on SIMD mode: 4 for WSE-3, 2 for WSE-2."""

    vector_overhead_cycles: int = 6
    """Cycles a vector instruction takes beyond its elements.  Source: fitted on WaferLLM [S1];
    for WSE-3 assumed equal."""

    task_cycles: int = 0
    """Cycles to set up a block of local work, pipe overhead.  Source: on wse3 fitted on a
    served Qwen3-1.7B [S5], `engine.wafer.figures.calibration`; elsewhere 0, assumed."""

    sample_cycles_per_logit: float = 1.0
    """Cycles to look at one logit when a token is chosen.  Source: on wse3 fitted on the share of
    head and sampling in the same steps; elsewhere a compare a cycle, assumed."""

    divide_cycles: int = 50
    """Cycles of one fp32 division.  Source: a comment in csl-examples [S12]."""

    dispatch_cycles: int = 15
    """Cycles from a task's activation to its first wavelet.  Source: [S5], a row multicast on a
    CS-3 starts up in 20 cycles; less two ramps and the core's own cycle.  0 on wse2, as in [S2]."""

    hop_cycles: int = 1
    """Cycles from a router to its neighbour.  Source: [S2], [S7]; measured in [S5]."""

    ramp_cycles: int = 2
    """Cycles between a core and its router, one way.  Source: [S2], T_R."""

    inject_cycles_per_wavelet: float = 1.125
    """Cycles between two wavelets a core sends.  Source: [S5] (9/8, a row multicast on a CS-3);
    1.0 on wse2, as in [S2]."""

    add_fp32_cycles_per_wavelet: float = 1.0
    """Cycles to receive a wavelet, add its one fp32 and pass it on.  Assumed: one a cycle."""

    add_fp16_cycles_per_wavelet: float = 2.0
    """The same for two packed fp16.  Source: WaferLLM's reduction as read in its code [S1]."""

    wafer_link_microseconds: float = 5.0
    """From one wafer to the next, microseconds.  Assumed: no official figure was found; a lab's
    RoCE operation takes 7.8 [S5]."""

    host_round_trip_microseconds: float = 520.0
    """From the wafer to a host's program and back, microseconds, a few bytes each way.
    Source: [S5], the least of an `SdkLayout` stream on a CS-3; a copy takes 760 there."""

    host_bytes_per_second: float = 1.08e9
    """Bytes a second from the wafer to the host.
    Source: [S5], one stream on a CS-3; 16 pinned ones reach 15.4e9."""

    colors: int = 24
    """Routable colors (virtual channels).  Source: [S12]."""

    reserved_colors: int = 3
    """Colors the host interface keeps (21–23).  Source: [S12]."""

    input_queues: int = 8
    """Input queues of a core.  Source: [S12]."""

    output_queues: int = 8
    """Output queues of a core.  Source: [S12]."""

    reserved_queues: int = 2
    """Input queues, and as many output queues, that the host interface keeps: 0 and 1.  Source:
    [S12]; on WSE-2 assumed alike."""

    local_tasks: int = 23
    """Ids of local tasks.  Source: [S12]: 8 to 30 on WSE-3, 0 to 30 on WSE-2."""

    queue_depth: int = 4
    """Wavelets an input queue holds.  Assumed within the measured 2–6 [S5]."""

    system_watts: float = 23_000.0
    """Watts of a whole system.  Source: [S7], [S8]: 23 kW for CS-3, as for CS-2 at most."""

    core_watts: float = 0.00779
    """Watts of a core of a program at work, its share of the system included.  Source: [S32], an
    fp32 GEMM on 562,500 cores of a CS-2 took 349.0 TFLOPS / 79.66 GFLOPS/W = 4.38 kW; for WSE-3
    assumed equal."""

    operation_picojoules: float = 12.55
    """Picojoules of an operation, everything that it takes included.  Source: [S32], the inverse of
    79.66 GFLOPS/W in fp32; for other types assumed equal."""

    code_bytes: int = 22 * 1024
    """SRAM that a decode program's code takes.  Source: [S5], 22.6 KB on a CS-3, rounded."""

    system_bytes: int = 1024
    """SRAM for stack, descriptors and the system's own use.  Assumed; [S5] prints 3.6 KB with the
    buffers that are counted apart here."""

    def __post_init__(self) -> None:
        """Refuse numbers without meaning.

        Raises:
            MachineError: A size, rate or clock is not positive and finite, or a latency is
                negative.
        """
        may_be_zero = {
            "dispatch_cycles",
            "hop_cycles",
            "ramp_cycles",
            "reserved_colors",
            "reserved_queues",
            "task_cycles",
            "vector_overhead_cycles",
        }
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                continue
            zero_is_wrong = field.name not in may_be_zero
            if not isfinite(value) or value < 0 or (value == 0 and zero_is_wrong):
                raise MachineError(
                    f"machine {self.name!r}: {field.name} is {value}; it must be "
                    f"finite and {'above 0' if zero_is_wrong else 'at least 0'}"
                )

    @property
    def clock_hz(self) -> int:
        """The named clock in whole cycles a second."""
        return round(self.clock_ghz * 1e9)

    @property
    def wafer_link_cycles(self) -> int:
        """`wafer_link_microseconds` at the named clock, in whole cycles."""
        return round(self.wafer_link_microseconds * 1e3 * self.clock_ghz)

    def host_cycles(self, payload_bytes: int) -> int:
        """Return the cycles of bytes to the host and its answer, at the named clock."""
        seconds = self.host_round_trip_microseconds / 1e6
        seconds += payload_bytes / self.host_bytes_per_second
        return round(seconds * self.clock_hz)

    @property
    def peak_flops(self) -> int:
        """Dense fp16 operations a second at the named clock: cores × FMAC × 2 × clock."""
        return self.cores * self.fmac_fp16 * 2 * self.clock_hz

    @property
    def total_sram_bytes(self) -> int:
        """SRAM of all cores."""
        return self.cores * self.sram_bytes

    @property
    def memory_bandwidth_bytes_per_second(self) -> int:
        """SRAM bytes a second over all cores at the named clock."""
        per_cycle = self.read_bytes_per_cycle + self.write_bytes_per_cycle
        return self.cores * per_cycle * self.clock_hz

    def facts(self) -> dict[str, object]:
        """Return every field and what follows from them, for ``wafer info``."""
        derived = {
            "machine": self.name,
            "cores": self.cores,
            "grid": [self.columns, self.rows],
            "fabric": [self.fabric_columns, self.fabric_rows],
            "usable_cores": self.columns * self.rows,
            "sram_bytes": self.total_sram_bytes,
            "sram_bytes_per_core": self.sram_bytes,
            "peak_flops": self.peak_flops,
            "memory_bandwidth_bytes_per_second": self.memory_bandwidth_bytes_per_second,
            "usable_colors": self.colors - self.reserved_colors,
            "clocks": {name: [clock.ghz, clock.source] for name, clock in CLOCKS.items()},
        }
        named = {key: value for key, value in asdict(self).items() if key not in derived}
        return derived | named
