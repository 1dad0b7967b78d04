"""Makes the simulator ready: its kernels compiled, or loaded from their cache.

Imports the simulator only after the cache's folder was chosen, so whoever calls this first may
then import `engine.wafer.fabric.chip` as well.
"""

from engine.progress import OnProgress, quiet
from engine.wafer.jit import kernel_cache
from engine.wafer.program.machine import MachineSpec

__all__ = ["prepare_simulator"]


def prepare_simulator(machine: MachineSpec, on_progress: OnProgress = quiet) -> None:
    """Compile the simulator or load it, one process after the other.

    Args:
        machine: Any machine; the code is the same for all.
        on_progress: Called with (done, total, label).
    """
    on_progress(0, 1, "preparing the simulator")
    cache = kernel_cache.use()
    from engine.wafer.fabric.chip import warm_up

    with kernel_cache.alone(cache, lambda: on_progress(0, 1, "waiting for another process")):
        warm_up(machine)
        kernel_cache.record(cache)
