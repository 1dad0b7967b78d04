"""When the interpreter need not look for garbage: while many objects are made that stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage in the meantime, which takes a tenth of an import's time.

    For a moment only: what names itself is not given back.  Holds for all threads.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
