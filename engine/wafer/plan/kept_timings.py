"""A placed model's Program and its prices, kept between starts; pricing every core takes seconds.

One file for a model on a machine in the user's cache, under a name that changes with everything
the prices depend on, their sources included.  A file that cannot be read or used is made anew.
The costs of single cores, which only a watched wafer needs, stay compressed until somebody asks:
they are hundreds of times larger than they need to be, since most cores of a region are alike.
"""

import hashlib
import logging
import pickle
import platform
import struct
import zlib
from collections.abc import Callable

import numpy as np

from engine.model.graph import ModelGraph
from engine.own_files import is_own
from engine.paths import cache_dir
from engine.wafer.place.placement import Placement
from engine.wafer.plan.kept_plans import DECIDING, plan_key, write_whole
from engine.wafer.program.machine import MachineSpec
from engine.wafer.timing.timing import CoreCosts, Timing

__all__ = ["remembered_timing"]

_log = logging.getLogger(__name__)

_SOURCES = (*DECIDING, "wafer/timing/*.py", "model/graph.py", "model/roles.py", "units.py")
"""Sources whose text may change a price or what a kept file means; patterns from `engine`."""

_HEAD = struct.Struct("<32sQ")
"""Before each of the two parts: its sha256 and its bytes."""

_DAMAGE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, ImportError, EOFError,
    struct.error, pickle.UnpicklingError,
)  # fmt: skip
"""Errors of a file that is damaged, or whole and of another make in spite of its name."""


def remembered_timing(
    graph: ModelGraph,
    machine: MachineSpec,
    placement: Placement,
    price: Callable[[], Timing],
    *,
    by_core: bool = True,
) -> Timing:
    """Return what ``price`` returns, without its work where this was asked before.

    Args:
        graph: The model.
        machine: The chip.
        placement: Where the model lies.
        price: Compiles and prices all of it, single cores included.
        by_core: False: ``price`` leaves those out.
    """
    file = cache_dir() / "timings" / _name(graph, machine, placement, by_core)
    try:
        if is_own(file):  # a pickle is run
            return _restored(file.read_bytes(), price)
    except FileNotFoundError:
        pass
    except _DAMAGE as error:
        _log.warning("the prices kept in %s are not usable (%r); pricing anew", file, error)
    content = _content(price())
    write_whole(file, content)
    return _restored(content, price)


def _name(graph: ModelGraph, machine: MachineSpec, placement: Placement, by_core: bool) -> str:
    key = plan_key(graph, placement.model, machine, placement.context_length, _SOURCES)
    # A pickle of other versions may say the same in another way.
    versions = platform.python_version(), np.__version__
    about = (key, placement.shape, placement.runs, by_core, *versions)
    return hashlib.sha256(repr(about).encode()).hexdigest()[:16] + ".timing"


def _content(timing: Timing) -> bytes:
    costs = zlib.compress(pickle.dumps(timing.core_costs, protocol=5), level=1)
    parts = pickle.dumps(timing, protocol=5), costs
    return b"".join(_HEAD.pack(hashlib.sha256(part).digest(), len(part)) + part for part in parts)


def _restored(content: bytes, price: Callable[[], Timing]) -> Timing:
    """Return the timing that a file holds; its costs of single cores wait in their small form.

    Raises:
        ValueError: The content is not whole.
    """
    brief, rest = _part(content)
    packed, end = _part(rest)
    if end:
        raise ValueError(f"{len(end)} bytes too many")
    timing = pickle.loads(brief)
    if not isinstance(timing, Timing):
        raise ValueError(f"holds a {type(timing).__name__}")
    timing.restore_by(lambda: _costs(packed, price))
    return timing


def _part(content: bytes) -> tuple[bytes, bytes]:
    """Return the first part of a content, and what follows it."""
    digest, size = _HEAD.unpack_from(content)
    part, rest = content[_HEAD.size : _HEAD.size + size], content[_HEAD.size + size :]
    if len(part) != size or hashlib.sha256(part).digest() != digest:
        raise ValueError("damaged")
    return part, rest


def _costs(packed: bytes, price: Callable[[], Timing]) -> CoreCosts:
    costs = pickle.loads(zlib.decompress(packed))
    return costs if isinstance(costs, CoreCosts) else price().core_costs
