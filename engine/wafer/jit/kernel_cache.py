"""Where compiled kernels are kept: a folder named by everything that shapes their code.

Must be chosen before a kernel module is imported, because numba fixes the place when it
decorates a function.  A folder that is not this user's own, or cannot be written, is replaced by a
temporary one; a file in it that another user may have written is never read.
numba checks nothing that it reads, so a record of checksums lies beside its files; and it writes
an index and the code it points to one after the other, so each pair is written under a lock.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from engine.own_files import is_own, refusal
from engine.own_sources import own_sources, sources_digest
from engine.paths import cache_dir
from engine.wafer.jit.numba_settings import load_numba

__all__ = [
    "alone",
    "damaged",
    "discard",
    "folder",
    "key",
    "record",
    "remove_damaged",
    "sources",
    "use",
    "used",
]

_log = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parents[2]
_LOCK = "lock"
_PAIR_LOCK = "pair-lock"
_CHECKSUMS = "checksums.json"
_SOURCES = (
    "probabilities.py",
    "scalars.py",
    "wafer/jit/decorators.py",
    "wafer/program/isa.py",
    "wafer/program/states.py",
    "wafer/fast/memory.py",
    "wafer/fast/pieces.py",
    "wafer/fast/step.py",
    "wafer/fast/threads/atomics.py",
    "wafer/fast/threads/claims.py",
    "wafer/fast/kernels/**/*.py",
    *(
        f"wafer/fabric/{name}.py"
        for name in (
            "agenda", "compute", "cores", "micro", "record", "routers", "simulator", "state",
            "vector_work",
        )
    ),
)  # fmt: skip
"""The modules that are compiled, or whose constants are; patterns from `engine`."""


def sources() -> list[Path]:
    """Return the files whose text decides what is compiled.

    Raises:
        FileNotFoundError: A pattern finds nothing: a file was moved, and the key would be blind.
    """
    return own_sources(_SOURCES)


def key() -> str:
    """Return 16 hexadecimal digits over kernel sources, numba, LLVM and the processor.

    numba itself notices an edit of a kernel's own file only, not of the files it calls.
    """
    numba = load_numba()
    from llvmlite import binding

    digest = sources_digest(_SOURCES)
    processor = (
        numba.config.CPU_NAME or binding.get_host_cpu_name(),
        numba.config.CPU_FEATURES or binding.get_host_cpu_features().flatten(),
    )
    digest.update(repr((numba.__version__, binding.llvm_version_info, processor)).encode())
    return digest.hexdigest()[:16]


def folder() -> Path:
    """Return the folder of this version's kernels; it may not exist yet."""
    return cache_dir() / "kernels" / key()


def use(wanted: Path | None = None) -> Path:
    """Tell numba to keep its compiled code in a folder, or in a temporary one; return it.

    Args:
        wanted: The folder; None is `folder`.
    """
    wanted = wanted or folder()
    if (reason := refusal(wanted)) is not None:
        fallback = Path(_temporary().name)
        _log.warning("kernel cache %s cannot be used (%s); using %s", wanted, reason, fallback)
        wanted = fallback
    load_numba().config.CACHE_DIR = str(wanted)
    _adapt_numba()
    return wanted


def used() -> Path:
    """Return the folder that the last `use` chose."""
    return Path(load_numba().config.CACHE_DIR)


