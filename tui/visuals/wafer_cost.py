"""What a text took on the wafer, in words; of another engine's text what it would take there."""

from rich.text import Text

from engine.protocol.completion import WaferStats
from engine.protocol.messages import MachineInfo
from tui.format import clock_text, count_text
from tui.visuals.inks import Inks

__all__ = ["REMOTE", "cycles_text", "price_text", "rate_text_of"]

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


def price_text(machine: MachineInfo, cycles_per_token: float | None, inks: Inks) -> Text:
    """Return what the tokens of a remote model would take on a machine.

    Args:
        machine: Without cores in use where the model has no price.
        cycles_per_token: Of the last tokens; None before there were any.
        inks: Colours.
    """
    text = Text(end="", no_wrap=True, overflow="ellipsis")
    if not machine.cores_used:
        return text.append("no price: its configuration is not known", style=inks.muted)
    text.append(f"on {machine.name} ", style=inks.wafer)
    cost = "" if cycles_per_token is None else f"{count_text(cycles_per_token)} cycles/token, "
    return text.append(f"it would take {cost}{count_text(machine.cores_used)} cores", inks.muted)


def rate_text_of(wafer: WaferStats | None) -> str:
    """Return the wafer's tokens per second at its clock, in few words."""
    if wafer is None:
        return REMOTE
    where = "remote; on the wafer it would be" if wafer.priced_only else "wafer"
    return (
        f"{where} {count_text(wafer.tokens_per_second)} tokens/s at {clock_text(wafer.clock_ghz)}"
    )
