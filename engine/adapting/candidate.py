"""Writes the folder of a model that has learnt: weights, configuration, vocabulary, checksums.

The folder is complete when this returns, and lies where nobody looks for models.
"""

import hashlib
import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import safetensors.numpy

from engine.knowledge.tuning import FILE as KNOWLEDGE_FILE
from engine.model.formats.checksums import CHECKSUMS_FILE
from engine.model.formats.safetensors import WEIGHTS_FILE
from engine.model.load import Model
from engine.model_store.adapted import NOTE_FILE, AdaptedNote
from engine.training.pullback import FloatArray

__all__ = ["sign_candidate", "write_candidate"]

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
