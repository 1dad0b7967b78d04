"""What every test shares: folders that belong to the suite alone, and no way out of the computer.

Kernels of the person who runs the tests are none of theirs: each checkout has a cache of its own.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import own_kernels, socket_guard

CHECKOUT = Path(__file__).parents[1]

# Here and not in a fixture: numba fixes the folder when a kernel's module is imported.
if "PYTEST_XDIST_WORKER" not in os.environ:  # else it was chosen by who started this worker
    os.environ["SPARK_CACHE_DIR"] = str(
        Path(os.environ.get("SPARK_CACHE_DIR") or CHECKOUT / ".pytest_cache") / "spark-tui-tests"
    )
own_kernels.install()

# The models of the person who runs the tests are none of theirs: neither as the default, nor found.
_NO_MODELS = tempfile.mkdtemp(prefix="spark-no-models-")
for _name in ("SPARK_MODELS_DIR", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE"):
    os.environ[_name] = _NO_MODELS

_tried: list[str] = []
_descriptor, _report = tempfile.mkstemp(prefix="spark-connections-")
os.close(_descriptor)
os.environ[socket_guard.REPORT] = _report
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(CHECKOUT / "tests" / "in_children"), *filter(None, [os.environ.get("PYTHONPATH")])]
)
socket_guard.install(_tried.append)


@pytest.fixture(autouse=True)
def no_connection_leaves_the_computer() -> Iterator[None]:
    """Fail a test if it, or a Python that it started, reached out; also if it hid the error."""
    yield
    children = Path(_report).read_text(encoding="utf-8").splitlines()
    tried = [*_tried, *children]
    _tried.clear()
    if children:
        os.truncate(_report, 0)
    if tried:
        pytest.fail(f"reached beyond this computer: {', '.join(tried)}")


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    Path(_report).unlink(missing_ok=True)
    os.rmdir(_NO_MODELS)
