"""The paths of VNNI, with vectors of 512 bits and of 256."""

from engine.wafer.fast.kernels.dot.vnni import AVX_VNNI, VNNI
from tests.engine.wafer.fast.kernels.dot.exactness import Exactness, needs


@needs(VNNI)
class TestVnni(Exactness):
    path = VNNI
    instructions = ("vpdpbusd.512", "half")
    wide_instructions = ("vpdpbusd.512",)


@needs(AVX_VNNI)
class TestAvxVnni(Exactness):
    path = AVX_VNNI
    instructions = ("vpdpbusd.256", "half")
    wide_instructions = ("vpdpbusd.256",)
