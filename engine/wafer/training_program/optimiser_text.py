"""AdamW in a training program: every core moves its own weights, without a wavelet.

Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2; a root
is taken as s · rsqrt(s).
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from engine.wafer.ops.site import ALL, WEST
from engine.wafer.training_program.instructions import VectorPart
from engine.wafer.training_program.program_text import (
    ProgramText,
    add,
    divide,
    minus,
    multiply,
    number,
    rsqrt,
)

__all__ = ["AdamWRates", "adamw"]


@dataclass(frozen=True, slots=True)
class AdamWRates:
    """Constants of a step."""

    step: int
    """Its number, from 1 on."""
    rate: float
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    decay: float = 0.0


def adamw(text: ProgramText, rates: AdamWRates, others: Collection[str] = ()) -> None:
    """Write the step of all weights but ``others``; their gradients are zero afterwards."""
    memory = text.memory
    weights = [name for name, use in memory.uses.items() if use == "weights" and name not in others]
    longest = max(memory.size(name) for name in weights)
    room = memory.take("moved", longest, "buffers")
    for name in weights:
        parts = _moved(text, name, room, rates)
        text.work(WEST if name.endswith("norm") else ALL, *parts)


def _moved(text: ProgramText, name: str, room: int, rates: AdamWRates) -> Iterator[VectorPart]:
    memory = text.memory
    weight, count = memory[name], memory.size(name)
    gradient = memory[f"gradient {name}"]
    mean = memory.take(f"mean {name}", count, "optimiser")
    square = memory.take(f"square {name}", count, "optimiser")
    keep_mean, keep_square = rates.betas
    yield minus(room, gradient, mean, count)
    yield number("multiply", room, room, 1.0 - keep_mean, count)
    yield add(mean, mean, room, count)
    yield number("multiply", square, square, keep_square, count)
    yield multiply(room, gradient, gradient, count)
    yield number("multiply", room, room, 1.0 - keep_square, count)
    yield add(square, square, room, count)
    yield rsqrt(room, square, count)
    yield multiply(room, room, square, count)
    yield number("divide", room, room, math.sqrt(1.0 - keep_square**rates.step), count)
    yield number("add", room, room, rates.epsilon, count)
    yield divide(room, mean, room, count)
    yield number("multiply", room, room, rates.rate / (1.0 - keep_mean**rates.step), count)
    yield number("multiply", weight, weight, 1.0 - rates.rate * rates.decay, count)
    yield minus(weight, weight, room, count)
    yield number("move", gradient, gradient, 0.0, count)
