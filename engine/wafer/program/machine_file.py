"""A machine as a TOML file: a preset's numbers with some of them changed, checked line by line.

Keys are the fields of `MachineSpec`; ``inherits`` names the preset whose numbers stand where the
file gives none.  A refusal names the file, the line, the value and the unit.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.errors import MachineError
from engine.toml_files import parse_toml, read_toml_text
from engine.wafer.program.machine_spec import MachineSpec

__all__ = ["UNITS", "is_file_name", "read"]

_SUFFIX = ".toml"
_INHERITS = "inherits"

_MOST_BYTES = 1 << 20
"""A description is a few kilobytes; more is another file by mistake."""

_LONGEST_QUOTE = 60
"""Characters of a wrong value that a message repeats."""

UNITS = {
    "cores": "cores",
    "columns": "columns of cores",
    "rows": "rows of cores",
    "fabric_columns": "columns of cores",
    "fabric_rows": "rows of cores",
    "clock_ghz": "GHz",
    "sram_bytes": "bytes",
    "sram_banks": "banks",
    "bank_bytes": "bytes",
    "cache_bytes": "bytes",
    "read_bytes_per_cycle": "bytes a cycle",
    "write_bytes_per_cycle": "bytes a cycle",
    "fmac_fp16": "multiply–accumulates a cycle",
    "mac_int8": "multiply–accumulates a cycle",
    "unpack_per_cycle": "operations a cycle",
    "unpack_bytes": "bytes",
    "fmac_fp32": "operations a cycle",
    "simd_fp32": "operations a cycle",
    "vector_overhead_cycles": "cycles",
    "task_cycles": "cycles",
    "sample_cycles_per_logit": "cycles a logit",
    "divide_cycles": "cycles",
    "dispatch_cycles": "cycles",
    "hop_cycles": "cycles",
    "ramp_cycles": "cycles",
    "inject_cycles_per_wavelet": "cycles a wavelet of 32 bits",
    "add_fp32_cycles_per_wavelet": "cycles a wavelet of 32 bits",
    "add_fp16_cycles_per_wavelet": "cycles a wavelet of 32 bits",
    "wafer_link_microseconds": "µs",
    "host_round_trip_microseconds": "µs",
    "host_bytes_per_second": "bytes a second",
    "colors": "colors",
    "reserved_colors": "colors",
    "input_queues": "queues",
    "output_queues": "queues",
    "reserved_queues": "queues",
    "local_tasks": "task ids",
    "queue_depth": "wavelets",
    "system_watts": "watts",
    "core_watts": "watts",
    "operation_picojoules": "picojoules",
    "code_bytes": "bytes",
    "system_bytes": "bytes",
}
"""What every number of a machine counts, for messages."""


def is_file_name(name: str) -> bool:
    """Return whether a machine of this name is a file."""
    return name.endswith(_SUFFIX)


def read(path: Path, presets: Mapping[str, MachineSpec]) -> MachineSpec:
    """Return the machine that a file describes; its name is the file's, without the suffix.

    Args:
        path: A file of at most a megabyte.
        presets: The machines that may be inherited from.

    Raises:
        MachineError: The file cannot be read, is no TOML, or has a key or a number that no machine
            has; with its line.
    """
    text = _text(path)
    try:
        found = parse_toml(text)
    except ValueError as error:
        raise MachineError(f"{path} is no TOML: {error}") from error
    page = _Page(path, text)
    base = _inherited(found.pop(_INHERITS, None), presets, page)
    numbers: dict[str, Any] = {}
    for name, value in found.items():
        numbers[name] = _number(name, value, page)
    name = path.name.removesuffix(_SUFFIX)
    if name in presets:
        raise MachineError(f"{path}: {name!r} is a machine already; rename the file")
    try:
        spec = replace(base, name=name, **numbers)
    except MachineError as error:
        field = next((each for each in numbers if f" {each} is " in str(error)), "")
        raise MachineError(page.refusal(field, str(error))) from error
    _check_together(spec, numbers, page)
    return spec


class _Page:
    """Where a key stands, for messages."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._lines = path, text.splitlines()

    def refusal(self, key: str, text: str) -> str:
        """Return ``text`` behind the file and the line that sets ``key``."""
        for number, line in enumerate(self._lines, 1):
            if key and line.split("=")[0].strip().strip("\"'") == key:
                return f"{self._path}, line {number}: {text}"
        return f"{self._path}: {text}"


_AT_MOST = (
    ("columns", "fabric_columns"),
    ("rows", "fabric_rows"),
    ("bank_bytes", "sram_bytes"),
    ("reserved_colors", "colors"),
    ("reserved_queues", "input_queues"),
    ("reserved_queues", "output_queues"),
    ("code_bytes", "sram_bytes"),
    ("system_bytes", "sram_bytes"),
)
"""Pairs of fields of which the first may not be more."""


def _check_together(spec: MachineSpec, given: Mapping[str, object], page: _Page) -> None:
    """Refuse numbers that contradict each other.

    Raises:
        MachineError: With the line of one that the file gives.
    """
    for less, more in _AT_MOST:
        small, large = getattr(spec, less), getattr(spec, more)
        if small > large:
            where = less if less in given else more
            text = f"{less} is {small:,} and {more} {large:,} {UNITS[more]}: it may be no more"
            raise MachineError(page.refusal(where, text))
    if spec.columns * spec.rows > spec.cores:
        grid = f"{spec.columns:,} × {spec.rows:,} cores in a grid and {spec.cores:,} in all"
        raise MachineError(page.refusal("cores", f"{grid}: `cores` may be no less"))


def _text(path: Path) -> str:
    try:
        return read_toml_text(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MachineError(f"{path} cannot be read: {reason}") from error


def _inherited(name: object, presets: Mapping[str, MachineSpec], page: _Page) -> MachineSpec:
    if isinstance(name, str) and name in presets:
        return presets[name]
    known = ", ".join(presets)
    if name is None:
        raise MachineError(page.refusal("", f'no `{_INHERITS} = "…"`: write one of {known}'))
    raise MachineError(
        page.refusal(_INHERITS, f"{_INHERITS} is {_quoted(name)}: it must be one of {known}")
    )


def _number(name: str, value: object, page: _Page) -> float:
    """Return one number, whole where the field counts things.

    Raises:
        MachineError: No machine has the field, or the value is of another kind.
    """
    kinds = {field.name: field.type for field in fields(MachineSpec)}
    if name not in UNITS:
        close = get_close_matches(name, UNITS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        unknown = f"no machine has a field {_quoted(name)}{hint}"
        raise MachineError(page.refusal(name, unknown))
    whole = kinds[name] is int
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        kind = "a whole number" if whole else "a number"
        raise MachineError(
            page.refusal(name, f"{name} is {_quoted(value)}: it must be {kind} of {UNITS[name]}")
        )
    return value


def _quoted(value: object) -> str:
    """Return a value of the file as a message has it: short, however long it is."""
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
