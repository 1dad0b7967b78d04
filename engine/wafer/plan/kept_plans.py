"""The planner's choice for a model on a machine, kept between starts; a search takes half a second.

Kept in the user's cache under a name that changes with everything the choice depends on, the
planner's sources included.  A file that cannot be read or used is searched for anew.
"""

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import get_ident

from engine.errors import PlacementError
from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Format
from engine.own_files import make_own
from engine.own_sources import sources_digest
from engine.paths import cache_dir
from engine.wafer.place.model_shape import ModelShape, model_shape
from engine.wafer.place.placement import Placement, place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.planner import plan
from engine.wafer.program.machine import MachineSpec
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = ["DECIDING", "plan_key", "remembered_plan", "write_whole"]

_log = logging.getLogger(__name__)


DECIDING = (
    "wafer/program/*.py",
    "wafer/cost/*.py",
    "wafer/ops/*.py",
    "wafer/place/*.py",
    "wafer/compile/*.py",
    "wafer/plan/*.py",
    "model/tensors/*.py",
    "model/sum_orders.py",
    "wafer_changes.py",
)
"""Sources whose text may change a choice; patterns from `engine`."""


def remembered_plan(
    graph: ModelGraph,
    machine: MachineSpec,
    context_length: int | None = None,
    formats: Mapping[str, Format] | None = None,
    changes: WaferChanges = UNCHANGED,
) -> Placement:
    """Return what `plan` returns, without its search where this was asked before.

    Raises:
        PlacementError: As `plan`.
    """
    changes.check()
    runs = changes.wafers == 1
    model = model_shape(graph, formats, runs=runs)
    key = plan_key(graph, model, machine, context_length, DECIDING, changes)
    file = cache_dir() / "plans" / f"{key}.json"
    context = graph.context_length if context_length is None else context_length
    try:
        shape = Shape(**json.loads(file.read_text(encoding="utf-8")))
        return place(model, machine, shape, context, runs=runs)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, RecursionError, PlacementError) as error:
        _log.warning("the plan kept in %s is not usable (%r); searching anew", file, error)
    placement = plan(graph, machine, context_length, formats, changes)
    _keep(file, placement.shape)
    return placement


def plan_key(
    graph: ModelGraph,
    model: ModelShape,
    machine: MachineSpec,
    context_length: int | None,
    deciding: tuple[str, ...],
    changes: WaferChanges = UNCHANGED,
) -> str:
    """Return 16 hexadecimal digits over the model, the machine and the sources.

    Raises:
        FileNotFoundError: A pattern of ``deciding`` finds nothing.
    """
    digest = sources_digest(deciding)
    operations = [(node.op, node.layer, sorted(node.attributes.items())) for node in graph.nodes]
    sizes = (graph.name, model, operations, graph.context_length)
    digest.update(repr((sizes, asdict(machine), context_length, changes)).encode())
    return digest.hexdigest()[:16]


def _keep(file: Path, shape: Shape) -> None:
    write_whole(file, json.dumps(asdict(shape)).encode())


def write_whole(file: Path, content: bytes) -> None:
    """Write a file of the cache, whole or not at all; one that cannot be written is done without.

    Two processes that write it at once leave one of their contents.
    """
    new = file.with_suffix(f".{os.getpid()}.{get_ident()}")
    try:
        make_own(file.parent)
        new.write_bytes(content)
        new.chmod(0o600)  # whatever the umask: only what nobody else can write is read again
        os.replace(new, file)
    except OSError as error:  # a full disk, a folder that is not ours: the next start works again
        _log.warning("%s cannot be kept (%s)", file, error)
        with suppress(OSError):
            new.unlink(missing_ok=True)
