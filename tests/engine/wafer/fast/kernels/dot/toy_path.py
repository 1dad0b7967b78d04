"""A path as a newcomer would write it: scalar loops, signed weights, runs of eight inputs."""

from numba.core import cgutils

from engine.wafer.fast.kernels.dot.dot_path import DotPath
from engine.wafer.fast.kernels.dot.panel_layout import GROUP, PANEL, TileLayout
from engine.wafer.fast.kernels.dot.vector_code import F32, I32

RUN = 8


def emit(builder, tile, rows):
    for row in rows:
        with cgutils.for_range(builder, I32(PANEL)) as output:
            total = cgutils.alloca_once_value(builder, I32(0))
            for k in range(GROUP):
                number = builder.add(
                    builder.mul(output.index, I32(RUN)), I32(k // RUN * PANEL * RUN + k % RUN)
                )
                weight = builder.sext(builder.load(builder.gep(tile.weights, [number])), I32)
                level = builder.sext(builder.load(builder.gep(row.levels, [I32(k)])), I32)
                builder.store(builder.add(builder.load(total), builder.mul(weight, level)), total)
            add(builder, tile, row, output.index, builder.load(total))


def add(builder, tile, row, output, dot):
    factor = builder.load(builder.gep(tile.scales, [output]))
    scale = builder.fmul(factor, builder.load(row.scale))
    place = builder.gep(row.part, [output])
    term = builder.fmul(builder.sitofp(dot, F32), scale)
    builder.store(builder.fadd(builder.load(place), term), place)


TOY = DotPath("toy", (), TileLayout(run=RUN, bias=0), emit)
