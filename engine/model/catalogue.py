"""The catalogue of models: which come with the program, which place a name means, its checksum.

The place of a model is a folder or a GGUF file.  Looks at names and bytes only; what is in it is
`engine.model.load`'s to read.
"""

import hashlib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from engine.errors import ModelError

__all__ = ["bundled_models", "find_model", "weights_sha256"]

_DEFAULTS = ("spark-mini", "spark-nano")  # the larger one first, where it was trained
_BYTES_AT_ONCE = 1 << 20
_GGUF = b"GGUF"


def bundled_models() -> dict[str, Path]:
    """Return the folders of the models that come with the program, by name.

    Raises:
        ModelError: The ``weights`` package is not installed.
    """
    try:
        root = Path(str(files("weights")))
    except ModuleNotFoundError:
        raise ModelError(
            "the package 'weights' with the bundled models is not installed; reinstall spark-tui"
        ) from None
    return {path.parent.name: path.parent for path in sorted(root.glob("*/config.json"))}


def find_model(name_or_path: str | Path | None = None) -> Path:
    """Return the place of a model: its folder, or its GGUF file.

    Args:
        name_or_path: The name of a bundled model, a model folder or a GGUF file; None is the
            default model.

    Raises:
        ModelError: No bundled model has the name, and no folder or GGUF file is there either.
    """
    known = bundled_models()
    if name_or_path is None:
        return _default(known)
    asked = str(name_or_path)
    if asked in known:
        return known[asked]
    path = Path(asked).expanduser()
    if asked and (path.is_dir() or _is_gguf(path)):
        return path.resolve()
    raise ModelError(_unknown(asked, path, sorted(known)))


def weights_sha256(name_or_path: str | Path | None = None) -> str:
    """Return the SHA-256 of a model's files with tensors, one after the other by name.

    A GGUF file is hashed whole.

    It tells which weights something was measured with or fitted to.

    Raises:
        ModelError: As `find_model`.
    """
    place = find_model(name_or_path)
    digest = hashlib.sha256()
    for file in [place] if place.is_file() else sorted(place.glob("*.safetensors")):
        with file.open("rb") as stream:
            while piece := stream.read(_BYTES_AT_ONCE):
                digest.update(piece)
    return digest.hexdigest()


def _default(known: dict[str, Path]) -> Path:
    for name in _DEFAULTS:
        if name in known:
            return known[name]
    raise ModelError(
        f"no default model is bundled (looked for {', '.join(_DEFAULTS)}); "
        f"name a model with --model"
    )


def _unknown(asked: str, path: Path, known: list[str]) -> str:
    listed = f"bundled: {', '.join(known)}" if known else "no model is bundled"
    if path.suffix == ".gguf":
        return f"{path}: no such file"
    if path.is_file():
        return f"{asked!r} is no GGUF file; --model takes one, a model folder or a name ({listed})"
    close = get_close_matches(asked, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"no model {asked!r}: no bundled name, folder or GGUF file; {hint}({listed})"


def _is_gguf(path: Path) -> bool:
    """Tell a GGUF file by its ending or its first bytes: some programs store them without one."""
    if not path.is_file():
        return False
    if path.suffix == ".gguf":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(_GGUF)) == _GGUF
    except OSError:
        return False
