"""Where the engine keeps its files: sockets, caches, the log.  Opens and reads no file.

Each folder follows the platform's custom and can be moved by an environment variable:
``SPARK_RUNTIME_DIR`` (sockets), ``SPARK_CACHE_DIR`` (compiled kernels), ``SPARK_STATE_DIR`` (log),
``SPARK_MODELS_DIR`` (fetched models).
"""

import hashlib
import os
import stat
import tempfile
import warnings
from importlib.resources import files
from pathlib import Path

import platformdirs

from engine.errors import ServerError
from engine.version import PROTOCOL_VERSION, __version__

__all__ = [
    "MAX_SOCKET_PATH_BYTES",
    "cache_dir",
    "is_bundled",
    "log_file",
    "model_argument",
    "model_identity",
    "models_dir",
    "runtime_dir",
    "socket_dir",
    "socket_path",
    "state_dir",
]

MAX_SOCKET_PATH_BYTES = 103
"""Longest path of a Unix socket: 104 bytes with the final NUL on macOS and BSD, 108 on Linux."""

_APP = "spark-tui"

_MODEL_SUFFIXES = {".json", ".safetensors"}
"""Endings of the files in a folder that make a model: configuration, weights, vocabulary,
repository knowledge, checksums."""


def runtime_dir() -> Path:
    """Return the folder of sockets and locks: private to the user, gone after a reboot."""
    override = os.environ.get("SPARK_RUNTIME_DIR")
    if override:
        return Path(override)
    with warnings.catch_warnings():
        # Without a login session the folder lies under the temporary one; that is fine here.
        warnings.simplefilter("ignore")
        return Path(platformdirs.user_runtime_dir(_APP))


def cache_dir() -> Path:
    """Return the folder of what can be made again, compiled kernels above all."""
    return Path(os.environ.get("SPARK_CACHE_DIR") or platformdirs.user_cache_dir(_APP))


def state_dir() -> Path:
    """Return the folder of logs."""
    return Path(os.environ.get("SPARK_STATE_DIR") or platformdirs.user_state_dir(_APP))


def models_dir() -> Path:
    """Return the folder of the models that were fetched."""
    override = os.environ.get("SPARK_MODELS_DIR")
    return Path(override) if override else Path(platformdirs.user_data_dir(_APP)) / "models"


def log_file() -> Path:
    """Return the engine process's log file."""
    return state_dir() / "engine.log"


def socket_dir(longest_name: int) -> Path:
    """Return a folder for sockets that exists, is ours alone and is short enough.

    Tries `runtime_dir` first, then a folder of this user under the temporary directory.

    Args:
        longest_name: Bytes of the longest file name that will be put there.

    Raises:
        ServerError: Neither folder can be used; the message says why, for each.
    """
    # Only the numeric id distinguishes users: /tmp is shared.
    fallback = Path(tempfile.gettempdir()) / f"{_APP}-{os.geteuid()}"
    reasons = []
    for folder in (runtime_dir(), fallback):
        reason = _unusable(folder, longest_name)
        if reason is None:
            return folder
        reasons.append(f"{folder}: {reason}")
    raise ServerError(
        f"no folder for the engine's socket ({'; '.join(reasons)}); "
        "set SPARK_RUNTIME_DIR to a short, private, writable folder"
    )


def _unusable(folder: Path, longest_name: int) -> str | None:
    """Make ``folder`` private; return why it cannot hold sockets, None if it can."""
    length = len(os.fsencode(folder)) + 1 + longest_name
    if length > MAX_SOCKET_PATH_BYTES:
        return f"a socket path there has {length} bytes, the limit is {MAX_SOCKET_PATH_BYTES}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            return "it is not a folder"
        if found.st_uid != os.geteuid():
            return "it belongs to another user"
        if stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            return "it is not writable"
    except OSError as error:
        return error.strerror or str(error)
    return None


def model_argument(model: str | None) -> str | None:
    """Return ``model`` so that it means the same in a process with another working directory.

    A bundled model's name stays, as does any name that is no path here; a path becomes absolute.
    """
    if model is None or is_bundled(model):
        return model
    path = Path(model).expanduser()
    if Path(model).name == model and not path.exists():
        return model  # a name that this module does not know
    return str(path.resolve())


def socket_path() -> Path:
    """Return the socket of the user's engine process.

    The name is a hash of all that makes two processes different: the program's version, the
    protocol's, and where the program's code lies.

    Raises:
        ServerError: There is no folder for sockets.
    """
    facts = [__version__, PROTOCOL_VERSION, str(Path(__file__).resolve().parent)]
    name = hashlib.sha256(repr(facts).encode()).hexdigest()[:16] + ".sock"
    return socket_dir(len(name)) / name


def model_identity(path: Path) -> str:
    """Return 32 hexadecimal digits that change when the model at a path becomes another one.

    A GGUF file is told by its place, inode, size and time of change, a folder by those of its
    files that make a model; their content is not read.  What is not there has an identity too:
    whoever loads the model says what is wrong with it.
    """
    place = path.expanduser().resolve()
    files = sorted(place.glob("*")) if place.is_dir() else [place]
    facts: list[object] = [str(place)]
    for file in files:
        if file.is_file() and (file == place or file.suffix in _MODEL_SUFFIXES):
            status = file.stat()
            facts.append((file.name, status.st_ino, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def is_bundled(model: str) -> bool:
    """Return whether a model of that name comes with the program."""
    simple = model not in ("", ".", "..") and Path(model).name == model
    try:
        return simple and (Path(str(files("weights"))) / model / "config.json").is_file()
    except OSError:  # no file system takes so long a name
        return False
