"""The training pane: the step of a model that learns the repository, as it would lie on a wafer."""

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

import msgspec
from rich.text import Text
from textual.app import App, ComposeResult

from engine.protocol.training import TrainingScene
from tui.app_messages import TrainingNews
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.visuals.training_text import TrainingView, training_text
from tui.visuals.words.training_words import training_words
from tui.widgets.pane import TextPane

__all__ = ["TrainingPane"]

_NOTE = "no model learns: “Model: adapt to this repository” (Ctrl+P) teaches one"
_FRAME_SECONDS = 0.2
_PACE = (4.0, 60.0)
"""Seconds in which a step is shown, at least and at most; the first is shown in the least."""


class TrainingPane(TextPane):
    """The blocks of cores and their passes, in slow motion while a model learns."""

    NAME = "training"
    TITLE = "training on the wafer"
    ROWS = PaneRows(alone=True)
    COUNTS = False
    WITH_EDITOR = True
    HELP = """\
**Training on the wafer** (F3) shows, while a model learns the repository (Ctrl+P, “Model: adapt to
this repository”), where a step of its training would lie on the wafer and what works when. The
learning itself runs on this computer; the step is *priced by formula*, as `spark-tui wafer plan
--train` prices it, and never run there. Where the weights, their gradients and the optimisers fit
into the cores, each block has some layers, and rows of the batch follow each other through the
blocks: *forward*, in the head the *loss*, and *backward*, one of each in turn; then the *optimiser*
moves all weights. Numbers on the map are layers, those in the lines of time the rows of the batch.
Blocks that are dark wait: for the first row to come, or for the last to be back. Else weights
stream in and all cores work on one layer at a time. A step is a few milliseconds of wafer time; it
is shown in the time that one takes on this computer."""

    def __init__(self) -> None:
        super().__init__()
        self._view = TrainingView(note=_NOTE)
        self._began = monotonic()
        self._steps = 0
        self._pace = _PACE[0]

    def on_mount(self) -> None:
        """Move on while it is seen."""
        self.set_interval(_FRAME_SECONDS, self._move)

    def show_training(self, news: TrainingNews | None) -> None:
        """Hear how far the learning is; None: nothing learns any more."""
        if news is None:
            self._view, self._steps, self._pace = TrainingView(note=_NOTE), 0, _PACE[0]
            self.refresh()
            return
        now = monotonic()
        measured = self._view.pace_seconds
        if news.steps != self._steps:
            if self._steps:  # the first one began before anybody looked
                measured = (now - self._began) / max(1, news.steps - self._steps)
                self._pace = min(max(measured, _PACE[0]), _PACE[1])
            self._steps, self._began = news.steps, now
        note = "" if news.scene else "a step of this model has no price on the wafer"
        self._view = TrainingView(
            news.scene, note, news.words, news.share, self._moment(), measured
        )
        self.refresh()

    def _moment(self) -> float:
        """Return how far the step is that is shown; it goes round while none is done."""
        return ((monotonic() - self._began) / self._pace) % 1.0

    def _move(self) -> None:
        if self._view.scene is not None and self.display and self.is_on_screen:
            self._view = replace(self._view, moment=self._moment())
            self.refresh()

    def words(self) -> str:
        """Return the step in words."""
        return training_words(self._view)

    def values(self) -> Mapping[str, Any]:
        """Return the step that is shown."""
        if self._view.scene is None:
            return {}
        scene: dict[str, Any] = msgspec.to_builtins(self._view.scene)
        return scene | {"tier": "formula", "host_seconds_a_step": self._view.pace_seconds}

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return map and times."""
        return training_text(self._view, width, height, inks)


if __name__ == "__main__":
    from tui.demo_training import demo_scene

    class Demo(App[None]):
        """The pane alone, on a made-up step."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield TrainingPane()

        def on_mount(self) -> None:
            """Give it something to show."""
            scene: TrainingScene = demo_scene()
            self.query_one(TrainingPane).show_training(
                TrainingNews(scene, "learning 25%: step 12, loss 1.92", 0.25, 12)
            )

    Demo().run()
