"""A grid of a tiny model, whose plans take milliseconds; a Ray cluster of two nodes."""

import json
from importlib.util import find_spec

import pytest

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
def cluster_address():
    """The address of a cluster of two nodes, with a core each, on this computer."""
    if find_spec("ray") is None:
        pytest.skip("the extra 'ray' is not there")
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**node)
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()
