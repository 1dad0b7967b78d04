"""The colors that `plan --check` counts at every core are those of the lowered chip."""

import numpy as np
import pytest

from engine.wafer.fabric.lower import lower
from engine.wafer.fabric.micro import Micro, MicroField
from engine.wafer.place.lanes import row_y
from engine.wafer.plan.color_use import color_use
from engine.wafer.program import machine
from tests.wafers import placed, random_model, random_placement

SMALL = machine.get("small")


def channels_by_core(chip, field):
    """How many channels each core of the network names in its program, int64 (rows, columns)."""
    core = np.repeat(np.arange(chip.first.size - 1), np.diff(chip.first))
    named = chip.instructions[:, field]
    talks = (chip.instructions[:, MicroField.OP] != Micro.COMPUTE) & (named >= 0)
    pairs = np.unique(np.stack([core[talks], named[talks]]), axis=1)
    counted = np.bincount(pairs[0], minlength=chip.network.columns * chip.network.rows)
    return counted.reshape(chip.network.rows, chip.network.columns)


@pytest.mark.parametrize("seed", range(12))
def test_as_many_colors_as_channels_in_every_core(seed):
    random = np.random.default_rng(seed)
    model = random_model(random)
    placement = random_placement(random, model, SMALL)
    compiled, _ = placed(model, SMALL, placement)

    chip = lower(compiled, placement, model.tensors, rows=1, context=4)

    taken = channels_by_core(chip, MicroField.INTO)
    given = channels_by_core(chip, MicroField.OUT)
    for index, region in enumerate(placement.regions):
        use = color_use(compiled, index)
        ys = [row_y(region, row) - chip.corner[1] for row in range(region.height)]
        xs = np.arange(region.width) + region.x - chip.corner[0]
        for counted, colors in ((taken, use.taken), (given, use.given)):
            assert np.array_equal(use.counted(colors), counted[np.ix_(ys, xs)]), region.label
            assert use.counted(colors).max() <= 6, "more queues than a program has on WSE-3"
