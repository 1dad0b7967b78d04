"""Counts what the server has written, and prints the counts as Prometheus reads them.

A name says its clock: ``host`` is what this computer took, ``wafer`` is emulated cycles.  Three
names of llama.cpp's server, all of host time, are there for boards that ask for these.
"""

from dataclasses import dataclass

from engine.protocol.asking import AskReply
from engine.protocol.completion import Completion

__all__ = ["Metrics"]


@dataclass
class Metrics:
    """Totals since the server began."""

    requests: int = 0
    prompt_tokens: int = 0
    """Computed; what the KV cache held is not in it."""
    cached_tokens: int = 0
    tokens: int = 0
    host_prefill_ms: float = 0.0
    host_decode_ms: float = 0.0
    wafer_prefill_cycles: int = 0
    wafer_decode_cycles: float = 0.0
    guessed_tokens: int = 0
    accepted_tokens: int = 0
    refused: int = 0
    """Requests that got an error."""
    abandoned: int = 0
    """Requests whose client went away before the end."""

    def count(self, answer: Completion | AskReply) -> None:
        """Add what one answer took."""
        self.requests += 1
        self.prompt_tokens += answer.prompt_tokens - answer.cached_tokens
        self.cached_tokens += answer.cached_tokens
        self.tokens += answer.completion_tokens
        self.host_prefill_ms += answer.host.prefill_ms
        self.host_decode_ms += answer.host.decode_ms
        if answer.wafer is not None and not answer.wafer.priced_only:
            self.wafer_prefill_cycles += answer.wafer.cycles_prefill
            self.wafer_decode_cycles += answer.wafer.cycles_per_token * answer.completion_tokens
        self.guessed_tokens += answer.host.guessed_tokens
        self.accepted_tokens += answer.host.accepted_tokens

    def page(self, *, processing: int, waiting: int) -> str:
        """Return all counts as a page in Prometheus' text format, version 0.0.4.

        Args:
            processing: Requests that are computed now.
            waiting: Requests that wait for their turn.
        """
        rate = self.tokens / (self.host_decode_ms / 1e3) if self.host_decode_ms else 0.0
        lines: list[str] = []
        for name, kind, meaning, value in (
            ("requests_total", "counter", "Requests answered.", self.requests),
            ("requests_refused_total", "counter", "Requests refused.", self.refused),
            ("requests_abandoned_total", "counter", "Requests given up.", self.abandoned),
            ("prompt_tokens_total", "counter", "Prompt tokens computed.", self.prompt_tokens),
            ("cached_tokens_total", "counter", "Prompt tokens reused.", self.cached_tokens),
            ("tokens_total", "counter", "Tokens written.", self.tokens),
            ("guessed_tokens_total", "counter", "Tokens guessed ahead.", self.guessed_tokens),
            ("accepted_tokens_total", "counter", "Guesses that held.", self.accepted_tokens),
            ("host_prefill_seconds_total", "counter", "Host time (measured) of prefill.",
             self.host_prefill_ms / 1e3),
            ("host_decode_seconds_total", "counter", "Host time (measured) of decode.",
             self.host_decode_ms / 1e3),
            ("wafer_prefill_cycles_total", "counter", "Wafer cycles (emulated) of prefill.",
             self.wafer_prefill_cycles),
            ("wafer_decode_cycles_total", "counter", "Wafer cycles (emulated) of decode.",
             self.wafer_decode_cycles),
        ):  # fmt: skip
            lines += _entry(f"spark_tui_{name}", kind, meaning, value)
        for name, kind, meaning, value in (
            ("prompt_tokens_total", "counter", "Prompt tokens computed.", self.prompt_tokens),
            ("tokens_predicted_total", "counter", "Tokens written.", self.tokens),
            ("predicted_tokens_seconds", "gauge", "Mean host rate of decode, tokens/s.", rate),
            ("requests_processing", "gauge", "Requests that are computed.", processing),
            ("requests_deferred", "gauge", "Requests that wait.", waiting),
        ):
            lines += _entry(f"llamacpp:{name}", kind, meaning, value)
        return "\n".join(lines) + "\n"


def _entry(name: str, kind: str, meaning: str, value: float) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", f"{name} {value:.12g}"]
