"""Where the app keeps the user's own files: settings, unsaved texts, an answer.  Creates nothing.

Logs, sockets and caches are the engine's (`engine.paths`).
"""

import os
from pathlib import Path

import platformdirs

from engine import paths

__all__ = ["offer_file", "recovery_dir", "settings_file"]


def settings_file() -> Path:
    """Return the path of the settings file, which need not exist.

    ``SPARK_CONFIG_DIR`` moves its folder.
    """
    override = os.environ.get("SPARK_CONFIG_DIR")
    folder = Path(override) if override else Path(platformdirs.user_config_dir("spark-tui"))
    return folder / "settings.toml"


def recovery_dir() -> Path:
    """Return the folder of unsaved texts, which survive a crash there."""
    return paths.state_dir() / "recovery"


def offer_file() -> Path:
    """Return the file that remembers the answer to the offer of a better model."""
    return paths.state_dir() / "model_offer.json"
