"""The way into a Ray cluster: connects this process once, with what its workers need.

Ray is imported here alone, on use.  Passes no work out.
"""

import os
import socket
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

REACHED_SECONDS = 10.0
"""So long a computer of a cluster may take to accept a connection."""


def connected_ray(address: str) -> Any:
    """Return the module ``ray``, connected to a cluster that runs; none is started.

    Args:
        address: As `ray.init` takes it: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.

    Raises:
        EngineError: There is no such cluster.
    """
    _check_reached(address)
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


def _check_reached(address: str) -> None:
    """Try an address: Ray itself waits for minutes, and hears no signal meanwhile.

    Raises:
        EngineError: Nobody listens there.
    """
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if not host or not port.isdecimal():
        return  # a word of Ray's own, such as auto; or its own line says what is wrong
    try:
        with socket.create_connection((host.strip("[]"), int(port)), REACHED_SECONDS):
            pass
    except (OSError, OverflowError) as error:
        raise EngineError(f"no Ray cluster at {address}: {error}") from None


def node_cores(ray: Any) -> list[int]:
    """Return the cores of each node that is alive and has some."""
    found = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    return [cores for cores in found if cores]
