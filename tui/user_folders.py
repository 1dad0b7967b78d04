"""Where the app keeps the user's own files, and which folders of the program are of no use.

Settings, unsaved texts, an answer.  Logs, sockets and caches are the engine's (`engine.paths`).
"""

from pathlib import Path

import platformdirs

from engine import paths
from engine.own_files import refusal, unwritable

__all__ = [
    "acceptance_file",
    "complaints",
    "conversations_dir",
    "numbers_file",
    "offer_file",
    "pictures_dir",
    "recovery_dir",
    "settings_file",
]


def settings_file() -> Path:
    """Return the path of the settings file, which need not exist.

    ``SPARK_CONFIG_DIR`` moves its folder.
    """
    return paths.user_dir("CONFIG", platformdirs.user_config_dir) / "settings.toml"


def recovery_dir() -> Path:
    """Return the folder of unsaved texts, which survive a crash there."""
    return paths.state_dir() / "recovery"


def recent_files_dir() -> Path:
    """Return the folder of notes about files that were open, one for each repository."""
    return paths.state_dir() / "recent"


def offer_file() -> Path:
    """Return the file that remembers the answer to the offer of a better model."""
    return paths.state_dir() / "model_offer.json"


def conversations_dir() -> Path:
    """Return the folder of the conversations about repositories."""
    return paths.state_dir() / "conversations"


def pictures_dir() -> Path:
    """Return the folder of the pictures that a person takes of panes."""
    return paths.state_dir() / "pictures"


def numbers_file() -> Path:
    """Return the file of the counts of what became of suggestions."""
    return paths.state_dir() / "numbers.json"


def acceptance_file() -> Path:
    """Return the file of what is learnt from suggestions that were taken and refused."""
    return paths.state_dir() / "acceptance.json"


def complaints() -> list[str]:
    """Return a line for every folder that the program must do without, and what follows."""
    found = [paths.home_problem()]
    state, cache = paths.state_dir(), paths.cache_dir()
    if (reason := unwritable(state)) is not None:
        found.append(
            f"{state} cannot be used ({reason}): no log is written and no unsaved text kept for"
            " recovery; set SPARK_STATE_DIR to a folder that can be written"
        )
    if (reason := refusal(cache)) is not None:
        found.append(
            f"{cache} cannot be used ({reason}): kernels are compiled at every start; set"
            " SPARK_CACHE_DIR to a folder of your own"
        )
    return [line for line in found if line is not None]
