"""A screen on which a key is painted at once, before anything else that waits to be painted.

Textual paints at most 60 times a second, all that changed together: a key that comes just after the
panes were painted would wait for the rest of that time, and then for the panes' next paint.  Here a
widget that has the keyboard paints itself from the key, and the others are painted one by one, so
that a key waits for one of them at most.  What a widget shows is its own affair.
"""

import asyncio
import time
from typing import Any

from textual import events
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from tui.widgets.span_compositor import SpanCompositor

__all__ = ["KeyApp", "KeyScreen"]


class KeyScreen(Screen[Any]):
    """The screen of an app, which says when a key comes; a widget asks for the paint."""

    _key_waits = False
    """Whether a key came that no paint has shown yet."""
    _fresh = False
    """Whether a key came since all was painted: it may change what is seen more than once."""
    _held = False
    """Whether a paint of all was put off for that key: once at most, as the key may change nothing
    that its widget shows."""
    _painter: Widget | None = None
    """The widget that asked last for the paint of a key."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._compositor = SpanCompositor()

    def key_came(self) -> None:
        """Hear of a key before it is handled."""
        self._key_waits, self._fresh, self._held = True, True, False

    def paint_key(self, widget: Widget) -> bool:
        """Paint what a key changed in ``widget``, where it stands now, and nothing else.

        Returns:
            Whether it is painted; if no key came, it is painted with the others.
        """
        self._painter = widget
        if not self._fresh or not self.is_current or self.app._batch_count:
            return False
        self._key_waits = False
        self._paint_only(widget)
        return True

    def _on_timer_update(self) -> None:
        """Paint all that waits; between a key and its paint, put that off until the next time."""
        if self._key_waits and not self._held and self._painter is self.focused:
            self._held = True
            return  # the timer goes on
        self._key_waits = self._fresh = False
        if self._widgets_alone_wait():
            self._paint_next()  # the timer goes on until nothing waits
        else:
            super()._on_timer_update()

    def _widgets_alone_wait(self) -> bool:
        """Return whether several widgets are to be painted where they stand, and no more."""
        waits_more = self._layout_required or self._scroll_required or self._repaint_required
        return (
            len(self._dirty_widgets) > 1
            and not (waits_more or self._recompose_required)
            and self.is_current
            and not self.app._batch_count
        )

    def _paint_next(self) -> None:
        """Paint one widget of those that wait, then let whatever came meanwhile go first."""
        if self._key_waits or not self._widgets_alone_wait():
            return  # for the timer
        first = min(self._dirty_widgets, key=lambda widget: widget is not self.focused)
        self._paint_only(first)
        self.call_later(self._paint_another)

    async def _paint_another(self) -> None:
        """Paint the next one after all tasks had a turn: a message alone would come before them."""
        await asyncio.sleep(0)
        self._paint_next()

    def _paint_only(self, widget: Widget) -> None:
        """Paint a widget now; what else waits goes on waiting."""
        others = self._dirty_widgets - {widget}
        self._compositor.update_widgets({widget})
        self._compositor_refresh()  # forgets the others, too
        self._dirty_widgets |= others


class KeyApp(App[None]):
    """An app whose first screen is a `KeyScreen`, which it tells of keys."""

    key_at = 0.0
    """When the last key came, by `time.monotonic`."""

    def get_default_screen(self) -> Screen[Any]:
        """Return the screen on which keys are painted at once."""
        return KeyScreen(id="_default")

    async def on_event(self, event: events.Event) -> None:
        """Tell the screen of a key, or of a paste, before it is handled."""
        if isinstance(event, events.Key | events.Paste):
            self.key_at = time.monotonic()
            if isinstance(self.screen, KeyScreen):
                self.screen.key_came()
        await super().on_event(event)
