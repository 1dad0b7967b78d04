"""The portable path, which every processor has."""

from engine.wafer.fast.kernels.dot.portable import PORTABLE
from tests.engine.wafer.fast.kernels.dot.exactness import Exactness


class TestPortable(Exactness):
    path = PORTABLE
