"""Where the engine keeps its files: sockets, caches, the log.  Opens and reads no file.

Each folder follows the platform's custom and can be moved by an environment variable:
``SPARK_RUNTIME_DIR`` (sockets), ``SPARK_CACHE_DIR`` (compiled kernels), ``SPARK_STATE_DIR`` (log),
``SPARK_MODELS_DIR`` (fetched models).  A user without a home has them under the temporary folder.
"""

import hashlib
import os
import tempfile
import warnings
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import platformdirs

from engine.errors import ServerError
from engine.own_files import refusal
from engine.remote_host.address import is_remote
from engine.version import PROTOCOL_VERSION, __version__

__all__ = [
    "MAX_SOCKET_PATH_BYTES",
    "cache_dir",
    "child_environment",
    "expanded",
    "home_problem",
    "is_bundled",
    "log_file",
    "machine_identity",
    "model_argument",
    "model_identity",
    "models_dir",
    "runtime_dir",
    "socket_dir",
    "socket_path",
    "state_dir",
    "user_dir",
]

MAX_SOCKET_PATH_BYTES = 103
"""Longest path of a Unix socket: 104 bytes with the final NUL on macOS and BSD, 108 on Linux."""

_APP = "spark-tui"

_MODEL_SUFFIXES = {".json", ".safetensors"}
"""Endings of the files in a folder that make a model: configuration, weights, vocabulary,
repository knowledge, checksums."""


_VARIABLES = ("CACHE", "CONFIG", "MODELS", "RUNTIME", "STATE")
"""The folders that a variable ``SPARK_…_DIR`` moves."""


def runtime_dir() -> Path:
    """Return the folder of sockets and locks: private to the user, gone after a reboot."""
    return user_dir("RUNTIME", platformdirs.user_runtime_dir)


def cache_dir() -> Path:
    """Return the folder of what can be made again, compiled kernels above all."""
    return user_dir("CACHE", platformdirs.user_cache_dir)


def state_dir() -> Path:
    """Return the folder of logs."""
    return user_dir("STATE", platformdirs.user_state_dir)


def models_dir() -> Path:
    """Return the folder of the models that were fetched."""
    return user_dir("MODELS", lambda app: str(Path(platformdirs.user_data_dir(app)) / "models"))


def user_dir(kind: str, of_platform: Callable[[str], str]) -> Path:
    """Return the absolute path of a folder of this user, which need not exist.

    Args:
        kind: What it holds, as in the name of the variable that moves it: ``SPARK_kind_DIR``.
        of_platform: Returns the platform's folder for a program's name; raises RuntimeError where
            this user has none.
    """
    try:
        if override := os.environ.get(f"SPARK_{kind}_DIR"):
            return Path(override).absolute()
        with warnings.catch_warnings():
            # Without a login session sockets lie under the temporary folder; that is fine here.
            warnings.simplefilter("ignore")
            return Path(of_platform(_APP)).absolute()
    except (RuntimeError, OSError):  # no home, or a path relative to a folder that is gone
        return _instead_of_home() / kind.lower()


def child_environment() -> dict[str, str]:
    """Return this process's environment for one with another working directory.

    What moves a folder by a relative path means the same folder there.
    """
    changed = {
        name: str(user_dir(kind, _no_folder))
        for kind in _VARIABLES
        if os.environ.get(name := f"SPARK_{kind}_DIR")
    }
    return os.environ | changed


def _no_folder(app: str) -> str:
    raise RuntimeError(f"no folder for {app}")


def home_problem() -> str | None:
    """Return a line about a home that is missing; None where there is one."""
    try:
        platformdirs.user_state_dir(_APP)
    except RuntimeError:
        usable = _instead_of_home() == _temporary_dir()
        kept = (
            f"files are kept in {_temporary_dir()}, which does not last"
            if usable
            else (f"nothing is kept, for {_temporary_dir()} cannot be used")
        )
        return f"HOME is not set, and the password database lacks this user: {kept}; set HOME"
    return None


def _instead_of_home() -> Path:
    """Return the folder of a user without a home; where it is not ours, one that cannot exist."""
    folder = _temporary_dir()
    return folder if refusal(folder) is None else Path(os.devnull) / _APP


def _temporary_dir() -> Path:
    """Return this user's folder under the temporary one, by number: it is shared."""
    return Path(tempfile.gettempdir()) / f"{_APP}-{os.geteuid()}"


def expanded(text: str | Path) -> Path:
    """Return a path with its ``~`` replaced; one that names no home stays as it is."""
    return Path(os.path.expanduser(text))


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
    reasons = []
    for folder in (runtime_dir(), _temporary_dir()):
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
    return refusal(folder)


def model_argument(model: str | None) -> str | None:
    """Return ``model`` so that it means the same in a process with another working directory.

    A bundled model's name stays, as do the address of a remote one and any name that is no path
    here; a path becomes absolute.
    """
    if model is None or is_bundled(model) or is_remote(model):
        return model
    path = expanded(model)
    if Path(model).name == model and not os.path.exists(path):
        return model  # a name that this module does not know
    return str(path.resolve())


def socket_path(replica: int = 0) -> Path:
    """Return the socket of the user's engine process.

    The name is a hash of all that makes two processes different: the program's version, the
    protocol's, where the program's code lies, and the number of a replica.

    Args:
        replica: 0 is the process that all faces share; others are processes of their own.

    Raises:
        ServerError: There is no folder for sockets.
    """
    facts: list[str | int] = [__version__, PROTOCOL_VERSION, str(Path(__file__).resolve().parent)]
    facts += [replica] if replica else []
    name = hashlib.sha256(repr(facts).encode()).hexdigest()[:16] + ".sock"
    return socket_dir(len(name)) / name


def machine_identity(name: str) -> str:
    """Return a machine's name, or digits that change when the file that describes it does."""
    return model_identity(Path(name)) if name.endswith(".toml") else name


def model_identity(path: Path) -> str:
    """Return 32 hexadecimal digits that change when the model at a path becomes another one.

    A GGUF file is told by its place, inode, size and time of change, a folder by those of its
    files that make a model; their content is not read.  What is not there has an identity too:
    whoever loads the model says what is wrong with it.
    """
    place = expanded(path).resolve()
    files = sorted(place.glob("*")) if os.path.isdir(place) else [place]
    facts: list[object] = [str(place)]
    for file in files:
        if os.path.isfile(file) and (file == place or file.suffix in _MODEL_SUFFIXES):
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
