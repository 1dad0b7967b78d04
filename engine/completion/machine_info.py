"""Describes a placed model for a face: the machine, and which cores do what."""

from engine.protocol.messages import MachineInfo, RegionInfo
from engine.wafer.plan.placed import Placed

__all__ = ["machine_info"]


def machine_info(placed: Placed) -> MachineInfo:
    """Return the machine and where a model lies on it."""
    machine, program = placed.machine, placed.program
    return MachineInfo(
        name=machine.name,
        clock_ghz=machine.clock_ghz,
        columns=machine.columns,
        rows=machine.rows,
        sram_bytes_per_core=machine.sram_bytes,
        program=program.hash,
        cores_used=program.cores_used,
        regions=[
            RegionInfo(each.label, each.x, each.y, each.width, each.height, each.sram_bytes)
            for each in program.regions
        ],
    )
