"""Command line of the training pipeline: ``python -m scripts.train STEP``.

Parses arguments and calls one step; each step lives in its own module.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from pathlib import Path

from scripts.train import settings

STEPS = {
    "corpus": "gather and clean Python files from wheels and the standard library",
    "tokenizer": "learn the byte-level BPE",
    "pack": "turn documents into rows of tokens, fill-in-the-middle included",
    "parts": "cut files into parts of a chosen size, or join parts",
    "train": "train the model; resumes from the last checkpoint",
    "export": "write the weights folder from a checkpoint",
    "audit": "show that nothing held out was trained on",
    "card": "write the model card from the logs",
}


def main(argv: list[str] | None = None) -> None:
    """Run one step."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="python -m scripts.train", description=__doc__)
    subparsers = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    for step, text in STEPS.items():
        sub = subparsers.add_parser(step, help=text, description=text)
        sub.add_argument(
            "--work", type=Path, default=settings.WORK_DIR, help="work folder (default: .train)"
        )
        # Other steps are not imported: the corpus can be built where PyTorch is missing.
        if argv[:1] == [step]:
            importlib.import_module(f"scripts.train.{step}").add_arguments(sub)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.work.mkdir(parents=True, exist_ok=True)
    importlib.import_module(f"scripts.train.{arguments.step}").run(arguments)


if __name__ == "__main__":
    main()
