"""Names and folders every step shares.  Reads name lists; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parent
REPOSITORY = PACKAGE_DIR.parent.parent
WORK_DIR = Path(".train")
"""Default work folder, relative to the current directory and ignored by git."""

WEIGHTS_DIR = REPOSITORY / "weights" / "spark-nano"
MANIFEST = PACKAGE_DIR / "manifest.json"
FILES = PACKAGE_DIR / "files.txt.xz"
"""Every file of the manifest's sets: one line each, see `scripts.train.audit`."""
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


@dataclass(frozen=True, slots=True)
class CorpusSet:
    """A named choice of packages; its files lie in ``WORK/name``."""

    name: str
    lists: tuple[Path, ...]
    """Files of package names, read in this order."""
    recipe: str
    """How `pack` treats it unless told otherwise."""

    def names(self) -> list[str]:
        """Return the names of its packages, in order."""
        return [name for path in self.lists for name in read_names(path)]


_CORE = PACKAGE_DIR / "packages.txt"

SETS = {
    "core": CorpusSet("core", (_CORE,), "first"),
    "full": CorpusSet("full", (_CORE, PACKAGE_DIR / "packages_wide.txt"), "second"),
}
"""``core`` taught the tokenizer; ``full`` has its packages too, and trains the models."""

TOKENIZER_SET = "core"
DEFAULT_SET = "full"


def read_names(path: Path) -> list[str]:
    """Return the lines of a list file without comments and blank lines."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
