"""Where compiled kernels are kept: a folder named by everything that shapes their code.

Must be chosen before a kernel module is imported, because numba fixes the place when it
decorates a function.  A folder that cannot be written is replaced by a temporary one.
"""

import fcntl
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from engine.paths import cache_dir

__all__ = ["alone", "discard", "folder", "key", "use"]

_log = logging.getLogger(__name__)

_LOCK = "lock"


def key() -> str:
    """Return 16 hexadecimal digits over kernel sources, numba, LLVM and the processor.

    numba itself notices an edit of a kernel's own file only, not of the files it calls.
    """
    import numba
    from llvmlite import binding

    here = Path(__file__).parent
    sources = sorted((here / "kernels").glob("*.py"))
    sources += [here / "step.py", here / "isa.py", here.parent / "scalars.py"]
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    config: Any = numba.config  # its fields are made at run time
    processor = (
        config.CPU_NAME or binding.get_host_cpu_name(),
        config.CPU_FEATURES or binding.get_host_cpu_features().flatten(),
    )
    digest.update(repr((numba.__version__, binding.llvm_version_info, processor)).encode())
    return digest.hexdigest()[:16]


def folder() -> Path:
    """Return the folder of this version's kernels; it may not exist yet."""
    return cache_dir() / "kernels" / key()


def use() -> Path:
    """Tell numba to keep its compiled code in `folder`, or in a temporary one; return it."""
    import numba

    wanted = folder()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            pass
    except OSError as error:
        fallback = Path(_temporary().name)
        _log.warning("kernel cache %s cannot be written (%s); using %s", wanted, error, fallback)
        wanted = fallback
    config: Any = numba.config
    config.CACHE_DIR = str(wanted)
    return wanted


@cache
def _temporary() -> "tempfile.TemporaryDirectory[str]":
    """Return this process's own folder, the same each time; it goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="spark-tui-kernels-")


@contextmanager
def alone(place: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep other processes from filling the folder while the block runs.

    Two processes that save different signatures of one kernel at once may exchange their code:
    numba writes the index and the code one after the other.  Besides, the second finds all done.

    Args:
        place: The folder of kernels.
        on_wait: Called once if another process holds it.
    """
    try:
        lock = (place / _LOCK).open("a")
    except OSError:  # no folder that can be shared, so nobody shares it
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            on_wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def discard(place: Path) -> None:
    """Remove a kernel folder's content, which cannot be used; its lock stays."""
    for content in place.iterdir():
        if content.is_dir():
            shutil.rmtree(content, ignore_errors=True)
        elif content.name != _LOCK:
            content.unlink(missing_ok=True)
