"""The storages with which each path is tried."""


def pytest_generate_tests(metafunc):
    """A test of `Exactness` that takes a storage's name runs with those of its class."""
    if "name" in metafunc.fixturenames and hasattr(metafunc.cls, "storages"):
        metafunc.parametrize("name", metafunc.cls.storages)
