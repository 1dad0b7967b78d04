"""The core inspector: one core of the wafer; arrows go to its neighbours, keys walk its program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.protocol.messages import CoreTold
from engine.visible_text import visible
from tui.format import count_text
from tui.visuals.core_text import core_text, current_step, program_cycle, program_rows
from tui.widgets.theme_inks import inks_of

__all__ = ["CoreScreen"]

_SCROLL_BAR = 2
_PROGRAM_ROWS = 9
"""Micro-steps in sight at once: the current one, and those around it."""


class CoreScreen(ModalScreen[None]):
    """Shows what a core holds, passes on and runs.

    Args:
        place: Column and row of the core on the wafer.
        sram_bytes: Of a core of the machine.
        ask: Asks for another core; its answer comes by `show_core`.
        follows: Tells the cycle of the token that the X-ray plays; None: it plays none.
    """

    DEFAULT_CSS = """
    CoreScreen > Vertical { height: 96%; max-height: 50; padding: 0 1; }
    CoreScreen VerticalScroll { height: 1fr; }
    CoreScreen #core-facts { height: auto; }
    CoreScreen #core-program { height: 11; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "go(-1, 0)", "the core to the west", id="core.west"),
        Binding("right", "go(1, 0)", "the core to the east", id="core.east"),
        Binding("up", "go(0, -1)", "the core to the north", id="core.north"),
        Binding("down", "go(0, 1)", "the core to the south", id="core.south"),
        Binding("n", "step(1)", "its next micro-step", id="core.next_step"),
        Binding("p", "step(-1)", "the micro-step before", id="core.previous_step"),
        Binding("N", "step(10)", "ten micro-steps on", id="core.steps_on"),
        Binding("P", "step(-10)", "ten micro-steps back", id="core.steps_back"),
        Binding("space", "scrub('play')", "play the token on, or pause", id="core.play"),
        Binding("full_stop", "scrub('on')", "the token a hundredth on", id="core.on"),
        Binding("comma", "scrub('back')", "a hundredth back", id="core.back"),
        Binding("pageup", "scroll(-8)", "scroll up", id="core.page_up"),
        Binding("pagedown", "scroll(8)", "scroll down", id="core.page_down"),
        Binding("escape,enter,q", "dismiss", "close", id="core.close"),
    ]

    @dataclass
    class Scrubbed(Message):
        """The person moves the X-ray's scrubber from here."""

        how: Literal["play", "on", "back"]

    def __init__(
        self,
        place: tuple[int, int],
        sram_bytes: int,
        ask: Callable[[int, int], None],
        follows: Callable[[], int | None] = lambda: None,
    ) -> None:
        super().__init__()
        self._place = place
        self._sram_bytes = sram_bytes
        self._ask = ask
        self._follows = follows
        self._core: CoreTold | None = None
        self._step = 0

    def compose(self) -> ComposeResult:
        """Lay out the facts above the program."""
        with Vertical(classes="dialog reading") as box:
            box.border_title = f"core {self._place[0]}, {self._place[1]}"
            box.border_subtitle = "arrows other cores  n p micro-steps  Esc closes"
            with VerticalScroll(can_focus=False):  # arrows lead to other cores
                yield Static("asking the engine …", id="core-facts")
            yield Static(id="core-program")

    def on_mount(self) -> None:
        """Ask for the core."""
        self._ask(*self._place)

    def show_core(self, core: CoreTold) -> None:
        """Show an answer, unless another core is asked for by now."""
        if (core.x, core.y) != self._place:
            return
        followed, cycle = self._follows(), self._cycle()
        if followed is not None:
            cycle = program_cycle(core, followed)
        self._core = core
        self._step = current_step(core, cycle)
        self._write()

    def show_problem(self, message: str) -> None:
        """Say why there is no answer."""
        self._core = None
        self.query_one("#core-facts", Static).update(Content(visible(message)))
        self.query_one("#core-program", Static).update("")

    def show_cycle(self, cycle: int) -> None:
        """Mark the micro-step that the core is in at a cycle of a token."""
        if self._core is not None:
            self._step = current_step(self._core, program_cycle(self._core, cycle))
            self._write()

    def _cycle(self) -> int:
        """Return the cycle in which the marked micro-step begins."""
        if self._core is None or not self._core.steps:
            return 0
        return self._core.steps[self._step].begin

    def action_go(self, across: int, down: int) -> None:
        """Go to a neighbour, at the same cycle."""
        self._place = max(0, self._place[0] + across), max(0, self._place[1] + down)
        self.query_one(Vertical).border_title = f"core {self._place[0]}, {self._place[1]}"
        self._ask(*self._place)

    def action_step(self, count: int) -> None:
        """Mark another micro-step."""
        if self._core is not None and self._core.steps:
            self._step = min(max(0, self._step + count), len(self._core.steps) - 1)
            self._write()

    def action_scrub(self, how: Literal["play", "on", "back"]) -> None:
        """Move the X-ray's scrubber, which the program follows."""
        self.post_message(self.Scrubbed(how))

    def action_scroll(self, rows: int) -> None:
        """Scroll the facts."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    def on_resize(self) -> None:
        """Fit the text into the new width."""
        self.call_after_refresh(self._write)

    def _write(self) -> None:
        core = self._core
        if core is None or not self.query("#core-program"):  # the app ends while a token plays
            return
        inks = inks_of(self)
        width = max(20, self.query_one("#core-program", Static).size.width or 80)
        facts = Text(end="")
        where = visible(core.label) or "no core of the model"
        if core.label:
            where += f", row {core.row}, column {core.column} of it"
        facts.append(f"{where}\n", style=inks.wafer)
        facts.append_text(core_text(core, self._sram_bytes, width - _SCROLL_BAR, inks))
        self.query_one("#core-facts", Static).update(facts)
        self.query_one("#core-program", Static).update(self._program(core, width))

    def _program(self, core: CoreTold, width: int) -> Text:
        """Return the micro-steps around the current one."""
        inks = inks_of(self)
        text = Text(end="", no_wrap=True)
        title = f"Program for a token of {count_text(core.latency)} cycles, by formula"
        head = Text(title, style=f"bold {inks.text}")
        head.append("  one KV row in every core", style=f"not bold {inks.muted}")
        if self._follows() is not None:
            head.append("  follows the X-ray, Space plays", style=f"not bold {inks.wafer}")
        head.truncate(width, overflow="ellipsis")
        text.append("\n").append_text(head).append("\n")
        first = max(0, min(self._step - _PROGRAM_ROWS // 2, len(core.steps) - _PROGRAM_ROWS))
        rows = list(program_rows(core, self._step, width, inks))[first : first + _PROGRAM_ROWS]
        return text.append_text(Text("\n").join(rows or [Text("  none", style=inks.muted)]))
