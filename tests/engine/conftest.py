"""Other models than the bundled ones, other users than who runs the tests, and a Ray cluster."""

import os
import shutil
import tempfile
from importlib.util import find_spec

import pytest

from engine.model_store import bundled
from tests import socket_guard


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A folder of bundled models in place of the program's own."""
    root = tmp_path / "weights"
    root.mkdir()
    (root / "no-model").mkdir()
    monkeypatch.setattr(bundled, "files", lambda package: root)
    return root


@pytest.fixture
def another_user(monkeypatch):
    """Return a function after which all that was made before belongs to somebody else."""
    user = os.geteuid()
    return lambda: monkeypatch.setattr(os, "geteuid", lambda: user + 1)


@pytest.fixture(scope="session")
def cluster_address(guarded_children, tmp_path_factory):
    """The address of a cluster of two nodes, with a core each, on this computer."""
    if find_spec("ray") is None:
        pytest.skip("the extra 'ray' is not there")
    import ray
    from ray.cluster_utils import Cluster

    # By itself Ray uses an address that others can reach, which tests may not, also for 127.0.0.1.
    here = {"node_ip_address": "127.0.0.2"}
    node = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False, **here}
    folder = tempfile.mkdtemp(prefix="spark-")  # short, as a socket's path must be
    tried = tmp_path_factory.mktemp("cluster") / "tried"
    tried.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv(socket_guard.REPORT, str(tried))
        for name in ("SPARK_RUNTIME_DIR", "SPARK_STATE_DIR"):
            patch.setenv(name, folder)
        cluster = Cluster(initialize_head=True, head_node_args=node)
        cluster.add_node(**node)
    try:
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()
        shutil.rmtree(folder)
    # Ray's own page asks where it runs, and would report that nothing is reported: it is refused,
    # and no fault of ours.
    ours = [line for line in tried.read_text().splitlines() if "ray/dashboard/" not in line]
    assert not ours
