"""Notices that the thread that computes hangs: it goes on with a request that was ended long ago.

No other sign is sure: a step, a compilation or a large prompt may take any time, but a request that
is ended stops within its step.
"""

import asyncio
from collections.abc import Callable

from engine.server.worker import Job

__all__ = ["stuck_job"]

LOOK_SECONDS = 0.5
MOST_LOOKS = 120
"""Looks at the same request after its end; a compilation on a slow machine takes a third of it.
Counted, so that a process that was stopped meanwhile is not taken for one that hangs."""


async def stuck_job(serving: Callable[[], Job | None]) -> Job:
    """Return, as soon as there is one, a request that does not stop.

    Args:
        serving: Returns the request that is being computed.
    """
    ended: Job | None = None
    looks = 0
    while ended is None or looks < MOST_LOOKS:
        await asyncio.sleep(LOOK_SECONDS)
        job = serving()
        if job is None or not job.cancelled.is_set():
            ended = None
        elif job is ended:
            looks += 1
        else:
            ended, looks = job, 1
    return ended
