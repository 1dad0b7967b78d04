"""Other work on the computer: endless loops at a chosen niceness, which end with the block."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["endless_loops"]

_LOOP = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.nice(int(sys.argv[1]))
print("running", flush=True)
while os.getppid() == int(sys.argv[2]):
    for _ in range(100_000):
        pass
"""
"""It also ends by itself once its parent is gone, however that ended."""

_SETTLE_SECONDS = 0.3


@contextmanager
def endless_loops(count: int, nice: int) -> Iterator[list[int]]:
    """Keep ``count`` processors' worth of other work running; yields the process ids.

    Args:
        count: Processes that compute without end.
        nice: Added to this process's own niceness; 19 gives way to everything, 0 to nothing.
    """
    with ExitStack() as stack:
        loops = [stack.enter_context(_loop(nice)) for _ in range(count)]
        if loops:
            time.sleep(_SETTLE_SECONDS)
        yield [loop.pid for loop in loops]


@contextmanager
def _loop(nice: int) -> Iterator["subprocess.Popen[bytes]"]:
    loop = subprocess.Popen(
        [sys.executable, "-c", _LOOP, str(nice), str(os.getpid())], stdout=subprocess.PIPE
    )
    try:
        assert loop.stdout is not None
        loop.stdout.readline()
        yield loop
    finally:
        loop.kill()
        loop.wait()
        if loop.stdout is not None:
            loop.stdout.close()
