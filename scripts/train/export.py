"""Write the weights folder from a checkpoint, in Hugging Face's layout.

Each file is replaced whole, checksums last, so a reader never sees half a file.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scripts.train import history, settings, weights_file

log = logging.getLogger(__name__)


def blended(argument: str) -> tuple[Path, float]:
    """Split ``FOLDER=SHARE``.

    Example:
        >>> blended("weights/old=0.25")
        (PosixPath('weights/old'), 0.25)
    """
    folder, _, share = argument.rpartition("=")
    if not folder or not 0 <= float(share) <= 1:
        raise ValueError(f"{argument!r} is no FOLDER=SHARE with a share from 0 to 1")
    return Path(folder), float(share)


def blend(
    tensors: weights_file.Tensors, others: weights_file.Tensors, share: float
) -> dict[str, np.ndarray]:
    """Return weights on the straight line from ``tensors`` to ``others``, float32.

    Weights of one run that differ by noise of the optimiser average out some of it.
    """
    if tensors.keys() != others.keys():
        raise ValueError("the two have different tensors; only weights of one shape can be mixed")
    return {
        name: (tensor + np.float32(share) * (others[name] - tensor)).astype(np.float32)
        for name, tensor in tensors.items()
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``export``."""
    parser.add_argument("--checkpoint", type=Path, help="default: WORK/checkpoint.pt")
    parser.add_argument(
        "--blend",
        type=blended,
        metavar="FOLDER=SHARE",
        help="mix in another weights folder of the same run",
    )
    parser.add_argument("--out", type=Path, default=settings.WEIGHTS_DIR)
    parser.add_argument(
        "--dtype", choices=("float16", "int8"), default="float16", help="int8 is cut into shards"
    )
    parser.add_argument("--random", action="store_true", help="random weights, to try the format")
    parser.add_argument("--config", type=Path, help="with --random: JSON with fields of the shape")


def _history(checkpoint: Path, progress: Mapping[str, Any]) -> list[history.Record] | None:
    """Return what the log beside a checkpoint tells of its weights; None where there is no log."""
    run_log = checkpoint.with_name("train.jsonl")
    if not run_log.exists():
        return None
    return history.of_checkpoint(history.read(run_log), progress)


def run(arguments: argparse.Namespace) -> None:
    """Write the weight files, config.json, tokenizer.json and checksums.json."""
    import torch

    from scripts.train.model import Llama, ModelConfig

    if arguments.random:
        torch.manual_seed(0)
        fields = json.loads(arguments.config.read_text()) if arguments.config else {}
        config, progress, told = ModelConfig(**fields), "random weights", None
        state = Llama(config).state_dict()
        # Zeroed projections would make every layer invisible to whoever tests against this.
        state = {k: v if v.any() else torch.randn_like(v) * 0.02 for k, v in state.items()}
    else:
        path = arguments.checkpoint or arguments.work / "checkpoint.pt"
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        config, state = ModelConfig(**checkpoint["config"]), checkpoint["model"]
        told = _history(path, checkpoint)
        progress = f"step {checkpoint['step']}, {checkpoint['tokens']} tokens"
    tensors = {name: value.float().numpy() for name, value in state.items()}
    if arguments.blend is not None:
        folder, share = arguments.blend
        tensors = blend(tensors, weights_file.read(folder), share)
        progress += f", {share:g} of it earlier weights"
        if told is not None:
            told[-1]["blend"] = {"folder": str(folder), "share": share}
    out: Path = arguments.out
    written = weights_file.write(out, tensors, arguments.dtype, progress)
    tokenizer = (arguments.work / "tokenizer.json").read_bytes()
    weights_file.write_whole(out / "tokenizer.json", tokenizer)
    config_json = json.dumps(config.to_huggingface(), indent=2) + "\n"
    weights_file.write_whole(out / "config.json", config_json.encode())
    if told is None:
        (out / history.NAME).unlink(missing_ok=True)
    else:
        weights_file.write_whole(out / history.NAME, history.lines(told))
    sums = json.dumps(weights_file.checksums(out), indent=2) + "\n"
    weights_file.write_whole(out / "checksums.json", sums.encode())
    size = sum((out / name).stat().st_size for name in written)
    log.info("wrote %s: %s, %s, %.1f MiB", out.name, progress, arguments.dtype, size / 2**20)
