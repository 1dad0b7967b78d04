"""Collectives on rows of cores, as scenes: the shapes whose cycles have a closed form."""

import numpy as np

from engine.wafer.fabric.micro import Micro, Reduce, rate
from engine.wafer.fabric.network import EAST, RAMP, WEST, bit
from tests.engine.wafer.fabric.scenes import Scene


def values(cores, wavelets, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((cores, wavelets)).astype(np.float32)


def chain(spec, columns, wavelets, rows=1):
    """Every row's vectors are summed westwards: two colors, by parity of the sending column."""
    scene = Scene(spec, columns, rows)
    vectors = values(columns * rows, wavelets)
    scene.words = vectors.reshape(-1).view(np.int32).copy()
    inject = rate(spec.inject_cycles_per_wavelet)
    add = rate(spec.add_fp32_cycles_per_wavelet)
    for y in range(rows):
        for x in range(columns):
            if x > 0:
                scene.route(x % 2, x, y, bit(RAMP), bit(WEST))
                scene.route(x % 2, x - 1, y, bit(EAST), bit(RAMP))
            core = y * columns + x
            fields = dict(
                address=core * wavelets, count=wavelets, kind=int(Reduce.ADD_F32),
                setup=spec.dispatch_cycles, instruction=x % 8,
            )  # fmt: skip
            if x > 0:
                fields["out"] = x % 2
            if x < columns - 1:
                fields["into"] = (x + 1) % 2
            if x == columns - 1:
                scene.add(core, Micro.SEND, rate=inject, **fields)
            elif x > 0:
                scene.add(core, Micro.REDUCE_SEND, rate=max(inject, add), **fields)
            else:
                scene.add(core, Micro.REDUCE, rate=add, **fields)
    return scene


def chain_sums(scene, wavelets):
    """What the west column must hold: every core's own operand on the left."""
    vectors = scene.words.view(np.float32).reshape(scene.rows, scene.columns, wavelets)
    total = vectors[:, -1]
    for x in range(scene.columns - 2, -1, -1):
        total = vectors[:, x] + total
    return total


def multicast(spec, columns, wavelets, rows=1):
    """Column 0 sends its vector to all others of its row."""
    scene = Scene(spec, columns, rows)
    scene.words = np.zeros(columns * rows * wavelets, np.int32)
    for y in range(rows):
        for x in range(columns):
            core = y * columns + x
            fields = dict(address=core * wavelets, count=wavelets)
            taken = bit(WEST) if x else bit(RAMP)
            left = (bit(RAMP) if x else 0) | (bit(EAST) if x < columns - 1 else 0)
            scene.route(0, x, y, taken, left)
            if x == 0:
                scene.words[core * wavelets : (core + 1) * wavelets] = np.arange(1, wavelets + 1)
                scene.add(core, Micro.SEND, rate=rate(spec.inject_cycles_per_wavelet), out=0,
                          setup=spec.dispatch_cycles, **fields)  # fmt: skip
            else:
                scene.add(core, Micro.RECEIVE, into=0, **fields)
    return scene
