"""Traces that several tests read: a tiny model in two blocks and a head, two tokens."""

import pytest

from tests.engine.wafer.trace.scene import traced


@pytest.fixture(scope="session")
def simulated():
    return traced("cycle", tokens=2)


@pytest.fixture(scope="session")
def whole():
    """All cores of the chip."""
    trace = traced("cycle", tokens=1)
    return traced("cycle", tokens=1, region=(*trace.corner, trace.columns, trace.rows))


@pytest.fixture(scope="session")
def by_formula():
    return traced("fast", tokens=2)
