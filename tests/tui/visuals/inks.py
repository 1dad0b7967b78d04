"""The inks of no theme, and the width of what is drawn with them."""

from rich.text import Text

from tui.visuals.inks import inks_from

INKS = inks_from({})


def widths(text: Text) -> list[int]:
    """Return the cells of each line."""
    return [line.cell_len for line in text.split("\n", allow_blank=True)]
