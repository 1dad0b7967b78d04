"""The second process that compiles kernels, ``python -m engine.wafer.jit.compile_helper FOLDER``.

Reads jobs from standard input (`engine.wafer.jit.compile_jobs`), compiles each into the kernel
cache and says so, until the input ends.  An error ends it: whoever asked compiles that job itself,
and sees the error.
"""

import pickle
import sys
from importlib import import_module
from pathlib import Path
from typing import IO

from engine.wafer.jit import kernel_cache
from engine.wafer.jit.compile_jobs import answer, receive

__all__ = ["serve"]


def serve(cache: Path, asked: IO[bytes], answers: IO[bytes]) -> None:
    """Compile what is asked for until there is no more."""
    kernel_cache.use(cache)
    while (content := receive(asked)) is not None:
        for module, name, signature in pickle.loads(content):
            getattr(import_module(module), name).compile(signature)
        answer(answers)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
