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
# Workers have a core each: more threads of NumPy's would wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
own_kernels.install()

# The models of the person who runs the tests are none of theirs: neither as the default, nor found.
_NO_MODELS = tempfile.mkdtemp(prefix="spark-no-models-")
for _name in ("SPARK_MODELS_DIR", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE"):
    os.environ[_name] = _NO_MODELS

_LONGEST = (
    "worked_examples/test_toy_operation.py",
    "engine/wafer/test_layer_operations.py",
    "engine/wafer/fast/kernels/dot/",
)
"""What takes longest or compiles kernels for other files, below `tests`."""

_tried: list[str] = []
socket_guard.install(_tried.append)


@pytest.fixture(scope="session")
def guarded_children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Guard the Pythons that tests start; the file to which they write what they tried.

    A fixture, so that workers are not guarded as children of who started them.
    """
    report = tmp_path_factory.mktemp("connections") / "tried"
    report.touch()
    folders = [str(CHECKOUT / "tests" / "in_children"), os.environ.get("PYTHONPATH")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(socket_guard.REPORT, str(report))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
        yield report


@pytest.fixture(autouse=True)
def no_connection_leaves_the_computer(guarded_children: Path) -> Iterator[None]:
    """Fail a test if it, or a Python that it started, reached out; also if it hid the error."""
    yield
    children = guarded_children.read_text(encoding="utf-8").splitlines()
    tried = [*_tried, *children]
    _tried.clear()
    if children:
        os.truncate(guarded_children, 0)
    if tried:
        pytest.fail(f"reached beyond this computer: {', '.join(tried)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with the longest files, so that none is left alone with one at the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    name = item.path.relative_to(CHECKOUT / "tests").as_posix()
    return next((n for n, long in enumerate(_LONGEST) if name.startswith(long)), len(_LONGEST))


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    os.rmdir(_NO_MODELS)
