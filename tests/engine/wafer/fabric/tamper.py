"""Faults put into a simulation that stands still between two calls: wavelets bent or lost."""

import numpy as np

from engine.wafer.fabric import state
from engine.wafer.fabric.micro import MicroField


def waiting(fabric):
    """The channels that hold wavelets, int64."""
    return np.nonzero(fabric.queues[:, state.COUNT] > 0)[0]


def flip_bit(fabric, channel, bit=31):
    """Flip a bit of the first wavelet of a channel."""
    slot = state.SLOTS + 2 * fabric.queues[channel, state.HEAD]
    fabric.queues[channel, slot] ^= np.uint32(1 << bit).astype(np.int32)


def drop(fabric, channel):
    """Lose the first wavelet of a channel."""
    row = fabric.queues[channel]
    row[state.HEAD] = (row[state.HEAD] + 1) & row[state.MASK]
    row[state.COUNT] -= 1


def swap_sources(fabric, core):
    """Let the first two reductions of a core take each other's stream."""
    first, end = fabric.first[core : core + 2]
    takes = [at for at in range(first, end) if fabric.program[at, MicroField.INTO] >= 0][:2]
    fabric.program[takes, MicroField.INTO] = fabric.program[takes[::-1], MicroField.INTO]