@cache
def _adapt_numba() -> None:
    """Make numba load kept code of our own at once, and one process at a time write a pair.

    What it reads is run, so it reads what nobody else can have written.

    An index and its code are read and written under one lock for each folder of a module.
    Otherwise two processes that save other signatures of one kernel at once give them the same
    number, and one of them finds the other's code under its own name: a crash, or wrong results.

    Before it looks for kept code, numba prepares to compile: a tenth of a second of imports, and 20
    MB.  Code that is kept needs its runtime alone, and what compiles prepares itself, too.

    It looks in a folder named after where the source lies.  Ours are named after the source's place
    in the package, so that a copy of the same sources, or a new installation, compiles nothing.
    """
    from numba.core import caching as numba_caching
    from numba.core.runtime.nrt import rtsys

    caching: Any = numba_caching  # names of it are replaced

    class Files(caching.IndexDataCacheFile):  # type: ignore[misc]
        def save(self, key: Any, data: Any) -> None:
            try:
                with _held(Path(self._cache_path), fcntl.LOCK_EX):
                    super().save(key, data)
            except OSError as error:  # a full disk: it is compiled, and will be again next time
                _log.warning("%s: a compiled kernel is not kept (%s)", self._cache_path, error)

        def load(self, key: Any) -> Any:
            with _held(Path(self._cache_path), fcntl.LOCK_SH):
                return super().load(key)

        def _load_index(self) -> Any:
            return super()._load_index() if is_own(Path(self._index_path)) else {}

        def _load_data(self, name: str) -> Any:
            if not is_own(Path(self._data_path(name))):
                raise FileNotFoundError(name)  # for the caller one that is gone
            return super()._load_data(name)

        @contextmanager
        def _open_for_write(self, filepath: str) -> Iterator[Any]:
            with super()._open_for_write(filepath) as file:
                os.fchmod(file.fileno(), 0o600)  # whatever the umask
                yield file

    class Place(caching.UserProvidedCacheLocator):  # type: ignore[misc]
        @classmethod
        def get_suitable_cache_subpath(cls, py_file: str) -> str:
            source = Path(py_file).absolute()
            if not source.is_relative_to(_PACKAGE):
                return str(super().get_suitable_cache_subpath(py_file))
            return "_".join(source.parent.relative_to(_PACKAGE.parent).parts)

    def load_overload(self: Any, signature: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(signature, target_context)

    caching.IndexDataCacheFile = Files
    caching.CacheImpl._locator_classes = [
        Place if kind is caching.UserProvidedCacheLocator else kind
        for kind in caching.CacheImpl._locator_classes
    ]
    caching.FunctionCache.load_overload = load_overload


@contextmanager
def _held(place: Path, kind: int) -> Iterator[None]:
    """Hold the lock of the pairs in a folder, if there is a folder that can be written."""
    try:
        lock = (place / _PAIR_LOCK).open("a")
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, kind)
        yield


@cache
def _temporary() -> "tempfile.TemporaryDirectory[str]":
    """Return this process's own folder, the same each time; it goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="spark-tui-kernels-")


@contextmanager
def alone(place: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Keep other processes from filling the folder while the block runs.

    The second then finds all done, and what `record` sees is whole.

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


def damaged(place: Path) -> list[Path]:
    """Return the files of a kernel folder that are not what `record` saw, or not our own.

    Files it did not see (of a process that was killed, say) count as whole.  A record that
    cannot be read vouches for nothing: all files count as damaged.
    """
    files = _files(place)
    try:
        recorded = json.loads((place / _CHECKSUMS).read_bytes())
        known = {path: recorded.get(_name(place, path)) for path in files}
    except FileNotFoundError:
        known = dict.fromkeys(files)
    except (OSError, ValueError, AttributeError, RecursionError):
        return files
    return [
        path
        for path, digest in known.items()
        if not is_own(path) or (digest is not None and digest != _digest(path))
    ]


def remove_damaged(place: Path) -> None:
    """Remove what `damaged` finds; numba compiles again what is missing."""
    found = damaged(place)
    for path in found:
        with suppress(OSError):  # in a folder of another user; it is not read either
            path.unlink(missing_ok=True)
    if found:
        _log.warning(
            "kernel cache %s is not usable (damaged: %s); compiling again",
            place,
            ", ".join(path.name for path in found),
        )


def record(place: Path) -> None:
    """Write down the checksums of a kernel folder's files, if they are new."""
    file = place / _CHECKSUMS
    if _is_current(place, file):
        return
    digests = {_name(place, path): _digest(path) for path in _files(place)}
    content = json.dumps(digests, indent=0).encode()
    try:
        if file.exists() and file.read_bytes() == content:
            return
        new = file.with_suffix(".new")
        new.write_bytes(content)
        os.replace(new, file)
    except OSError as error:  # without a record the files are used unchecked, as numba does
        _log.warning("kernel cache %s: its checksums cannot be written (%s)", place, error)


def _is_current(place: Path, file: Path) -> bool:
    """Return whether a record names the files that there are, and none was written after it."""
    try:
        recorded = set(json.loads(file.read_bytes()))
        newest = file.stat().st_mtime_ns
        found = {_name(place, path): path.stat().st_mtime_ns for path in _files(place)}
    except (OSError, ValueError, TypeError, RecursionError):
        return False
    return recorded == set(found) and all(written < newest for written in found.values())


def _files(place: Path) -> list[Path]:
    """Return numba's files: indexes (nbi) and compiled code (nbc)."""
    return sorted(place.rglob("*.nb[ic]")) if os.path.isdir(place) else []


def _name(place: Path, path: Path) -> str:
    return path.relative_to(place).as_posix()


def _digest(path: Path) -> str | None:
    """Return a file's sha256; None where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def discard(place: Path) -> None:
    """Remove a kernel folder's content, which cannot be used; its lock stays."""
    for content in place.iterdir():
        if content.is_dir():
            shutil.rmtree(content, ignore_errors=True)
        elif content.name != _LOCK:
            content.unlink(missing_ok=True)
