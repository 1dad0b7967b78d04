"""The emulated machines: presets by name, and those that a TOML file describes.

`MachineSpec` has the numbers and their sources; `machine_file` reads a file.
"""

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from engine.errors import MachineError
from engine.wafer.program import machine_file
from engine.wafer.program.machine_spec import MachineSpec
from engine.wafer_changes import UNCHANGED, WAVELET_BITS, WaferChanges

__all__ = ["PRESETS", "MachineSpec", "facts", "get", "listing", "names"]


_WSE3 = MachineSpec(
    name="wse3",
    cores=900_000,
    columns=755,
    rows=1170,
    fabric_columns=762,
    fabric_rows=1172,
    task_cycles=182,
    sample_cycles_per_logit=61.9,
)

_WSE2 = replace(
    _WSE3,
    name="wse2",
    cores=850_000,
    columns=750,
    rows=994,
    fabric_columns=757,
    fabric_rows=996,
    fmac_fp16=4,
    simd_fp32=2,
    cache_bytes=256,
    local_tasks=31,
    mac_int8=4,
    unpack_per_cycle=4,
    dispatch_cycles=0,
    inject_cycles_per_wavelet=1.0,
    task_cycles=0,
    sample_cycles_per_logit=1.0,
)


def _small(name: str, columns: int, rows: int) -> MachineSpec:
    """A WSE-3 cut down to a small grid, for tests, without what was fitted on whole models."""
    return replace(
        _WSE3,
        name=name,
        task_cycles=0,
        sample_cycles_per_logit=1.0,
        cores=columns * rows,
        columns=columns,
        rows=rows,
        fabric_columns=columns + 7,
        fabric_rows=rows + 2,
    )


PRESETS = {
    spec.name: spec for spec in (_WSE3, _WSE2, _small("tiny", 16, 16), _small("small", 64, 64))
}
"""The machines known by name."""


def names() -> list[str]:
    """Return the names of the presets."""
    return list(PRESETS)


def get(
    name: str, clock_ghz: float | None = None, changes: WaferChanges = UNCHANGED
) -> MachineSpec:
    """Return a machine, at its own clock or at ``clock_ghz``.

    Args:
        name: A preset's name, or the path of a file that ends in ``.toml``.
        clock_ghz: Another clock than the machine's own.
        changes: Those of the machine's own numbers are made, and its name says so.

    Raises:
        MachineError: No preset has this name, the file describes no machine, or the clock is not
            above 0.
    """
    spec = _described(name)
    spec = spec if clock_ghz is None else replace(spec, clock_ghz=clock_ghz)
    return _changed(spec, changes) if changes else spec


def _changed(spec: MachineSpec, changes: WaferChanges) -> MachineSpec:
    """Return a machine with more SRAM or wider links, under a name of its own."""
    wider = changes.link_bits / WAVELET_BITS if changes.link_bits else 1.0
    return replace(
        spec,
        name=f"{spec.name} ({changes.words})",
        sram_bytes=changes.sram_bytes or spec.sram_bytes,
        inject_cycles_per_wavelet=spec.inject_cycles_per_wavelet / wider,
    )


def _described(name: str) -> MachineSpec:
    if machine_file.is_file_name(name):
        return machine_file.read(Path(name), PRESETS)
    if name not in PRESETS:
        close = get_close_matches(name, PRESETS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise MachineError(
            f"unknown machine {name!r}: known are {', '.join(PRESETS)}, or a .toml file{hint}"
        )
    return PRESETS[name]


def facts(name: str, clock_ghz: float | None = None) -> dict[str, object]:
    """Return every field of a machine and what follows from them, for ``wafer info``.

    Raises:
        MachineError: As `get`.
    """
    return get(name, clock_ghz).facts()


def listing() -> list[dict[str, object]]:
    """Return what tells the presets apart, for ``wafer machines``."""
    return [
        {
            "name": spec.name,
            "grid": [spec.columns, spec.rows],
            "usable_cores": spec.columns * spec.rows,
            "sram_bytes_per_core": spec.sram_bytes,
            "clock_ghz": spec.clock_ghz,
            "peak_flops": spec.peak_flops,
        }
        for spec in PRESETS.values()
    ]
