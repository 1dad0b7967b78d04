"""A model's packed weights as a file in the user's cache, which the next start maps.

Packing is quick, but the memory that it fills must be found and cleared first, and in a virtual
machine that takes longer.  A mapped file lies in the system's cache already, and leaves memory
without being written anywhere when other programs need it.  The file is found under a name that
changes with the model's files and with the sources that pack; its size is checked, and its content
is what packing left.  Knows bytes; knows no panel.
"""

import fcntl
import logging
import mmap
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from engine.own_files import is_own, make_own
from engine.own_sources import sources_digest
from engine.paths import cache_dir, model_identity
from engine.wafer.program.program import Matrix

__all__ = ["KEPT_BYTES", "KeptPanels"]

_log = logging.getLogger(__name__)

Bytes = NDArray[np.uint8]

KEPT_BYTES = 4 << 30
"""Most of all files together; those used longest ago go first."""

LEAST_BYTES = 64 << 20
"""A smaller model is packed before its file could be found."""

FREE_SHARE = 4
"""Times the size of a file that must be free on the disk before it is written."""

_PART_BYTES = 16 << 20

_DECIDING = (
    "model/formats/*.py",
    "model/gguf/*.py",
    "model/tensors/*.py",
    "wafer/fast/packing.py",
    "wafer/fast/panel_places.py",
    "wafer/fast/kernels/dot/*.py",
)
"""Sources whose text may change what is packed; patterns from `engine`."""


class KeptPanels:
    """The file with the packed weights of one model in one Program.

    Args:
        model: The model's folder or file.
        matrices: The Program's table of weights.
    """

    def __init__(self, model: Path, matrices: Sequence[Matrix]) -> None:
        digest = sources_digest(_DECIDING)
        digest.update(repr((model_identity(model), list(matrices))).encode())
        self.path = cache_dir() / "packed" / f"{digest.hexdigest()[:16]}.panels"

    @property
    def is_there(self) -> bool:
        """Whether `mapped` will probably find it."""
        return os.path.isfile(self.path)

    def mapped(self, size_bytes: int) -> Bytes | None:
        """Return the packed weights, uint8 (size_bytes,); None: there are none of this size.

        Nor are there any that another user may have written.

        Nobody writes to the array; to kernels it is nevertheless of the type of one in memory.
        """
        if size_bytes == 0 or not is_own(self.path):
            return None
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size != size_bytes:
                    return None
                room = mmap.mmap(file.fileno(), size_bytes, access=mmap.ACCESS_COPY)
            with suppress(
                AttributeError, OSError
            ):  # not on every system; a cache that is only read
                room.madvise(mmap.MADV_WILLNEED)
                os.utime(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("the packed weights in %s are not usable (%s)", self.path, error)
            return None
        return np.frombuffer(room, np.uint8)

    def keep(self, weights: Bytes) -> None:
        """Write packed weights, whole or not at all; a model that is small is not kept."""
        if weights.size < LEAST_BYTES:
            return
        try:
            make_own(self.path.parent)
            if shutil.disk_usage(self.path.parent).free < FREE_SHARE * weights.size:
                return
            self._make_room(weights.size)
            self._write(weights)
        except OSError as error:  # the next start packs again
            _log.warning("packed weights cannot be kept in %s (%s)", self.path, error)

    def _write(self, weights: Bytes) -> None:
        # One name, so that a process that is killed leaves no more than one file behind.
        new = self.path.with_suffix(".new")
        with new.open("ab") as file:
            if not _is_ours(file, new):
                return  # another process writes the same, or just has
            os.fchmod(file.fileno(), 0o600)  # whatever the umask: only our own is mapped again
            file.truncate(0)
            for start in range(0, weights.size, _PART_BYTES):
                file.write(weights[start : start + _PART_BYTES].data)
            file.flush()
            os.fsync(file.fileno())
            os.replace(new, self.path)

    def _make_room(self, size_bytes: int) -> None:
        """Remove what was used longest ago, until all will be `KEPT_BYTES` at most."""
        others = [file for file in self.path.parent.iterdir() if file.stem != self.path.stem]
        found = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in others)
        total = size_bytes + sum(size for _, size, _ in found)
        for _, size, file in found:
            if total <= KEPT_BYTES:
                break
            file.unlink(missing_ok=True)
            total -= size


def _is_ours(file: IO[bytes], path: Path) -> bool:
    """Lock a file until it is closed; return whether it is locked, and still the one at a path."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
