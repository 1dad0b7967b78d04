"""The memory pane: where the model lies, what fills a core, how full the KV cache is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from rich.text import Text
from textual.app import App, ComposeResult

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady
from tui.app_messages import TelemetryUpdated
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.visuals.memory_text import MemoryView, memory_text
from tui.visuals.words.memory_words import memory_words
from tui.widgets.pane import TextPane

__all__ = ["MemoryPane"]


class MemoryPane(TextPane):
    """The model, its placement, the fullest cores' SRAM and the fill of the KV cache."""

    NAME = "memory"
    TITLE = "model and memory"
    ROWS = PaneRows(by_height=((46, 16), (36, 14)))
    HELP = """\
**Model and memory.** The model, the types of its weights (bytes in so many tensors), whether it
fills the middle or reads the prefix only, and how fast it wrote here; the machine it is placed on,
how many of its cores it uses, and the rectangles of each kind of region. *KV rows* shows how much
of the context is filled. The bars show the SRAM of the *fullest* core of each kind by use: code,
weights, KV cache, buffers. Alone (F3) it also lists where each layer lies. The palette (Ctrl+P,
“Model”) changes the model."""

    def __init__(self) -> None:
        super().__init__()
        self._view = MemoryView()

    def show_ready(self, ready: EngineReady) -> None:
        """Show a model and where it lies; nothing of it is in the cache yet."""
        before = self._view.ready
        if before is None or before.session != ready.session:
            self._update(MemoryView(ready, context_length=ready.model.context_length))
        else:
            self._update(replace(self._view, ready=ready))

    def show_completion(self, completion: Completion) -> None:
        """Show how fast the model wrote."""
        if completion.host.tokens_per_second is not None:
            self._update(replace(self._view, tokens_per_second=completion.host.tokens_per_second))

    def show_telemetry(self, update: TelemetryUpdated) -> None:
        """Show how full the KV cache is."""
        telemetry = update.telemetry
        self._update(
            replace(
                self._view,
                position=telemetry.position,
                context_length=telemetry.context_length,
            )
        )

    def words(self) -> str:
        """Return model and places in words."""
        return memory_words(self._view)

    def values(self) -> Mapping[str, Any]:
        """Return the model, the machine, and the rows of the cache."""
        view = self._view
        if view.ready is None:
            return {}
        return {
            "model": msgspec.to_builtins(view.ready.model),
            "machine": msgspec.to_builtins(view.ready.machine),
            "position": view.position,
            "context_length": view.context_length,
            "host_tokens_per_second": view.tokens_per_second,
        }

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return model, places and bars."""
        return memory_text(self._view, width, height, inks)

    def _update(self, view: MemoryView) -> None:
        if view != self._view:
            self._view = view
            self.refresh()


if __name__ == "__main__":
    from tui.demo_engine import demo_ready, demo_update

    class Demo(App[None]):
        """The pane alone, on made-up numbers."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield MemoryPane()

        def on_mount(self) -> None:
            """Give it something to show."""
            pane = self.query_one(MemoryPane)
            pane.show_ready(demo_ready())
            pane.show_telemetry(demo_update())

    Demo().run()
