"""`sim_stats.json`: the keys of the vendor's simulator [S3], and no others.

Seconds are this computer's.  On the fast tier nothing is simulated: its rates are null.

Sources: [S3] spcl/spatial-collectives, committed runs of simfabric.
"""

import json

from engine.wafer.trace.simlog import SUNSET_CYCLES
from engine.wafer.trace.traced_steps import Trace

__all__ = ["text"]


def text(trace: Trace) -> str:
    """Return the file's content."""
    tiles = trace.columns * trace.rows
    simulated = trace.tables is not None

    def rate(count: int) -> float | None:
        return count / trace.simulated_seconds if simulated else None

    active = rate(sum(step.active for step in trace.steps))
    tile_rate = rate(trace.cycles * tiles)
    stats = {
        "active_tile_cycles_per_second": active,
        "active_tile_cycles_per_second_per_thread": active,
        "cycle_count": trace.cycles,
        "cycles_per_second": rate(trace.cycles),
        "fabric_x": trace.columns,
        "fabric_y": trace.rows,
        "hwtile_count": tiles,
        "init_time": trace.init_seconds,
        "othertile_count": 0,
        "sim_stop_cause": (
            "Stopped due to idleness" if simulated else "Not simulated: cycles by formula"
        ),
        "sim_time": trace.simulated_seconds,
        "sunset_count": SUNSET_CYCLES,
        "tile_cycles_per_second": tile_rate,
        "tile_cycles_per_second_per_thread": tile_rate,
    }
    return json.dumps(stats, indent=1) + "\n"
