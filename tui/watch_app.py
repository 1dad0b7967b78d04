"""The app of `spark-tui watch`: the panes alone, for whatever uses the engine.

It opens no model and starts no engine; where there is none it says so and waits for one.  What the
panes show and ask for is theirs, as in the app with an editor.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from engine.protocol.messages import EngineReady, Telemetry
from engine.visible_text import visible
from tui.app_messages import EngineEvent, TelemetryUpdated
from tui.command_palette import NamedCommands
from tui.flows.settings_flow import SettingsFlow
from tui.flows.wafer.pane_manners import PaneManners
from tui.flows.wafer.peer_actions import PeerActions
from tui.flows.wafer.wafer_actions import WaferActions
from tui.flows.wafer.watch_parts import WatchParts
from tui.keymap import keys_of_actions, with_keys
from tui.keys import help_parts
from tui.link.engine_link import ClientMaker, EngineLink
from tui.link.engine_state import EngineState, Phase, after
from tui.link.telemetry_feed import TelemetryFeed
from tui.pane_registry import PANES
from tui.screen_layout import ALL_PANES
from tui.screens.help import HelpScreen
from tui.screens.palette import PatientPalette
from tui.settings import LoadedSettings, Settings, load_settings
from tui.theme import SPARK_THEME
from tui.user_folders import settings_file
from tui.widgets.pane import Pane
from tui.widgets.pane_column import PaneColumn
from tui.widgets.theme_inks import inks_of
from tui.widgets.wafer_map import WaferMap

__all__ = ["WATCHED_PANES", "WatchApp", "watching_client"]

WATCHED_PANES = tuple(pane for pane in PANES if not pane.WITH_EDITOR)
"""The panes that say something without an editor."""


def watching_client() -> ClientMaker:
    """Return what makes an `engine.WatchingClient`."""
    from engine import WatchingClient

    return WatchingClient


class WatchCommands(NamedCommands):
    """What can be done about the panes."""

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        app = self.app
        assert isinstance(app, WatchApp)
        keys = keys_of_actions(app.BINDINGS, app._keymap)
        for name, action in (
            ("Next pane", "next_pane"),
            ("X-ray", "xray"),
            ("Beside other machines", "peers"),
            ("Settings", "settings"),
            ("Change theme", "change_theme"),
            ("Help", "help"),
            ("Quit", "quit"),
        ):
            yield name, " ".join(keys.get(action, ())), partial(app.run_action, action)
        yield from app.pane_commands()
        yield from app.wafer_commands()


class WatchLine(Widget):
    """One line at the bottom: what is watched, or what is waited for."""

    DEFAULT_CSS = """
    WatchLine { dock: bottom; height: 1; background: $panel; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="status")
        self._state = EngineState()

    def show(self, state: EngineState) -> None:
        """Say how the engine is."""
        self._state = state
        self.refresh()

    def render(self) -> Text:
        """Draw for the current width."""
        state, inks = self._state, inks_of(self)
        hint = "F3 next pane  F1 help  Ctrl+Q quit"
        text = Text(end="", no_wrap=True)
        if state.phase is Phase.READY and state.ready is not None:
            model, machine = state.ready.model, state.ready.machine
            text.append("● ", style=inks.good).append("watching ", style=inks.muted)
            text.append(f"{visible(model.name)} on {visible(machine.name)}", style=inks.text)
        else:
            words = state.detail or "looking for an engine"
            text.append("◌ ", style=inks.caution).append(visible(words), style=inks.text)
        gap = self.size.width - 2 - text.cell_len - len(hint)
        if gap > 1:
            text.append(" " * gap).append(hint, style=inks.muted)
        text.truncate(max(1, self.size.width - 2), overflow="ellipsis")
        return text


