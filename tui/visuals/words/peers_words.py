"""The pane of other machines in words: a table, and where its figures come from."""

from engine.visible_text import visible
from tui.format import DASH, clock_text, count_text, file_size_text, joules_text, rate_text
from tui.visuals.peers_text import PeersView
from tui.visuals.words.word_table import word_table

__all__ = ["peers_words"]


def peers_words(view: PeersView) -> str:
    """Return a sentence, a table and the sources."""
    found = view.comparison
    if found is None:
        return f"Beside other machines: {view.note or 'known once the engine is ready.'}"
    rows = [
        (
            visible(each.name),
            rate_text(each.tokens_per_second),
            f"{each.clock}, {each.bound}",
            file_size_text(each.off_chip_bytes_per_token),
            DASH
            if each.synchronisations_per_token is None
            else count_text(each.synchronisations_per_token),
            joules_text(each.joules_per_token),
        )
        for each in found.peers
    ]
    head = ("machine", "tokens/s", "figures", "off chip", "syncs", "energy")
    return "\n".join(
        [
            f"One decoded token of {visible(found.model)} at batch 1, behind "
            f"{count_text(found.position)} rows, the wafer at {clock_text(found.clock_ghz)}. "
            "Published figures are rooflines: the most that their peaks allow.",
            word_table(head, rows),
            *(f"{visible(each.name)}: {visible(each.source)}" for each in found.peers),
        ]
    )
