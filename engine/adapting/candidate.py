"""Writes the folder of a model that has learnt: weights, configuration, vocabulary, checksums.

A model in a folder gets another of its kind.  One in a GGUF file gets such a file with its adapters
merged into the matrices, so that whatever opens the one opens the other, as fast.  The folder is
complete when this returns, and lies where nobody looks for models.
"""

import hashlib
import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from engine.knowledge.tuning import FILE as KNOWLEDGE_FILE
from engine.knowledge.tuning import find_tuning, write_tuning
from engine.model.formats.checksums import CHECKSUMS_FILE
from engine.model.formats.gguf_rewriting import MatrixSource, rewrite_gguf
from engine.model.formats.safetensors import WEIGHTS_FILE
from engine.model.gguf.tensors import places_in_file
from engine.model.load import Model
from engine.model_store.adapted import NOTE_FILE, AdaptedNote
from engine.training.low_rank import adapted_matrix
from engine.training.pullback import UP, FloatArray, Weights

__all__ = ["sign_candidate", "write_candidate", "write_gguf_candidate"]

_CONFIG, _VOCABULARY = "config.json", "tokenizer.json"


def write_candidate(folder: Path, base: Model, weights: dict[str, FloatArray]) -> None:
    """Write a model that runs: float16 weights, all else as the base model has it.

    Raises:
        OSError: It cannot be written.
        safetensors.SafetensorError: The weights cannot.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    config = json.loads((base.path / _CONFIG).read_bytes())
    config["spark_language"] = base.language
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for name in (_VOCABULARY, KNOWLEDGE_FILE):
        if (base.path / name).exists():
            shutil.copyfile(base.path / name, folder / name)
    halves = {name: np.ascontiguousarray(w.astype(np.float16)) for name, w in weights.items()}
    safetensors.numpy.save_file(halves, folder / WEIGHTS_FILE, {"format": "pt"})
    _write_checksums(folder)


def write_gguf_candidate(
    folder: Path, base: Model, weights: Weights, factors: Weights, share: float
) -> Path:
    """Write a model that runs: matrices with adapters as Q8_0, all else as it lies in the file.

    Args:
        folder: The model's; made anew.
        base: The model that it was, a GGUF file.
        weights: Its weights.
        factors: What was learnt.
        share: How much of it is added.

    Returns:
        The file, of the folder's name.

    Raises:
        OSError: It cannot be written.
    """
    assert base.gguf is not None, "a model in a folder has no such file"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    file = folder / f"{folder.name}.gguf"
    replaced = {
        place: _merged(weights, factors, name, share, order)
        for name, (place, order) in places_in_file(base.gguf, base.graph).items()
        if UP + name in factors
    }
    rewrite_gguf(base.gguf, file, replaced)
    tuning = find_tuning(base.path, base.name, base.weight_bytes)
    if tuning is not None:
        write_tuning(folder, msgspec.structs.replace(tuning, weight_bytes=0))
    _write_checksums(folder)
    return file


def _merged(
    weights: Weights,
    factors: Weights,
    name: str,
    share: float,
    order: NDArray[np.int64] | None,
) -> MatrixSource:
    def matrix() -> NDArray[np.float32]:
        merged = adapted_matrix(weights, factors, name, share).astype(np.float32, copy=False)
        if order is None:
            return merged
        in_file = np.empty_like(merged)
        in_file[order] = merged
        return in_file

    return matrix


def sign_candidate(folder: Path, note: AdaptedNote) -> None:
    """Write where a model comes from beside it, and the checksums again.

    Raises:
        OSError: It cannot be written.
    """
    (folder / NOTE_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(note)))
    _write_checksums(folder)


def _write_checksums(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name != CHECKSUMS_FILE)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    text = json.dumps({"files": files}, indent=2) + "\n"
    (folder / CHECKSUMS_FILE).write_text(text, encoding="utf-8")
