"""numba with settings from this process's environment, never from the folder it stands in.

numba reads ``.numba_config.yaml`` of the current folder when it is imported and at each
compilation, and such a file can name modules to be imported.  The current folder is whatever a
person looks at, so its content must not decide what runs.  Every first import comes through here.
"""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

__all__ = ["load_numba"]


@cache
def load_numba() -> ModuleType:
    """Return numba, imported here if nobody has."""
    with _without_yaml(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that it would have read such a file
        import numba
        from numba.core import config
    config._config_fname = os.devnull  # no plain file, so none is read from now on
    return numba


@contextmanager
def _without_yaml() -> Iterator[None]:
    """Let imports believe that there is no reader of YAML: numba then reads no such file."""
    before = sys.modules.get("yaml")
    sys.modules["yaml"] = None  # type: ignore[assignment]  # the import system's sign for "none"
    try:
        yield
    finally:
        del sys.modules["yaml"]
        if before is not None:
            sys.modules["yaml"] = before
