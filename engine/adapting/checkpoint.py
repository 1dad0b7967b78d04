"""What a run has learnt so far, in one file that is replaced whole: a kill loses a minute at most.

Knows neither model nor repository; whoever writes it says what must be the same to go on.
"""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from engine.errors import AdaptError
from engine.training.pullback import FloatArray

__all__ = ["Progression", "disk_problem", "read_checkpoint", "write_checkpoint"]

_BEST = "best."
_HEAD = "progression"


class Progression(msgspec.Struct):
    """How far a run is."""

    base_sha256: str
    """This and what follows must be the same to go on: the weights it began with …"""
    held_out: str
    """… the texts that are held out …"""
    rate: float
    """… how fast it learns …"""
    rank: int = 0
    """… and what: all weights, or adapters of a rank."""
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    """Of learning, without waiting and measuring: processor time of the process ÷ workers."""
    epoch: int = 0
    position: int = 0
    """Parts of the epoch that are done."""
    watched_loss: list[tuple[int, float]] = []
    """Step and loss, nats a token; the first is the base model's."""
    done: bool = False

    @property
    def best_loss(self) -> float:
        """The lowest loss of the watched files so far."""
        return min(loss for _, loss in self.watched_loss)

    def follows(self, other: "Progression") -> bool:
        """Return whether this run is the one that another begins."""
        mine = (self.base_sha256, self.held_out, self.rate, self.rank)
        return mine == (other.base_sha256, other.held_out, other.rate, other.rank)


Arrays = Mapping[str, FloatArray]


def write_checkpoint(file: Path, progression: Progression, state: Arrays, best: Arrays) -> None:
    """Replace a checkpoint; the old one stays until the new one is whole on the disk.

    Args:
        file: Where it lies.
        progression: How far the run is.
        state: `Trainer.state`.
        best: The weights with the lowest loss of the watched files, by name.

    Raises:
        AdaptError: It cannot be written; the old one is still there.
    """
    arrays = {**state, **{f"{_BEST}{name}": weight for name, weight in best.items()}}
    draft = file.with_suffix(".tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        head = {_HEAD: msgspec.json.encode(progression).decode()}
        safetensors.numpy.save_file({name: _whole(a) for name, a in arrays.items()}, draft, head)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
    except (OSError, safetensors.SafetensorError) as error:
        draft.unlink(missing_ok=True)
        raise AdaptError(disk_problem(file.parent, error)) from error


def _whole(array: FloatArray) -> FloatArray:
    return np.ascontiguousarray(array)


def disk_problem(folder: Path, error: Exception) -> str:
    """Return one line about a file below a folder that cannot be written or read."""
    full = os.strerror(errno.ENOSPC)
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or full in str(error):
        return (
            f"the disk of {folder} is full; free some space, and the same command goes on "
            "from the last checkpoint"
        )
    return f"{folder}: {error}"


def read_checkpoint(
    file: Path,
) -> tuple[Progression, dict[str, FloatArray], dict[str, FloatArray]] | None:
    """Return progression, state and best weights as written; None without a whole file."""
    try:
        with safetensors.safe_open(file, "numpy") as opened:
            head = opened.metadata() or {}
            progression = msgspec.json.decode(head[_HEAD], type=Progression)
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, KeyError, msgspec.MsgspecError, safetensors.SafetensorError):
        return None
    best = {n.removeprefix(_BEST): a for n, a in arrays.items() if n.startswith(_BEST)}
    return progression, {n: a for n, a in arrays.items() if not n.startswith(_BEST)}, best
