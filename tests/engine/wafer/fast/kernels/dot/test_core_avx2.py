"""The path of AVX2."""

from engine.wafer.fast.kernels.dot.avx2 import AVX2
from tests.engine.wafer.fast.kernels.dot.exactness import Exactness, needs


@needs(AVX2)
class TestAvx2(Exactness):
    path = AVX2
    instructions = ("pmadd.ub.sw", "psign.b", "half")
    wide_instructions = ("pmadd.ub.sw", "psign.b")
