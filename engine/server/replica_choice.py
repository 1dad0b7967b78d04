"""Which engines answer other programs: the app's, some of their own, or those of a Ray cluster."""

from collections.abc import Sequence

from engine.engine_process import SERVER_COMMAND
from engine.host_cores import worthwhile_cores
from engine.host_memory import available_bytes
from engine.server.budget import SHARE
from engine.server.replica import LONGEST_SECONDS, EngineReplica, Replica

__all__ = ["choose_replicas"]


def choose_replicas(
    model: str | None = None,
    machine: str = "wse3",
    clock_ghz: float | None = None,
    *,
    count: int | None = None,
    ray_address: str | None = None,
    longest_seconds: float = LONGEST_SECONDS,
    command: Sequence[str] = SERVER_COMMAND,
) -> list[Replica]:
    """Return the engines for a `Dispatcher`.

    Args:
        model: As of `EngineReplica`.
        machine: As there.
        clock_ghz: As there.
        count: How many.  One is the engine process that the app uses; of several each is a process
            of its own, with its part of the cores and of the free memory.  None: one, or on a
            cluster one for each computer.
        ray_address: The cluster whose computers keep them; None: this one does.
        longest_seconds: As of `EngineReplica`.
        command: As there.

    Raises:
        EngineError: There is no such cluster, or it has too few cores.
    """
    if ray_address is not None:
        from engine.server.ray_replica import ray_replicas

        return [*ray_replicas(ray_address, count, model, machine, clock_ghz, longest_seconds)]
    if count is None or count == 1:
        return [
            EngineReplica(
                model, machine, clock_ghz, command=command, longest_seconds=longest_seconds
            )
        ]
    threads = max(1, worthwhile_cores() // count)
    # Each would else count the same free memory as its own.
    memory = int(SHARE * available_bytes() / count)
    options = ("--threads", str(threads), "--memory", str(memory))
    return [
        EngineReplica(
            model,
            machine,
            clock_ghz,
            command=(*command, *options),
            longest_seconds=longest_seconds,
            number=number,
        )
        for number in range(1, count + 1)
    ]
