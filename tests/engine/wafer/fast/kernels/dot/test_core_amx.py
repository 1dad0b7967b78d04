"""The path of AMX: many rows by tile registers, few as the VNNI path multiplies them."""

from engine.wafer.fast.kernels.dot.amx import AMX
from tests.engine.wafer.fast.kernels.dot.exactness import Exactness, needs


@needs(AMX)
class TestAmx(Exactness):
    path = AMX
    instructions = ("vpdpbusd.512", "half")
    wide_instructions = ("tdpbssd", "ldtilecfg", "tilerelease")
