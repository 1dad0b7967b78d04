"""One row of what a search through files found, and the line that sums it up."""

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from engine.visible_text import visible
from tui.format import count_text
from tui.search.found_rows import FoundRow, FoundRows
from tui.search.in_files import FoundMatch
from tui.visuals.inks import Inks

__all__ = ["found_row_text", "found_sum_text"]

_NUMBER = 6
"""Cells of a line's number."""


def found_row_text(row: FoundRow, new: str | None, width: int, inks: Inks) -> Text:
    """Return a row in exactly ``width`` cells.

    Args:
        row: A file or a match.
        new: What would stand in place of the match; None if nothing is to be replaced.
        width: Cells.
        inks: Colours.
    """
    replacing = new is not None
    text = Text(end="", no_wrap=True)
    if replacing:
        tick = "☑ " if row.ticked else "☐ "
        text.append(tick, style=inks.good if row.ticked else inks.muted)
    if row.match is None:
        text.append(visible(row.file.name), style=f"bold {inks.text}")
        count = count_text(len(row.file.matches)) + ("" if row.file.whole else "+")
        text.append(f"  {count}", style=inks.muted)
    else:
        number = count_text(row.match.place.start[0] + 1)
        text.append(f"{number:>{_NUMBER}}  ", style=inks.muted)
        room = width - text.cell_len
        text.append_text(_match_text(row.match, new if row.ticked else None, room, inks))
    text.truncate(width, overflow="ellipsis", pad=True)
    return text


def found_sum_text(found: FoundRows, searched: int, unread: int, remark: str) -> str:
    """Return in one line what was found where, and what was left out."""
    matches = f"{count_text(found.match_count)} match{'' if found.match_count == 1 else 'es'}"
    files = f"{count_text(len(found.files))} file{'' if len(found.files) == 1 else 's'}"
    parts = [f"{matches} in {files}, {count_text(searched)} searched"]
    if unread:
        parts.append(f"{count_text(unread)} left out: private, large or no text")
    return "; ".join(filter(None, [*parts, remark]))


def _match_text(match: FoundMatch, new: str | None, room: int, inks: Inks) -> Text:
    """Return a match in its line; the line is cut so that the match is seen."""
    left, old, right = visible(match.left.lstrip()), _one_line(match.text), match.right.rstrip()
    inside = cell_len(old) + (0 if new is None else 1 + cell_len(_one_line(new)))
    most = max(room // 3, room - inside - min(cell_len(visible(right)), room // 2))
    if cell_len(left) > most:
        left = "…" + set_cell_size(left[::-1], max(0, most - 1))[::-1]
    text = Text(left, style=inks.text, end="")
    if new is None:
        text.append(old, style=f"{inks.ground} on {inks.caution}")
    else:
        text.append(old, style=f"strike {inks.bad}")
        text.append("→", style=inks.muted)
        text.append(_one_line(new), style=f"bold {inks.good}")
    return text.append(visible(right), style=inks.text)


def _one_line(text: str) -> str:
    return visible(text.replace("\n", "↵"))
