"""Python runs this file when it starts with this folder in PYTHONPATH: the guard of sockets."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "spark_socket_guard", Path(__file__).parents[1] / "socket_guard.py"
)
assert _spec is not None
assert _spec.loader is not None
_guard = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_guard)
_guard.install_in_child()
