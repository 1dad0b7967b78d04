"""Where the app keeps what is its own: the settings file and unsaved buffers.  Creates nothing.

And how a path is written for people and the model.
"""

import os
from pathlib import Path

import platformdirs

__all__ = ["config_dir", "printable", "recovery_dir", "settings_file", "state_dir"]

_APPLICATION = "spark-tui"


def config_dir() -> Path:
    """Return the folder of the settings file (``SPARK_CONFIG_DIR`` overrides it)."""
    override = os.environ.get("SPARK_CONFIG_DIR")
    return Path(override) if override else Path(platformdirs.user_config_dir(_APPLICATION))


def settings_file() -> Path:
    """Return the path of the settings file, which need not exist."""
    return config_dir() / "settings.toml"


def state_dir() -> Path:
    """Return the folder of what must survive a crash (``SPARK_STATE_DIR`` overrides it)."""
    override = os.environ.get("SPARK_STATE_DIR")
    return Path(override) if override else Path(platformdirs.user_state_dir(_APPLICATION))


def printable(path: Path) -> str:
    """Return a path as text; � stands for bytes of its name that are not UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def recovery_dir() -> Path:
    """Return the folder of unsaved buffers."""
    return state_dir() / "recovery"
