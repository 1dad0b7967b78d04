"""The way into a Ray cluster: connects this process once, with what its workers need.

Ray is imported here alone, on use.  Passes no work out.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.errors import EngineError

__all__ = ["ONE_THREAD", "connected_ray", "node_cores"]

ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}
"""Where each worker has one core: libraries must not share it among threads of their own."""


def connected_ray(address: str) -> Any:
    """Return the module ``ray``, connected to a cluster that runs; none is started.

    Args:
        address: As `ray.init` takes it: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.

    Raises:
        EngineError: There is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    ray: Any = import_module("ray")
    root = str(Path(__file__).resolve().parents[1])
    try:
        if not ray.is_initialized():
            ray.init(
                address=address, runtime_env={"env_vars": {"PYTHONPATH": root}},
                log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True,
            )  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise EngineError(f"no Ray cluster at {address}: {first}") from None
    return ray


def node_cores(ray: Any) -> list[int]:
    """Return the cores of each node that is alive and has some."""
    found = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    return [cores for cores in found if cores]
