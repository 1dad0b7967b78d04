"""What of a compiled placement the machine could link: colors, queues, task ids, SRAM by core.

A report, not a plan: it changes nothing.  Queues are bound to a color for a whole kernel, as on
WSE-3; a program has those that the host's interface leaves.  Successive 16 bits lie in successive
banks, so no bank fills before the others.
"""

from dataclasses import asdict, dataclass

import numpy as np

from engine.wafer.compile.compiler import Compiled
from engine.wafer.place.lanes import row_y
from engine.wafer.place.orders import colors_used
from engine.wafer.place.placement import Placement
from engine.wafer.plan.color_use import Color, ColorUse, color_use
from engine.wafer.program.isa import Field
from engine.wafer.program.machine import MachineSpec
from engine.wafer.program.program import Region

__all__ = ["Fault", "Legality", "RegionUse", "check_legality"]

_REMEDY = (
    "use a machine that leaves a program more: reductions along an axis share two colors, "
    "multicasts one, and no placement needs more than six queues"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that could not be linked: the worst core of a region."""

    what: str
    region: str
    core: tuple[int, int]
    """Column and row on the wafer."""
    needs: int
    limit: int
    cores: int
    """Cores of the region above the limit."""
    detail: str
    remedy: str

    def text(self) -> str:
        """Return it in a sentence."""
        return (
            f"{self.region}, core {self.core}: {self.needs} {self.what} ({self.detail}), a program "
            f"has {self.limit}; {self.cores:,} cores need more than that: {self.remedy}"
        )


@dataclass(frozen=True, slots=True)
class RegionUse:
    """The most that a core of a region uses of each resource."""

    label: str
    cores: int
    colors: int
    input_queues: int
    output_queues: int
    tasks: int
    sram_bytes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Legality:
    """The report of a whole placement."""

    limits: dict[str, int]
    regions: tuple[RegionUse, ...]
    faults: tuple[Fault, ...]

    def as_json(self) -> dict[str, object]:
        """Return the object that ``wafer plan --check --json`` prints."""
        return {
            "legal": not self.faults,
            "limits": self.limits,
            "regions": [asdict(region) for region in self.regions],
            "faults": [asdict(fault) | {"text": fault.text()} for fault in self.faults],
        }


def check_legality(machine: MachineSpec, placement: Placement, compiled: Compiled) -> Legality:
    """Return what every core of a placement uses, and what is more than the machine has.

    Args:
        machine: The chip.
        placement: Where the model lies.
        compiled: Its Program with the micro-steps of every instruction.
    """
    limits = {
        "colors": machine.colors - machine.reserved_colors,
        "input_queues": machine.input_queues - machine.reserved_queues,
        "output_queues": machine.output_queues - machine.reserved_queues,
        "tasks": machine.local_tasks,
        "sram_bytes": machine.sram_bytes,
    }
    colors = colors_used(placement)
    uses: list[RegionUse] = []
    faults: list[Fault] = []
    for index, region in enumerate(placement.regions):
        use, tasks = color_use(compiled, index), _operations(compiled, index)
        found = _use(region, use, tasks, colors["block" if region.layers else "head"])
        uses.append(found)
        faults += _queue_faults(region, use, limits)
        faults += _whole_faults(region, found, limits)
    return Legality(limits, tuple(uses), tuple(faults))


def _operations(compiled: Compiled, index: int) -> int:
    """Return how many operations a region runs."""
    table = compiled.program.instructions
    return len(np.unique(table[table[:, Field.REGION] == index, Field.OP]))


def _use(region: Region, use: ColorUse, tasks: int, colors: int) -> RegionUse:
    return RegionUse(
        label=region.label,
        cores=region.width * region.height,
        colors=colors,
        input_queues=int(use.counted(use.taken).max()),
        output_queues=int(use.counted(use.given).max()),
        tasks=tasks,
        sram_bytes=region.sram_bytes,
    )


def _queue_faults(region: Region, use: ColorUse, limits: dict[str, int]) -> list[Fault]:
    faults = []
    for what, colors in (("input_queues", use.taken), ("output_queues", use.given)):
        limit = limits[what]
        counted = use.counted(colors)
        if counted.max() > limit:
            row, column = (int(i) for i in np.unravel_index(counted.argmax(), counted.shape))
            faults.append(
                Fault(
                    what.replace("_", " "), region.label, _core(region, row, column),
                    int(counted.max()), limit, int((counted > limit).sum()),
                    _listed(use.at(colors, row, column)), _REMEDY,
                )
            )  # fmt: skip
    return faults


def _whole_faults(region: Region, use: RegionUse, limits: dict[str, int]) -> list[Fault]:
    """Return what no core of the region can have, whichever it is."""
    found: list[tuple[str, int, int, str, str]] = [
        ("colors", use.colors, limits["colors"], "lanes, chains, multicasts",
         "use group sizes whose pitches coincide"),
        ("task ids", use.tasks, limits["tasks"], "one an operation",
         "split the layers so that a region runs fewer operations"),
        ("bytes of SRAM", use.sram_bytes["max_total"], limits["sram_bytes"], "code and data",
         "use more cores or a shorter context"),
    ]  # fmt: skip
    return [
        Fault(what, region.label, _core(region, 0, 0), needs, limit, use.cores, detail, remedy)
        for what, needs, limit, detail, remedy in found
        if needs > limit
    ]


def _core(region: Region, row: int, column: int) -> tuple[int, int]:
    """Return where a core of a region lies on the wafer."""
    return region.x + column, row_y(region, row)


def _listed(colors: list[Color]) -> str:
    return ", ".join(color.text() for color in colors)
