"""How many of the host's processor cores it is worth computing on: the one place that counts them.

Reads small files under /proc and /sys.  Of the host only, never a wafer's cores.
"""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["usable_processors", "worthwhile_cores"]

_MOST = 8
"""Decoding reads all weights for a token: some cores use up the memory's bandwidth."""


def worthwhile_cores(root: Path = Path("/")) -> int:
    """Return how many threads should compute: at least 1, at most 8.

    One for each physical core that this process may use, no more than its control groups allow
    (version 2, quota of time).  On Apple silicon one for each performance core, because the others
    are so slow that they would be waited for.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    if sys.platform == "darwin":
        return _limited(_performance_cores() or os.cpu_count() or 1)
    allowed = sorted(os.sched_getaffinity(0))
    cores = {_siblings(root, number) for number in allowed}
    return _limited(min([len(cores), *_quotas(root)]))


def usable_processors(root: Path = Path("/")) -> int:
    """Return how many processes of one thread can compute at once: at least 1.

    Unlike `worthwhile_cores` it counts every logical processor: such processes share no data.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    if sys.platform == "darwin":
        return os.cpu_count() or 1
    return max(1, min([len(os.sched_getaffinity(0)), *_quotas(root)]))


def _limited(cores: int) -> int:
    return max(1, min(cores, _MOST))


def _siblings(root: Path, number: int) -> str:
    """Return the name of the physical core of a logical one; its own number if nothing says."""
    place = root / f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list"
    return _text(place).strip() or str(number)


def _quotas(root: Path) -> list[int]:
    """Return the cores that each control group with a quota leaves, a part counted as one."""
    found = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        if line.startswith("0::"):
            mount = root / "sys/fs/cgroup"
            folder = mount / line.removeprefix("0::").strip("/")
            for each in (folder, *folder.parents):
                found += _quota(_text(each / "cpu.max").split())
                if each == mount:
                    break
    return found


def _quota(words: list[str]) -> list[int]:
    """Return the cores of a line ``quota period``, both in µs; nothing of ``max period``."""
    if len(words) != 2 or not (words[0].isdigit() and words[1].isdigit()) or words[1] == "0":
        return []
    return [-(-int(words[0]) // int(words[1]))]


def _performance_cores() -> int:
    """Return the fast cores that macOS counts; 0 where it does not tell them apart."""
    count, size = ctypes.c_int(0), ctypes.c_size_t(4)
    call = ctypes.CDLL(None).sysctlbyname
    call(b"hw.perflevel0.physicalcpu", ctypes.byref(count), ctypes.byref(size), None, 0)
    return count.value


def _text(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text("utf-8")
    return ""
