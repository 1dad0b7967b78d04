"""Paints on the screen only the rows of the editor that show something else than before.

Textual's editor has all of its rows painted whenever the cursor moves.  Here a row is painted again
when the strip drawn for it is another one.  What a row shows is for `CodeView`.
"""

from collections.abc import Collection
from typing import Any

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.code_view import CodeView
from tui.widgets.key_screen import KeyScreen

__all__ = ["CodeRepaint"]


class CodeRepaint(CodeView):
    """A view of code that is painted row by row, at once after a key; made as `CodeText` is.

    Each row of the view shows on the screen what `_painted` says, or waits to be painted.
    """

    _unchecked = False
    """Whether rows may show something else since they were compared."""
    _look: tuple[Any, ...] | None = None
    """What lies around and under all rows, when they were compared; None: paint them all."""
    _painted: tuple[Strip, ...] = ()
    """What each row of the view showed when they were compared."""

    def _set_dirty(self, *regions: Region) -> None:
        """Note that rows may show something else; `_check_rows` finds out which."""
        if regions:
            super()._set_dirty(*regions)
        self._unchecked = True

    def notify_style_update(self) -> None:
        """Have all rows painted: the styles changed."""
        self._look = None
        super().notify_style_update()

    def _check_refresh(self) -> None:
        """Have painted what changed, at once if that comes from a key; no message waits now."""
        if self._repaint_required and self.has_focus and isinstance(self.screen, KeyScreen):
            self._repaint_required = not self.screen.paint_key(self)
        super()._check_refresh()

    def _exchange_repaint_regions(self) -> Collection[Region]:
        """Return what is to be painted now; nothing before a layout that is due."""
        if self._layout_is_due():
            self.call_after_refresh(self.refresh)
            return ()
        self._check_rows()
        return super()._exchange_repaint_regions()

    def _layout_is_due(self) -> bool:
        """Return whether a part of the screen has appeared that has no place yet.

        Who asks for a place then has Textual compute all of them, and the layout that follows finds
        nothing new: neither the new part nor those that give way to it would hear their size.
        """
        if not self.is_attached:  # it has just been taken off the screen
            return False
        compositor = self.screen._compositor
        return compositor._full_map_invalidated and compositor._visible_map is None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return rows with all that surrounds them; whole ones if they are painted for others."""
        self._check_rows()
        return Widget.render_lines(self, crop)  # the stock editor's would apply its styles again

    def _check_rows(self) -> None:
        """Have those rows painted that show something else than when they were compared."""
        if not self._unchecked:
            return
        self._unchecked = False
        look = self._look_now()
        if look != self._look:
            self._drawn.clear()
            self._theme.apply_css(self)
        with self._drawing_rows():
            rows = tuple(map(self.render_line, range(self.size.height)))
        self._dirty_regions.clear()  # of no use to a widget that draws by row
        if look != self._look:
            super()._set_dirty()
        else:
            changed = [y for y, row in enumerate(rows) if not _same(row, self._painted[y])]
            if changed:
                super()._set_dirty(*(Region(0, y, self.size.width, 1) for y in changed))
        self._look, self._painted = look, rows

    def _look_now(self) -> tuple[Any, ...]:
        """Return all that the look of the view depends on beside its strips."""
        return (
            self.size,
            self.outer_size,
            self.content_offset,
            self.scrollable_content_region,
            self.background_colors,
            self.opacity,
            self.styles._cache_key,
            id(self._theme),
        )


def _same(one: Strip, other: Strip) -> bool:
    """Return whether two strips look alike; those from the cache of `CodeView` are the same one."""
    return one is other or one == other
