"""Write the weights folder from a checkpoint, in Hugging Face's layout.

Each file is replaced whole, checksums last, so a reader never sees half a file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
from pathlib import Path

from scripts.train import settings

log = logging.getLogger(__name__)

LIMIT_BYTES = 16 * 1024 * 1024
"""Largest allowed model.safetensors; the weights are committed to the repository."""


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def checksums(folder: Path) -> dict[str, dict[str, str]]:
    """Return the contents of checksums.json for the files of a weights folder."""
    names = ("config.json", "model.safetensors", "tokenizer.json")
    return {
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``export``."""
    parser.add_argument("--checkpoint", type=Path, help="default: WORK/checkpoint.pt")
    parser.add_argument("--out", type=Path, default=settings.WEIGHTS_DIR)
    parser.add_argument("--random", action="store_true", help="random weights, to try the format")


def run(arguments: argparse.Namespace) -> None:
    """Write model.safetensors, config.json, tokenizer.json and checksums.json."""
    import torch
    from safetensors.torch import save

    from scripts.train.model import Llama, ModelConfig

    if arguments.random:
        torch.manual_seed(0)
        config, progress = ModelConfig(), "random weights"
        state = Llama(config).state_dict()
        # Zeroed projections would make every layer invisible to whoever tests against this.
        state = {k: v if v.any() else torch.randn_like(v) * 0.02 for k, v in state.items()}
    else:
        path = arguments.checkpoint or arguments.work / "checkpoint.pt"
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        config, state = ModelConfig(**checkpoint["config"]), checkpoint["model"]
        progress = f"step {checkpoint['step']}, {checkpoint['tokens']} tokens"
    tensors = {name: value.to(torch.float16).contiguous() for name, value in state.items()}
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
        raise ValueError("a weight is not finite in float16; the checkpoint cannot be exported")
    data = save(tensors, metadata={"format": "pt", "progress": progress})
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"model.safetensors would have {len(data)} bytes, over {LIMIT_BYTES}")
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "tokenizer.json", (arguments.work / "tokenizer.json").read_bytes())
    config_json = json.dumps(config.to_huggingface(), indent=2) + "\n"
    write_whole(out / "config.json", config_json.encode())
    write_whole(out / "model.safetensors", data)
    write_whole(out / "checksums.json", (json.dumps(checksums(out), indent=2) + "\n").encode())
    log.info("wrote %s: %s, %.1f MiB", out.name, progress, len(data) / 2**20)
