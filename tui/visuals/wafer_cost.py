"""What a text took on the wafer, in words; of another engine's text what it would take there.

Plain text, for the command line too.
"""

from engine.protocol.completion import WaferStats
from tui.format import clock_text, count_text

__all__ = ["REMOTE", "cycles_text", "rate_text_of"]

REMOTE = "remote, not on the wafer"
"""Stands wherever another engine computed."""


def cycles_text(wafer: WaferStats | None) -> str:
    """Return the wafer time of a token: cycles first, then a rate at the named clock."""
    if wafer is None:
        return f"{REMOTE}; its configuration is not known, so it has no price there"
    where = f"{REMOTE}; there it would take" if wafer.priced_only else "wafer"
    return (
        f"{where} {count_text(wafer.cycles_per_token)} cycles/token"
        f" ({count_text(wafer.tokens_per_second)}/s at {clock_text(wafer.clock_ghz)},"
        f" {wafer.machine})"
    )


def rate_text_of(wafer: WaferStats | None) -> str:
    """Return the wafer's tokens per second at its clock, in few words."""
    if wafer is None:
        return REMOTE
    where = "remote; on the wafer it would be" if wafer.priced_only else "wafer"
    return (
        f"{where} {count_text(wafer.tokens_per_second)} tokens/s at {clock_text(wafer.clock_ghz)}"
    )
