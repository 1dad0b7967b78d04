"""The X-ray pane: a suggestion token by token, and one token's way over the wafer, played.

Shows what it is given and tells what the person wants; `tui.flows.wafer.xray_flow` asks the engine.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from engine.protocol.messages import EngineReady
from engine.protocol.xray import TokenWave, Xray
from engine.visible_text import visible
from tui.screen_layout import PaneRows
from tui.visuals.inks import Inks
from tui.visuals.words.xray_words import xray_words
from tui.visuals.xray_text import XrayRows, XrayView, matrix_token, strip_token, xray_text
from tui.widgets.pane import TextPane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.visuals.active_region import ActiveRegion
    from tui.visuals.wave import PlayedWave

__all__ = ["WaveMoment", "XrayPane"]

_FRAMES = 8
"""Pictures of a wave in a second."""
_SECONDS = 12.0
"""A whole wave takes so long at pace 1."""
_PACES = (1 / 64, 1 / 16, 1 / 4, 1, 4)
_JUMP = 100
"""A key that jumps moves by so many parts of the wave."""


@dataclass(frozen=True, slots=True)
class WaveMoment:
    """A cycle of a token's way over the wafer."""

    position: int
    """KV rows before the token."""
    cycle: int
    """Since it entered."""


class XrayPane(TextPane):
    """Tokens × operations of the last suggestion, and the scrubber."""

    NAME = "xray"
    TITLE = "X-ray"
    ROWS = PaneRows(alone=True, beside="wafer")
    COUNTS = False
    HELP = """\
**X-ray** (Alt+X, or a click on a token of a suggestion) shows what each token of a suggestion took.
The first lines say how likely it was and what else was likely. Each column is a token, each row an
operation, as high as its *wafer* cycles: how far the operation moves the clock of the last core, so
that a column adds up to the token's cycles. Guessed tokens are verified in one step and share it.
*wafer*, *cores* (idle: before a core's first word of the row and after its last instruction; at
batch 1 one row is in one region at a time, and the cores there wait for each other in each
reduction and multicast), *sends* (words, the links that they cross, reductions and multicasts:
where cores meet) and *reads* are counted by the formulas of the emulated wafer; *energy* rests on
published watts, with its bounds; *host* time is measured, and its bytes are those of weights, keys
and values by their formats. The same figures: `spark-tui complete --xray --json`. **Space** plays
the token's way over the wafer on the map above, in slow motion: bands of cores light up while they
work, by the formulas' schedule. **s** has the cycle tier simulate the token, every core, router and
queue, and plays what it saw; the line says which of the two is shown, and **s** again gives it up.
That takes a small model, a processor for half a minute and a gigabyte. **r** plays backwards, **,**
and **.** move by a hundredth, **-** and **+** change the pace, **0** gives the map back to the
counters. ← and → go to another token."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "token(-1)", "the token before", id="xray.previous"),
        Binding("right", "token(1)", "the next token", id="xray.next"),
        Binding("home", "token(-9999)", "the first token", id="xray.first"),
        Binding("end", "token(9999)", "the last token", id="xray.last"),
        Binding("space", "play(1)", "play its way over the wafer, or pause", id="xray.play"),
        Binding("r", "play(-1)", "play it backwards, or pause", id="xray.play_back"),
        Binding("full_stop", "jump(1)", "a hundredth on", id="xray.on"),
        Binding("comma", "jump(-1)", "a hundredth back", id="xray.back"),
        Binding("plus,equals_sign", "pace(1)", "faster", id="xray.faster"),
        Binding("minus", "pace(-1)", "slower", id="xray.slower"),
        Binding("s", "simulate", "simulate this token on the cycle tier", id="xray.simulate"),
        Binding("w", "app.what_if", "what if the wafer were another", id="xray.what_if"),
        Binding("0", "stop", "the map shows the counters again", id="xray.stop"),
        Binding("escape", "app.focus_editor", "back to the editor", id="xray.leave"),
    ]

    @dataclass
    class WaveWanted(Message):
        """The person wants to see the way of a token."""

        answer: int
        token: int
        simulate: bool = False

    class WaveNotWanted(Message):
        """The person does not wait for a simulation any more."""

    @dataclass
    class WaveShown(Message):
        """The cores at work in the cycle that is looked at; None: the counters again."""

        regions: "Sequence[ActiveRegion] | None"
        moment: "WaveMoment | None" = None

    def __init__(self) -> None:
        super().__init__()
        self._view = XrayView()
        self._rows = XrayRows()
        self._wave: PlayedWave | None = None
        self._direction: Literal[-1, 0, 1] = 0
        self._pace = _PACES.index(1)
        self._at = 0.0
        self._timer: Timer | None = None

    @property
    def shown(self) -> Xray | None:
        """What is shown."""
        return self._view.xray

    @property
    def moment(self) -> "WaveMoment | None":
        """What the scrubber stands at; None: no wave is shown."""
        if self._wave is None:
            return None
        return WaveMoment(self._wave.wave.position, round(self._at))

    @property
    def token(self) -> int:
        """Index of the token that is looked at."""
        return self._view.token

    @property
    def wave(self) -> "TokenWave | None":
        """The wave that is looked at; None without one."""
        return None if self._wave is None else self._wave.wave

    # ── what is shown ───────────────────────────────────────────────────────────────────────

    def show_ready(self, ready: EngineReady) -> None:
        """Name the clock; what another model wrote is gone."""
        self.border_subtitle = f"by formula at {ready.machine.clock_ghz:g} GHz"
        if self._view.xray is not None and self._view.xray.program != ready.machine.program:
            self.say("")

    def say(self, note: str) -> None:
        """Show why there is nothing to show."""
        self._forget_wave()
        self._update(XrayView(note=visible(note)))

    def show_xray(self, xray: Xray, token: int) -> None:
        """Show an answer, and one of its tokens."""
        self._forget_wave()
        last = max(0, len(xray.tokens) - 1)
        self._update(XrayView(xray, min(token, last), note="the model wrote nothing"))

    def show_wave(self, token: int, wave: TokenWave) -> None:
        """Play the way of the token that is looked at."""
        from tui.visuals.wave import PlayedWave  # NumPy, which the first paint does not need

        if token != self._view.token:
            return
        self._wave = PlayedWave(wave)
        self._view = replace(self._view, progress=None)
        self._at = 0.0 if self._direction >= 0 else float(wave.cycles)
        self._frame()
        self._run()

    def show_progress(self, done: int, total: int, label: str) -> None:
        """Say how far the simulation is."""
        self._update(replace(self._view, progress=(done, total, visible(label))))

    def say_failed(self, reason: str) -> None:
        """Say why there is no wave; the rest stays."""
        self._update(replace(self._view, progress=None, failed=visible(reason)))

    def words(self) -> str:
        """Return the token that is looked at in words."""
        return xray_words(self._view)

    def values(self) -> "Mapping[str, Any]":
        """Return what `spark-tui complete --xray --json` prints of an X-ray."""
        found: dict[str, Any] = msgspec.to_builtins(self._view.xray)
        return found or {}

    def draw(self, width: int, height: int, inks: Inks) -> Text:
        """Return the picture."""
        text, self._rows = xray_text(self._view, width, height, inks)
        return text

    def _update(self, view: XrayView) -> None:
        self._view = view
        self.refresh()

    # ── keys and mouse ──────────────────────────────────────────────────────────────────────

    def look_at(self, token: int) -> None:
        """Look at another token; a wave that plays goes on with that one's."""
        xray = self._view.xray
        if xray is None or not xray.tokens:
            return
        token = min(max(0, token), len(xray.tokens) - 1)
        if token != self._view.token:
            playing = self._wave is not None
            self._wave = None
            self._give_up()
            self._update(replace(self._view, token=token, cycle=None, failed=""))
            if playing:
                self._want_wave()

    def action_token(self, by: int) -> None:
        """Look at the token so many further on."""
        self.look_at(self._view.token + by)

    def action_play(self, direction: Literal[-1, 1]) -> None:
        """Play, or pause."""
        if self._wave is None:
            self._direction = direction
            self._want_wave()
            return
        self._direction = 0 if self._direction == direction else direction
        ends = {1: float(self._wave.cycles), -1: 0.0}
        if self._direction and self._at == ends[self._direction]:
            self._at = ends[-self._direction]
        self._run()
        self._frame()

    def action_jump(self, by: int) -> None:
        """Move by a part of the wave, and pause."""
        self._direction = 0
        if self._wave is None:
            self._want_wave()
        else:
            self._go(self._at + by * self._wave.cycles / _JUMP)

    def scrub(self, how: Literal["play", "on", "back"]) -> None:
        """Play, or move by a part of the wave, as the keys do."""
        if how == "play":
            self.action_play(1)
        else:
            self.action_jump(1 if how == "on" else -1)

    def action_pace(self, by: int) -> None:
        """Play faster or slower."""
        self._pace = min(max(0, self._pace + by), len(_PACES) - 1)
        if self._wave is not None:
            self._frame()

    def action_stop(self) -> None:
        """Give the map back, and up what is simulated."""
        self._forget_wave()
        self._update(replace(self._view, cycle=None, failed=""))

    def action_simulate(self) -> None:
        """Have the cycle tier simulate this token, or give that up."""
        if self._view.progress is not None:
            self._give_up()
        elif self._view.looked_at is not None:
            self._direction = 1
            self._update(replace(self._view, progress=(0, 0, "starting"), failed=""))
            self._want_wave(simulate=True)

    def _give_up(self) -> None:
        """Wait for no simulation."""
        if self._view.progress is not None:
            self._update(replace(self._view, progress=None))
            self.post_message(self.WaveNotWanted())

    def on_click(self, event: events.Click) -> None:
        """Look at the token under the mouse, or at the cycle."""
        place = event.get_content_offset(self)
        if place is None or self._view.xray is None:
            return
        shown, width = (self._view.xray, self._view.token), self.content_size.width
        token = None
        if place.y == self._rows.strip:
            token = strip_token(*shown, width, place.x)
        elif place.y in self._rows.matrix:
            token = matrix_token(*shown, width, place.x)
        elif place.y == self._rows.scrubber:
            self._click_scrubber(place.x / max(1, width))
        if token is not None:
            self.look_at(token)

    def _click_scrubber(self, share: float) -> None:
        self._direction = 0
        if self._wave is None:
            self._want_wave()
        else:
            self._go(share * self._wave.cycles)

    # ── the wave ────────────────────────────────────────────────────────────────────────────

    def _want_wave(self, *, simulate: bool = False) -> None:
        xray = self._view.xray
        if xray is not None and self._view.looked_at is not None:
            self.post_message(self.WaveWanted(xray.answer, self._view.token, simulate))

    def _forget_wave(self) -> None:
        self._give_up()
        self._wave, self._direction = None, 0
        self._run()
        self.post_message(self.WaveShown(None))

    def _run(self) -> None:
        """Let time go on while a wave plays, and only then."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._direction and self._wave is not None:
            self._timer = self.set_interval(1 / _FRAMES, self._tick)

    @property
    def _span(self) -> float:
        """Cycles between two pictures."""
        assert self._wave is not None
        return self._wave.cycles * _PACES[self._pace] / (_SECONDS * _FRAMES)

    def _tick(self) -> None:
        if self._wave is None or not self.is_on_screen:
            return
        self._go(self._at + self._direction * self._span)
        if self._at in (0.0, float(self._wave.cycles)):
            self._direction = 0
            self._run()
            self._frame()

    def _go(self, cycle: float) -> None:
        assert self._wave is not None
        self._at = min(max(0.0, cycle), float(self._wave.cycles))
        self._frame()

    def _frame(self) -> None:
        """Show the cycle, here and on the map."""
        assert self._wave is not None
        cycle = round(self._at)
        active = self._wave.active(cycle, max(1, round(self._span)))
        self.post_message(self.WaveShown(active, self.moment))
        pace = ("◀", "⏸", "▶")[self._direction + 1]
        self._update(
            replace(
                self._view,
                cycle=cycle,
                wave_cycles=self._wave.cycles,
                doing=self._wave.operation_at(cycle),
                source=self._wave.wave.source,
                pace=f"{pace} ×{_PACES[self._pace]:g}",
            )
        )


if __name__ == "__main__":
    from tui.demo_engine import demo_ready, demo_wave, demo_xray

    class Demo(App[None]):
        """The pane alone, on made-up numbers."""

        def compose(self) -> ComposeResult:
            """Fill the screen with the pane."""
            yield XrayPane()

        def on_mount(self) -> None:
            """Give it something to show."""
            pane = self.query_one(XrayPane)
            pane.show_ready(demo_ready())
            pane.show_xray(demo_xray(), 1)

        def on_xray_pane_wave_wanted(self, event: XrayPane.WaveWanted) -> None:
            """Play a made-up wave."""
            self.query_one(XrayPane).show_wave(event.token, demo_wave(event.token))

    Demo().run()
