"""What the tokens of another engine would take on the wafer, as a line of a pane."""

from rich.text import Text

from engine.protocol.messages import MachineInfo
from tui.format import count_text
from tui.visuals.inks import Inks

__all__ = ["price_text"]


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
