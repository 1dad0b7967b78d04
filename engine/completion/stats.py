"""What a completion took: host time as measured, wafer time as the wafer prices its steps."""

from dataclasses import dataclass
from typing import Protocol

from engine.generation.generator import Generation, RunnerStep
from engine.protocol.completion import HostStats, WaferStats
from engine.protocol.messages import MachineInfo
from engine.units import Gigahertz, tokens_per_second

__all__ = ["StepPrices", "WaferMeter", "host_stats"]


class StepPrices(Protocol):
    """Prices a step of the runner in wafer time."""

    def step_cycles(self, position: int, rows: int, last: int) -> int:
        """Return the cycles of a step of ``rows`` tokens appended at ``position``.

        The ``last`` of them have logits.
        """
        ...

    def mac_utilisation(self, position: int) -> float:
        """Return the share of all multiply slots that one decode step at ``position`` uses."""
        ...


@dataclass(frozen=True, slots=True)
class WaferMeter:
    """Turns the steps of a generation into wafer time."""

    machine: MachineInfo
    prices: StepPrices
    context_length: int
    """Rows the KV cache can hold."""

    def cycles(self, step: RunnerStep) -> int:
        """Return the cycles of one step."""
        return self.prices.step_cycles(step.position, step.rows, step.logits)

    def stats(self, generation: Generation) -> WaferStats:
        """Return the wafer time of a generation.

        Without a decode step, its figures per token are those of one after the prompt.
        """
        after = min(generation.prompt_tokens, self.context_length - 1)
        decoded = [step for step in generation.steps if step.decode] or [
            RunnerStep(after, 1, decode=True, seconds=0.0)
        ]
        cycles = sum(self.cycles(step) for step in decoded)
        per_token = cycles / sum(step.used for step in decoded)
        machine = self.machine
        return WaferStats(
            machine=machine.name,
            clock_ghz=machine.clock_ghz,
            program=machine.program,
            cores_used=machine.cores_used,
            cycles_prefill=sum(self.cycles(step) for step in generation.steps if not step.decode),
            cycles_per_token=per_token,
            tokens_per_second=tokens_per_second(per_token, Gigahertz(machine.clock_ghz)),
            mac_utilisation=sum(map(self._busy, decoded)) / cycles,
            sram_bytes_per_core_max=max(r.sram_bytes["max_total"] for r in machine.regions),
        )

    def _busy(self, step: RunnerStep) -> float:
        """Return the cycles that the multiply-accumulates of a step's rows alone would take."""
        return sum(
            self.prices.mac_utilisation(position) * self.prices.step_cycles(position, 1, 1)
            for position in range(step.position, step.position + step.rows)
        )


def host_stats(
    generation: Generation, first_text_seconds: float, trim_seconds: float = 0.0
) -> HostStats:
    """Return the host time of a generation whose first text came after so many seconds.

    Args:
        generation: The steps.
        first_text_seconds: From the request to its first text.
        trim_seconds: What cutting the text took.
    """
    decode_seconds = generation.seconds(decode=True)
    decoded = sum(step.used for step in generation.steps if step.decode)
    return HostStats(
        prefill_ms=generation.seconds(decode=False) * 1e3,
        decode_ms=decode_seconds * 1e3,
        first_text_ms=first_text_seconds * 1e3,
        tokens_per_second=decoded / decode_seconds if decoded else None,
        guessed_tokens=sum(step.logits - 1 for step in generation.steps),
        accepted_tokens=sum(step.used - 1 for step in generation.steps),
        trim_ms=trim_seconds * 1e3,
    )
