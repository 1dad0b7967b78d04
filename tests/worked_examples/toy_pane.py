"""A pane as CONTRIBUTING describes it, in one file: it counts completions and draws the count.

In the program its text would lie in `tui/visuals`, its widget in `tui/widgets`, and
`tui.pane_registry` would name it.
"""

from rich.text import Text

from engine.protocol.completion import Completion
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.widgets.pane import TextPane


def count_text(count: int, width: int, inks: Inks) -> Text:
    """Return the count as one line of at most ``width`` cells."""
    text = Text(f"{count} completions", style=inks.host, end="")
    text.truncate(width, overflow="ellipsis")
    return text


class CountPane(TextPane):
    """How many completions there were."""

    NAME = "count"
    TITLE = "completions"
    HELP = "**Completions.** How many the engine has answered since the app started."
    ROWS = PaneRows(by_height=((40, 3),))

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def show_completion(self, completion: Completion) -> None:
        """Count one more."""
        self._count += 1
        self.refresh()

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return the count."""
        return count_text(self._count, width, inks)
