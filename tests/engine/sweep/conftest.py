"""A grid of a tiny model, whose plans take milliseconds; a Ray cluster of two nodes."""

import json
from importlib.util import find_spec

import pytest

from tests import socket_guard
from tests.tiny_families import FAMILY_CONFIGS


@pytest.fixture
def tiny_grid(tmp_path):
    """A grid file; ``contexts`` and more may be added."""
    (tmp_path / "tiny.json").write_text(json.dumps(FAMILY_CONFIGS["llama"]))

    def write(**lists):
        quick = {"machines": ["tiny"], "placements": ["8x8"], "dtypes": ["int8"]}
        lines = {"models": ["tiny.json"], "contexts": [8, 16], **quick, **lists}
        file = tmp_path / "grid.toml"
        file.write_text("".join(f"{name} = {json.dumps(each)}\n" for name, each in lines.items()))
        return file

    return write


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
    tried = tmp_path_factory.mktemp("cluster") / "tried"
    tried.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv(socket_guard.REPORT, str(tried))
        cluster = Cluster(initialize_head=True, head_node_args=node)
        cluster.add_node(**node)
    try:
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()
    # Ray's own page asks where it runs, and would report that nothing is reported: it is refused,
    # and no fault of ours.
    ours = [line for line in tried.read_text().splitlines() if "ray/dashboard/" not in line]
    assert not ours
