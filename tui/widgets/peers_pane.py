"""The pane of other machines: the same token on the wafer, on this computer and elsewhere.

Says when it wants figures; `tui.flows.wafer.peers_flow` asks the engine.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from rich.text import Text
from textual.app import App, ComposeResult
from textual.message import Message

from engine.protocol.completion import Completion
from engine.protocol.messages import EngineReady
from engine.protocol.peers import PeerComparison
from engine.visible_text import visible
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.visuals.peers_text import PeersView, peers_text
from tui.visuals.words.peers_words import peers_words
from tui.widgets.pane import TextPane

__all__ = ["PeersPane"]


class PeersPane(TextPane):
    """One decoded token at batch 1 on several machines."""

    NAME = "peers"
    TITLE = "beside other machines"
    ROWS = PaneRows(alone=True)
    HELP = """\
**Beside other machines** (F3, or Ctrl+P) compares one decoded token of your model at batch 1.
*wafer* is emulated: cycles by formula at the clock that is named; weights, keys and values stay on
the chip. *this computer* is measured: all decode steps since the start. The others are rooflines of
published figures, marked ≤: every byte of weights, keys and values read once at the memory's peak,
or every operation at the chip's, whichever takes longer. *syncs* are points where all cores wait
for each other: collectives on the wafer; elsewhere the fewest there can be, one between two
products. *energy* is published power × that time; on the wafer the likely reading of `wafer plan`.
Sources: AMD's documentation of MI300X, Intel's talk on Gaudi 3 at Hot Chips 2024, Google's
documentation of TPU v5p; data sheets of H100, A100 and EPYC 9654 as others print them. **t** lists
them all. `spark-tui peers` prints the same with `--json`, and takes further machines as files."""

    class Wanted(Message):
        """The pane is seen and has no newer figures."""

    def __init__(self) -> None:
        super().__init__()
        self._view = PeersView()
        self._ready = False

    @property
    def shown(self) -> PeerComparison | None:
        """What is shown."""
        return self._view.comparison

    def on_show(self) -> None:
        """Ask, now that it is seen, if a model answers."""
        if self._ready:
            self.post_message(self.Wanted())

    def show_ready(self, ready: EngineReady) -> None:
        """Forget another model's figures."""
        self._ready = True
        self.say("")
        self._ask_if_seen()

    def show_completion(self, completion: Completion) -> None:
        """Ask again: there is something newer to measure."""
        self._ask_if_seen()

    def _ask_if_seen(self) -> None:
        if self._ready and self.display and self.is_on_screen:
            self.post_message(self.Wanted())

    def say(self, note: str) -> None:
        """Show why there is nothing to show."""
        self._update(PeersView(note=visible(note)))

    def show_comparison(self, comparison: PeerComparison) -> None:
        """Show new figures."""
        self._update(PeersView(comparison))

    def words(self) -> str:
        """Return the table in words, with the sources."""
        return peers_words(self._view)

    def values(self) -> Mapping[str, Any]:
        """Return what `spark-tui peers --json` prints."""
        found: dict[str, Any] = msgspec.to_builtins(self._view.comparison)
        return found or {}

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return the table."""
        return peers_text(self._view, width, height, inks)

    def _update(self, view: PeersView) -> None:
        self._view = view
        self.refresh()


if __name__ == "__main__":
    from tui.demo_engine import demo_comparison

    class Demo(App[None]):
        """The pane alone, on made-up numbers."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield PeersPane()

        def on_mount(self) -> None:
            """Give it something to show."""
            self.query_one(PeersPane).show_comparison(demo_comparison())

    Demo().run()
