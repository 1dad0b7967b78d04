"""How much memory there is, and how much a model needs: the one place that estimates either.

Reads small files under /proc and /sys; allocates nothing.  Host memory only, never a wafer's SRAM.
"""

import os
from contextlib import suppress
from pathlib import Path

__all__ = [
    "MEMORY_RULE",
    "SESSION_BYTES",
    "available_bytes",
    "kv_budget_bytes",
    "memory_needed_bytes",
    "session_needed_bytes",
]

MEMORY_RULE = "1.3 × the weights as they are held + 300 MB"
"""The rule of `memory_needed_bytes` in words."""

KV_BYTES = 96 * 1024 * 1024
"""Most memory of the KV caches that a session keeps side by side, but for the one in use."""

_KV_SHARE = 0.1
"""Most of the available memory that they take."""

SESSION_BYTES = KV_BYTES + 64 * 1024 * 1024
"""Of an open session beside its weights: KV caches, vocabulary, the repository's index."""

_FACTOR = 1.3
"""Bytes held for each byte of the weights: packed weights, and a part of the file while it is
read."""

_PROCESS_BYTES = 300_000_000
"""Of a process with one session beside its weights: the program and its kernels too."""


def memory_needed_bytes(weight_bytes: int) -> int:
    """Return the memory that an engine process with one model needs, by `MEMORY_RULE`.

    The bound that the process keeps at its peak.
    """
    return int(_FACTOR * weight_bytes) + _PROCESS_BYTES


def session_needed_bytes(weight_bytes: int) -> int:
    """Return the memory that one more session takes in a process that runs."""
    return int(_FACTOR * weight_bytes) + SESSION_BYTES


def kv_budget_bytes() -> int:
    """Return the memory that the KV caches of one session may take."""
    return min(KV_BYTES, int(_KV_SHARE * available_bytes()))


def available_bytes(root: Path = Path("/")) -> int:
    """Return the bytes that could be allocated now without swapping or being killed.

    The least of what the kernel calls available and of what each control group around this
    process leaves (version 2 and 1); page cache that can be dropped counts as free.  Where neither
    is known, as on macOS, half of the physical memory.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    known = [*_kernel(root / "proc/meminfo"), *_groups(root)]
    return max(0, min(known)) if known else _physical_bytes() // 2


def _physical_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _kernel(path: Path) -> list[int]:
    """Return what the kernel calls available; nothing where it does not say."""
    fields = _fields(path)
    return [fields["MemAvailable:"] * 1024] if "MemAvailable:" in fields else []


def _groups(root: Path) -> list[int]:
    """Return what every control group with a limit leaves, from ours up to the outermost."""
    found = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, inner = rest.partition(":")
        if controllers == "":
            mount, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        folder = mount / inner.strip("/")
        for each in (folder, *folder.parents):
            found += _left(each, *names)
            if each == mount:
                break
    return found


def _left(folder: Path, limit: str, usage: str, cache: str) -> list[int]:
    """Return what one control group leaves; nothing without a limit (``max``)."""
    most, used = _text(folder / limit).strip(), _text(folder / usage).strip()
    if not (most.isdigit() and used.isdigit()):
        return []
    return [int(most) - int(used) + _fields(folder / "memory.stat").get(cache, 0)]


def _fields(path: Path) -> dict[str, int]:
    """Return the lines ``name number`` of a file."""
    lines = [line.split() for line in _text(path).splitlines()]
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


def _text(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text("utf-8")
    return ""
