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

    def step_cycles(self, position: int, rows: int) -> int:
        """Return the cycles of one step of ``rows`` tokens appended at ``position``."""
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
        return self.prices.step_cycles(step.position, step.rows)

    def stats(self, generation: Generation) -> WaferStats:
        """Return the wafer time of a generation.

        Without a decode step, its figures per token are those of one after the prompt.
        """
        decoded = [step.position for step in generation.steps if step.decode]
        positions = decoded or [min(generation.prompt_tokens, self.context_length - 1)]
        cycles = [self.prices.step_cycles(position, 1) for position in positions]
        busy = sum(
            self.prices.mac_utilisation(position) * taken
            for position, taken in zip(positions, cycles, strict=True)
        )
        per_token = sum(cycles) / len(cycles)
        machine = self.machine
        return WaferStats(
            machine=machine.name,
            clock_ghz=machine.clock_ghz,
            program=machine.program,
            cores_used=machine.cores_used,
            cycles_prefill=sum(self.cycles(step) for step in generation.steps if not step.decode),
            cycles_per_token=per_token,
            tokens_per_second=tokens_per_second(per_token, Gigahertz(machine.clock_ghz)),
            mac_utilisation=busy / sum(cycles),
            sram_bytes_per_core_max=max(r.sram_bytes["max_total"] for r in machine.regions),
        )


def host_stats(generation: Generation, first_text_seconds: float) -> HostStats:
    """Return the host time of a generation whose first text came after so many seconds."""
    decode_seconds = generation.seconds(decode=True)
    decode_steps = sum(step.decode for step in generation.steps)
    return HostStats(
        prefill_ms=generation.seconds(decode=False) * 1e3,
        decode_ms=decode_seconds * 1e3,
        first_text_ms=first_text_seconds * 1e3,
        tokens_per_second=decode_steps / decode_seconds if decode_steps else None,
    )
