"""A path as a newcomer would write it: everything widened to 32 bits, four outputs at a time."""

from llvmlite import ir

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.vector_code import I32, constant

LANES = 4
_V4, _V16 = ir.VectorType(I32, LANES), ir.VectorType(I32, 4 * LANES)


def dots(builder, storage, levels, inputs, total):
    sums = constant(_V4, 0)
    for some, row in zip(levels, inputs, strict=True):
        signed = builder.sub(builder.zext(some, _V16), constant(_V16, storage.zero))
        products = builder.mul(signed, builder.sext(row, _V16))
        for lane in range(4):
            picks = ir.Constant(_V4, [4 * output + lane for output in range(LANES)])
            undefined = ir.Constant(_V16, ir.Undefined)
            sums = builder.add(sums, builder.shuffle_vector(products, undefined, picks))
    return sums


TOY = DotPath("toy", (), LANES, dots)
