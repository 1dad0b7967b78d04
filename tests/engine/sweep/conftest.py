"""A grid of a tiny model, whose plans take milliseconds; a Ray cluster of two nodes."""

import json
import socket
from contextlib import ExitStack
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

    cluster = Cluster(initialize_head=True, head_node_args=node_options())
    try:
        cluster.add_node(**node_options())
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()


def node_options():
    """What a node of a test is like.

    A node whose agents choose their own ports waits 15 s for them and then ends itself; on a busy
    computer they need longer.
    """
    names = (
        "metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port",
        "runtime_env_agent_port",
    )  # fmt: skip
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.socket()) for _ in names]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in sockets]
    return {
        "num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False,
        **dict(zip(names, ports, strict=True)),
    }  # fmt: skip