class WatchApp(PaneManners, PeerActions, WaferActions):
    """The panes on the whole screen.

    Args:
        make_client: Makes the client that watches, after the first paint.
        settings: None reads the settings file.
        panes: The panes from top to bottom.
        alone: The pane to show alone; None: as it was left.
    """

    TITLE = "spark-tui watch"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar = {WatchCommands}
    parts: WatchParts
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "next_pane", "one pane after another, then all", id="app.next_pane"),
        Binding("f6", "next_area", "next pane", priority=True, id="app.next_area"),
        Binding("alt+x", "xray", "look into the newest suggestion", priority=True, id="app.xray"),
        Binding("ctrl+p", "command_palette", "find a command by name", id="app.palette"),
        Binding("ctrl+comma", "settings", "settings and keys", id="app.settings"),
        Binding("f1", "help", "help", id="app.help"),
        Binding("ctrl+q", "quit", "quit", priority=True, id="app.quit"),
    ]

    def __init__(
        self,
        *,
        make_client: ClientMaker | None = None,
        settings: Settings | None = None,
        panes: Sequence[type[Pane]] = WATCHED_PANES,
        alone: str | None = None,
    ) -> None:
        super().__init__()
        loaded = load_settings() if settings is None else LoadedSettings(settings)
        self.preferences = SettingsFlow(
            loaded.settings,
            settings_file() if settings is None else None,
            notify=self.notify,
            run=partial(self.run_safely, group="settings"),
        )
        self._problems = loaded.problems
        self._pane_kinds = panes
        self._alone = alone
        self.pane_modes = [ALL_PANES, *(pane.NAME for pane in panes)]
        self.engine_state = EngineState()
        self.link = EngineLink(self.post_message, make_client or watching_client())
        self.feed = TelemetryFeed(
            send=self.link.send,
            post=self.post_message,
            call_later=self.call_later,
            interval_ms=self.settings.panes.interval_ms,
        )

    def compose(self) -> ComposeResult:
        """Lay out the panes above the line."""
        self.panes = PaneColumn(self._pane_kinds, id="panes")
        self.line = WatchLine()
        self.parts = WatchParts(
            self.panes,
            modes=self.pane_modes,
            mode=self._alone or self.settings.panes.alone,
            size=lambda: self.size,
            focus=lambda widget: self.screen_stack[0].set_focus(widget),
            watch=self.feed.watch,
            keep=lambda mode: self.change_setting("panes.alone", mode),
        )
        yield self.panes
        yield self.line

    def on_mount(self) -> None:
        """Take theme, keys and sizes; connect after the first paint."""
        self.register_theme(SPARK_THEME)
        known = self.settings.theme in self.available_themes
        self.theme = self.settings.theme if known else SPARK_THEME.name
        self.follow_theme()
        problems = [*self._problems, *self.take_keys()]
        if problems:
            self.notify("\n".join(problems), title="settings", severity="warning", timeout=12)
        self.animation_level = "none"
        self.listen_to_panes()
        self.preferences.listen("panes.interval_ms", self._change_pane_interval)
        self.preferences.listen("theme", self._change_theme)
        self.parts.arrange()
        self.parts.focus_first(None)
        self.call_after_refresh(lambda: self.run_safely(self.link.run, group="engine"))

    def on_resize(self, event: events.Resize) -> None:
        """Fit the panes into the new size."""
        self.call_later(self.parts.arrange)

    # ── engine ──────────────────────────────────────────────────────────────────────────────

    def on_engine_event(self, message: EngineEvent) -> None:
        """Pass an event of the engine on to those whom it concerns."""
        event = message.event
        if isinstance(event, EngineReady):
            self.link.session = event.session
        if self.xrays.takes(event) or self.wafer.takes(event) or self.takes_comparison(event):
            return
        if isinstance(event, Telemetry):
            self.feed.received(event)
            return
        before, self.engine_state = self.engine_state, after(self.engine_state, event)
        if self.engine_state is not before:
            self.line.show(self.engine_state)
            self.panes.show_state(self.engine_state)
        if isinstance(event, EngineReady):
            self.panes.show_ready(event)
            self.feed.engine_ready(event.session)

    def on_telemetry_updated(self, message: TelemetryUpdated) -> None:
        """Show new numbers; look into what was written, where that is seen."""
        self.panes.show_telemetry(message)
        telemetry = message.telemetry
        if telemetry.throughput.decode_tokens and not telemetry.busy and not self.panes.paused:
            self.xrays.newest()

    def on_wafer_map_viewed(self, message: WaferMap.Viewed) -> None:
        """Ask for the numbers of the cores that are drawn."""
        self.feed.look_at(message.cores)

    # ── commands ────────────────────────────────────────────────────────────────────────────

    def action_next_pane(self) -> None:
        """Show the next pane alone, or all again."""
        self.parts.next_pane()

    def action_next_area(self) -> None:
        """Give the keyboard to the next pane."""
        self.parts.next_area()

    def action_focus_editor(self) -> None:
        """Show all panes again: there is no editor."""
        self.parts.focus_editor()

    def action_xray(self) -> None:
        """Look into the newest suggestion, whoever asked for it."""
        super().action_xray()
        self.call_after_refresh(self.xrays.newest)  # once the pane has its place

    def action_command_palette(self) -> None:
        """Find a command by parts of its name."""
        if len(self.screen_stack) == 1:
            self.push_screen(PatientPalette(id="--command-palette"))

    def action_help(self) -> None:
        """Show keys and panes."""
        others = [part for part in help_parts(self.pane_modes) if part.name in _PARTS]
        groups = [("Everywhere", with_keys(self.BINDINGS, self._keymap))]
        groups += [(part.title, with_keys(part.bindings, self._keymap)) for part in others]
        self.push_screen(HelpScreen(groups, [pane.HELP for pane in self._pane_kinds]))

    async def action_quit(self) -> None:
        """End; the engine goes on for those who use it."""
        await self.end_quietly()
        self.exit()

    async def end_quietly(self) -> None:
        """Keep settings and let go of the engine."""
        self.preferences.keep_now()
        await self.link.close()

    def keep_text_now(self) -> None:
        """Keep nothing: there is no text."""


_PARTS = ("pane", "xray", "map", "core")
"""The parts of the keys that panes have."""
