"""The what-if pane: the last suggestion on a changed wafer, over one parameter after the other.

Shows what it is given and tells what the person wants; `tui.flows.wafer.what_if_flow` asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from engine.protocol.messages import EngineReady
from engine.protocol.what_if import WhatIfCurve, WhatIfSetup, what_if_values
from engine.visible_text import visible
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.visuals.what_if_text import PARAMETER_NAMES, WhatIfRows, WhatIfView, what_if_text
from tui.visuals.words.what_if_words import what_if_words
from tui.widgets.pane import TextPane

__all__ = ["WhatIfPane"]


class WhatIfPane(TextPane, can_focus=True):
    """A suggestion's time over the parameters of the machine."""

    NAME = "whatif"
    TITLE = "what if"
    ROWS = PaneRows(alone=True)
    WITH_EDITOR = True
    COUNTS = False
    HELP = """\
**What if** (Alt+Q, or **w** in the X-ray) prices the suggestion that is shown, or the last,
on a changed wafer: its own steps, those that read the prompt and those that chose tokens, placed by
the planner and priced by the formulas that count every session, at the clock of each point. So all
times are *wafer* time, emulated. **↑** and **↓** choose a parameter, **←** and **→** one of its
values; a bar is the suggestion's time, the prompt's part grey, **★** the least. What does not fit
says what a core lacks. *machine*: the presets; *clock*: the named clocks (`spark-tui wafer info`
has their sources), 1.5 and 2 GHz assumed; *sram*: of a core, 48 KiB by Hot Chips 34; *link*: what a
core sends in the time of one wavelet of 32 bits, while its adder still takes a word at a time;
*rectangle*: columns × rows of a block of layers; *blocks*: how many the layers are split over;
*sums*: cores of a group in every sum across cores, a two-phase chain (Luczynski et al., HPDC 2024);
*wafers*: more than one is priced only, 5 µs from one to the next, assumed. **Enter** applies the
point: a session of the engine is opened so, and takes over once it is ready; if it fails, the old
one stays. **0** goes back to what is. The same figures: `spark-tui wafer what-if`."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "parameter(-1)", "the parameter above", id="what_if.up"),
        Binding("down", "parameter(1)", "the parameter below", id="what_if.down"),
        Binding("left", "value(-1)", "its value before", id="what_if.left"),
        Binding("right", "value(1)", "its next value", id="what_if.right"),
        Binding("b", "best", "its best value", id="what_if.best"),
        Binding("enter", "apply", "run the next suggestion so", id="what_if.apply"),
        Binding("0", "reset", "back to what is", id="what_if.reset"),
        Binding("escape", "app.focus_editor", "back to the editor", id="what_if.leave"),
    ]
    DEFAULT_CSS = """
    WhatIfPane:focus { border: round $primary; }
    """

    @dataclass
    class Wanted(Message):
        """The person wants to see a parameter's values."""

        over: str
        setup: WhatIfSetup | None
        """All others; None: as they are."""

    class NotWanted(Message):
        """Nobody sees the pane any more."""

    @dataclass
    class Applied(Message):
        """The next suggestion is to run so."""

        setup: WhatIfSetup

    def __init__(self) -> None:
        super().__init__()
        self._view = WhatIfView()
        self._rows = WhatIfRows()

    @property
    def key_target(self) -> Widget:
        """The pane itself."""
        return self

    @property
    def shown(self) -> WhatIfView:
        """What is shown."""
        return self._view

    # ── what is shown ───────────────────────────────────────────────────────────────────────

    def show_ready(self, ready: EngineReady) -> None:
        """Forget what was priced for another session."""
        self.border_subtitle = f"{visible(ready.machine.name)}, by formula"
        self.say("the next suggestion is priced here")

    def say(self, note: str) -> None:
        """Show why there is nothing to show."""
        self._update(WhatIfView(over=self._view.over, note=visible(note)))

    def note(self, words: str) -> None:
        """Say something beside what is shown."""
        self._update(replace(self._view, note=visible(words)))

    def look_anew(self) -> None:
        """Ask for a suggestion's curve over the parameter that is looked at."""
        self._update(WhatIfView(over=self._view.over, note="pricing …"))
        self._want(self._view.over, None)

    def show_curve(self, curve: WhatIfCurve) -> None:
        """Show a curve as far as it is priced; the point that is looked at stays."""
        if not curve.points:
            return
        view = self._view
        base = view.base or curve.points[curve.chosen]
        setup = view.setup or base.setup
        at = next((n for n, point in enumerate(curve.points) if point.setup == setup), curve.chosen)
        note = "" if view.base is None else view.note
        self._update(replace(view, base=base, curve=curve, at=at, setup=setup, note=note))

    def words(self) -> str:
        """Return the curve as a table, and what holds for all of it."""
        return what_if_words(self._view)

    def values(self) -> Mapping[str, Any]:
        """Return what `spark-tui wafer what-if --json` prints."""
        curve = self._view.curve
        return {} if curve is None else what_if_values(curve)

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return the picture."""
        text, self._rows = what_if_text(self._view, width, height, inks)
        return text

    def _update(self, view: WhatIfView) -> None:
        self._view = view
        self.refresh()

    # ── keys and mouse ──────────────────────────────────────────────────────────────────────

    def action_parameter(self, by: int) -> None:
        """Look at another parameter."""
        here = PARAMETER_NAMES.index(self._view.over)
        self._look_over(PARAMETER_NAMES[(here + by) % len(PARAMETER_NAMES)])

    def _look_over(self, over: str) -> None:
        if self._view.base is not None and over != self._view.over:
            self._update(replace(self._view, over=over, curve=None, note=""))
            self._want(over, self._view.setup)

    def action_value(self, by: int) -> None:
        """Look at another value of the parameter, of those that are priced."""
        self._go(self._view.at + by)

    def action_best(self) -> None:
        """Look at the value with the least time."""
        curve = self._view.curve
        if curve is not None and curve.best is not None:
            self._go(curve.points.index(curve.best))

    def _go(self, at: int) -> None:
        curve = self._view.curve
        if curve is not None and curve.points:
            at = min(max(0, at), len(curve.points) - 1)
            setup = curve.points[at].setup
            self._update(replace(self._view, at=at, setup=setup, note=""))

    def action_reset(self) -> None:
        """Go back to what is."""
        base = self._view.base
        if base is not None:
            self._update(replace(self._view, setup=base.setup, curve=None, note=""))
            self._want(self._view.over, base.setup)

    def action_apply(self) -> None:
        """Have the next suggestion run so, if a model can."""
        point, base = self._view.point, self._view.base
        if point is None or base is None or point.setup == base.setup:
            self.note("this is what runs now")
        elif point.refusal:
            self.note("it does not fit, so it cannot be applied")
        elif not point.runs:
            self.note("it is priced only, so it cannot be applied")
        else:
            self.post_message(self.Applied(point.setup))

    def on_click(self, event: events.Click) -> None:
        """Look at the parameter or the value under the mouse."""
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.y in self._rows.parameters:
            self._look_over(PARAMETER_NAMES[place.y - self._rows.parameters.start])
        elif place.y in self._rows.points:
            self._go(self._first_point() + place.y - self._rows.points.start)

    def _first_point(self) -> int:
        """Return the index of the first point in view."""
        curve = self._view.curve
        room = len(self._rows.points)
        total = 0 if curve is None else len(curve.points)
        return max(0, min(self._view.at - room // 2, total - room))

    def on_hide(self) -> None:
        """Have nothing priced that nobody sees."""
        self.post_message(self.NotWanted())

    def _want(self, over: str, setup: WhatIfSetup | None) -> None:
        self.post_message(self.Wanted(over, setup))


if __name__ == "__main__":
    from tui.demo_what_if import demo_curve

    class Demo(App[None]):
        """The pane alone, on made-up numbers."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield WhatIfPane()

        def on_mount(self) -> None:
            """Give it something to show."""
            self.query_one(WhatIfPane).show_curve(demo_curve("sram"))

        def on_what_if_pane_wanted(self, event: WhatIfPane.Wanted) -> None:
            """Show made-up numbers of another parameter."""
            self.query_one(WhatIfPane).show_curve(demo_curve(event.over, event.setup))

    Demo().run()
