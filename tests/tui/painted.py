"""What the terminal shows of an editor after all paints, and what a whole paint would show."""

from typing import Any

from rich.cells import cell_len
from rich.segment import ControlType, Segment
from textual._compositor import CompositorUpdate
from textual._styles_cache import StylesCache
from textual.app import App

from tui.code.row_colours import RowColours
from tui.widgets.code_repaint import CodeRepaint

Cell = tuple[str, Any]


class Painted:
    """A screen of cells; made before the app runs, it follows every update of the screen.

    Args:
        app: The app to follow.
    """

    def __init__(self, app: App[Any]) -> None:
        self.cells: dict[tuple[int, int], Cell] = {}
        self.rows_painted: set[int] = set()
        """Rows that were painted since somebody cleared this."""
        self._app = app
        self._display = app._display
        app._display = self._displayed  # type: ignore[method-assign]

    def _displayed(self, screen: Any, update: Any) -> None:
        if isinstance(update, CompositorUpdate):
            self._take(update)
        self._display(screen, update)

    def _take(self, update: Any) -> None:
        console = self._app.console
        x = y = 0
        for segment in update.__rich_console__(console, console.options):
            if segment.control:
                for kind, *place in segment.control:
                    assert kind is ControlType.CURSOR_MOVE_TO
                    x, y = place
            elif segment.text != "\n":
                x = self._put(x, y, segment)

    def _put(self, x: int, y: int, segment: Segment) -> int:
        """Put a segment on the screen; return the column after it."""
        self.rows_painted.add(y)
        for cell in _cells(segment):
            self.cells[x, y] = cell
            x += 1
        return x

    def paint(self) -> None:
        """Have painted what waits for the next frame."""
        self._app.screen._on_timer_update()

    def shown(self, editor: CodeRepaint) -> list[list[Cell]]:
        """Return the cells of the screen on which the editor lies, by row; without scroll bars."""
        left, top, width, height = editor.scrollable_content_region.translate(editor.region.offset)
        return [
            [self.cells[x, y] for x in range(left, left + width)] for y in range(top, top + height)
        ]

    def whole(self, editor: CodeRepaint) -> list[list[Cell]]:
        """Return the cells of a whole paint of the editor, which uses nothing kept from before."""
        kept = editor._styles_cache, editor._drawn, editor._colours
        editor._styles_cache, editor._drawn = StylesCache(), {}
        editor._colours = RowColours(
            editor.document, editor._grammar, fenced=editor.language_name == "markdown"
        )
        try:
            strips = editor.render_lines(editor.scrollable_content_region)
        finally:
            editor._styles_cache, editor._drawn, editor._colours = kept
        return [[cell for part in strip for cell in _cells(part)] for strip in strips]


def _cells(segment: Segment) -> list[Cell]:
    """Return the cells of a segment; what has no width belongs to the cell before it."""
    cells: list[Cell] = []
    for character in segment.text:
        width = cell_len(character)
        if not width and cells:
            cells[-1] = (cells[-1][0] + character, segment.style)
        cells += [(character, segment.style), ("", segment.style)][:width]
    return cells
