"""The answer to a question about cycles, and the checks that every question goes through.

A refusal says what was asked, the limit and what to do.
"""

from dataclasses import dataclass

from engine.errors import PredictionError
from engine.units import Gigahertz, seconds
from engine.wafer.figures.spreads import Spread
from engine.wafer.figures.waferllm import Operations
from engine.wafer.program.machine import MachineSpec

__all__ = ["LARGEST_SIZE", "Prediction", "check_choice", "check_size"]

LARGEST_SIZE = 10**9
"""A size above this is a slip."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer: wafer cycles and what they rest on."""

    cycles: int
    tier: str
    machine: MachineSpec
    calibrated: bool
    """False where no measurement of this machine was fitted."""
    asked: dict[str, object]
    """The question with every default filled in."""
    operations: Operations = ()
    """(name, cycles) of the parts, where there are any."""
    key: str = "cycles"
    """Name of the cycles in JSON."""
    spread: Spread | None = None
    """How far the truth may lie from them; None where they follow from a definition."""

    def as_json(self) -> dict[str, object]:
        """Return the object that ``--json`` prints."""
        clock = Gigahertz(self.machine.clock_ghz)
        answer: dict[str, object] = {
            self.key: self.cycles,
            "tier": self.tier,
            "machine": self.machine.name,
            "clock_ghz": self.machine.clock_ghz,
            "seconds": seconds(self.cycles, clock),
            "calibrated": self.calibrated,
            **self._range(),
        }
        parts = {"operations": {name: round(cycles, 1) for name, cycles in self.operations}}
        return answer | self.asked | (parts if self.operations else {})

    def _range(self) -> dict[str, object]:
        if self.spread is None:
            return {}
        low, high = self.spread.ends(self.cycles)
        return {"low": low, "likely": self.cycles, "high": high, "range_from": self.spread.basis}


def check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not among those allowed.

    Raises:
        PredictionError: The word is another one.
    """
    if value not in allowed:
        raise PredictionError(f"unknown {name} {value!r}: known are {', '.join(allowed)}")


def check_size(name: str, value: int, most: int, of: str) -> None:
    """Refuse a size below 1 or above ``most``; ``of`` names the things counted.

    Raises:
        PredictionError: The size is outside.
    """
    if not 1 <= value <= most:
        raise PredictionError(f"{name} is {value}: it must be 1 to {most} ({of})")
