"""The path of AVX512-VNNI."""

from engine.wafer.fast.kernels.dot.vnni import VNNI
from tests.engine.wafer.fast.kernels.dot.exactness import Exactness, needs


@needs(VNNI)
class TestVnni(Exactness):
    path = VNNI
    instructions = ("vpdpbusd", "half")
