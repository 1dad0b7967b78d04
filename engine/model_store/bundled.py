"""The models that come with the program, and which of them is the default.  Looks at names only."""

from importlib.resources import files
from pathlib import Path

from engine.errors import ModelError

__all__ = ["bundled_models", "default_bundled"]

_DEFAULTS = ("spark-mini", "spark-nano")  # the larger one first, where it was trained


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


def default_bundled() -> Path:
    """Return the folder of the bundled model that is used unless another is chosen.

    Raises:
        ModelError: None is bundled.
    """
    known = bundled_models()
    for name in _DEFAULTS:
        if name in known:
            return known[name]
    raise ModelError(
        f"no default model is bundled (looked for {', '.join(_DEFAULTS)}); "
        f"name a model folder with --model"
    )
