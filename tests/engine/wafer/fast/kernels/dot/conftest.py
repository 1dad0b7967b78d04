"""The storages with which each path is tried."""

from tests.engine.wafer.fast.kernels.dot.exactness import is_tried


def pytest_generate_tests(metafunc):
    """A test of `Exactness` that takes a storage's name runs with those of its class."""
    if "name" in metafunc.fixturenames and hasattr(metafunc.cls, "storages"):
        names = [name for name in metafunc.cls.storages if is_tried(metafunc.cls.path, name)]
        metafunc.parametrize("name", names)
