"""Names and folders every step shares.  Holds constants only; reads and writes nothing."""

from __future__ import annotations

from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parent
REPOSITORY = PACKAGE_DIR.parent.parent
WORK_DIR = Path(".train")
"""Default work folder, relative to the current directory and ignored by git."""

WEIGHTS_DIR = REPOSITORY / "weights" / "spark-nano"
MANIFEST = PACKAGE_DIR / "manifest.json"
PACKAGES = PACKAGE_DIR / "packages.txt"
HELD_OUT = PACKAGE_DIR / "heldout.txt"

END = "<|endoftext|>"
FIM_PREFIX = "<|fim_prefix|>"
FIM_MIDDLE = "<|fim_middle|>"
FIM_SUFFIX = "<|fim_suffix|>"
FIM_PAD = "<|fim_pad|>"
REPO_NAME = "<|repo_name|>"
FILE_SEP = "<|file_sep|>"

SPECIAL_TOKENS = (END, FIM_PREFIX, FIM_MIDDLE, FIM_SUFFIX, FIM_PAD, REPO_NAME, FILE_SEP)
"""In the order of their ids: ``<|endoftext|>`` is 0."""

VOCABULARY = 8192


def read_names(path: Path) -> list[str]:
    """Return the lines of a list file without comments and blank lines."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
