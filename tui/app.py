"""The app: puts the parts on the screen and passes messages between them; work lives elsewhere."""

import asyncio
import importlib
import logging
import signal
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.notifications import SeverityLevel
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import DirectoryTree
from textual.worker import Worker

from engine import paths
from engine.protocol.messages import Completed, EngineReady, Telemetry
from tui.commands import AppCommands, FileCommands
from tui.file_flows import FileFlows
from tui.files.recovery import RecoveryStore
from tui.files.repository import IgnoreRules
from tui.ghost_writer import GhostWriter
from tui.layout import PANE_MODES, arrange
from tui.link.engine_link import Client, EngineLink
from tui.link.engine_state import EngineState, after
from tui.link.telemetry_feed import TelemetryFeed
from tui.messages import EngineEvent, FileMade, TelemetryUpdated
from tui.paths import recovery_dir
from tui.settings import LoadedSettings, Settings, load_settings
from tui.theme import SPARK_THEME
from tui.widgets.deck import Deck
from tui.widgets.editor import Editor
from tui.widgets.memory_bars import MemoryPane
from tui.widgets.panes import Panes
from tui.widgets.repo_tree import RepoTree
from tui.widgets.status_line import StatusLine
from tui.widgets.throughput import ThroughputPane
from tui.widgets.wafer_map import WaferPane

if TYPE_CHECKING:
    from tui.link.engine_link import Event

__all__ = ["SparkApp"]

_log = logging.getLogger(__name__)

_DISK_POLL = 2.0
_RECOVERY_REST = 2.0
_RECOVERY_AT_LATEST = 8.0
"""Seconds of typing without a rest after which unsaved text is kept safe all the same."""


class SparkApp(App[None]):
    """The editor beside the wafer.

    Args:
        repository: Folder of the tree.
        open_file: File to open at the start; relative to ``repository`` or absolute.
        line: Line of that file to go to, from 1.
        client: What talks to the engine, with an ``on_event`` attribute that the app sets; None
            makes an `engine.EngineClient` after the first paint.
        model: Model for that client; None is the bundled one.
        machine: Machine for that client.
        clock_ghz: Clock that turns cycles into seconds; None is the machine's own.
        settings: None reads the settings file.
    """

    TITLE = "spark-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar = {AppCommands, FileCommands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save"),
        Binding("ctrl+o", "open_by_name", "open a file by name"),
        Binding("ctrl+n", "new_file", "new file (folders are made on the way)"),
        Binding("ctrl+g", "go_to_line", "go to a line"),
        Binding("ctrl+l", "suggest", "ask for a suggestion now"),
        Binding("f4,ctrl+t", "toggle_paused", "pause or resume suggestions"),
        Binding("ctrl+b", "toggle_tree", "show or hide the tree", priority=True),
        Binding("f2", "toggle_panes", "show or hide the panes"),
        Binding("f3", "next_pane", "next pane: all, wafer, throughput, memory"),
        Binding("f6", "next_area", "go on to tree, editor or panes", priority=True),
        Binding("ctrl+p", "command_palette", "commands and settings by name"),
        Binding("f1", "help", "help"),
        Binding("ctrl+q", "quit", "quit", priority=True),
    ]

    def __init__(
        self,
        repository: Path,
        *,
        open_file: Path | None = None,
        line: int | None = None,
        client: Any = None,
        model: str | None = None,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        loaded = load_settings() if settings is None else LoadedSettings(settings)
        self.settings = loaded.settings
        self._problems = loaded.problems
        self.rules = IgnoreRules(repository.resolve())
        self._first_file = open_file
        self._first_line = line
        self._pane_mode = PANE_MODES[0]
        self._wants_tree: bool | None = None if self.settings.editor.tree else False
        self._wants_panes: bool | None = None if self.settings.panes.visible else False
        self._newest = "panes"
        self._recovery_timer: Timer | None = None
        self._unsafe_since = 0.0
        self.engine_state = EngineState()
        self.link = EngineLink(self.post_message, _client_maker(client, model, machine, clock_ghz))
        self.feed = TelemetryFeed(
            send=self.link.send,
            post=self.post_message,
            call_later=self.call_later,
            interval_ms=self.settings.panes.interval_ms,
        )
        self.ghost_writer = GhostWriter(
            self.link,
            self.settings,
            root=self.rules.root,
            set_timer=self.set_timer,
            report=lambda report: self.status.show(report=report),
            private_known=loaded.privacy_known,
        )

    def compose(self) -> ComposeResult:
        """Lay out tree, editor and panes above the status line."""
        self.repo_tree = RepoTree(self.rules, id="tree")
        self.deck = Deck(id="deck")
        self.panes = Panes(id="panes")
        self.status = StatusLine(id="status")
        yield Horizontal(self.repo_tree, self.deck, self.panes, id="body")
        yield self.status

    # ── start and end ───────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        """Take theme and sizes; everything slow waits for the first paint."""
        self.register_theme(SPARK_THEME)
        self._choose_theme(self.settings.theme)
        self.flows = FileFlows(
            self,
            self.deck,
            root=self.rules.root,
            settings=self.settings,
            store=RecoveryStore(recovery_dir()),
        )
        self.animation_level = "none"  # a suggestion must not wait for something that slides
        self._arrange()
        self.repo_tree.focus()
        for number in (signal.SIGHUP, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._flow, self._told_to_end)
        self.call_after_refresh(self._start)

    def on_unmount(self) -> None:
        """Leave the signals as they were."""
        for number in (signal.SIGHUP, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)

    async def _told_to_end(self) -> None:
        """End at once, as when the terminal is closed; unsaved text is offered the next time."""
        try:
            await self.flows.keep_recovery()
            await self.link.close()
        finally:
            self.exit()

    def _start(self) -> None:
        """Open the first file, connect to the engine, begin to watch the disk."""
        if self._problems:
            self.notify("\n".join(self._problems), title="settings", severity="warning", timeout=12)
        if self._first_file is not None:
            self.open_path(self.rules.root / self._first_file, self._first_line)
        self._work(self._connect, group="engine")
        self.set_interval(_DISK_POLL, lambda: self._flow(self.flows.check_disk))

    async def _connect(self) -> None:
        """Import in a thread what only the engine needs, then talk to it until the end."""
        for module in ("tui.assist.suggestions", "tui.visuals.heat_grid"):
            await asyncio.to_thread(importlib.import_module, module)
        self.ghost_writer.start()
        await self.link.run()

    def _choose_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name
        else:
            known = ", ".join(sorted(self.available_themes))
            self._problems += (f"theme = {name!r}: not a theme (known: {known})",)
            self.theme = SPARK_THEME.name

    def action_quit(self) -> None:  # type: ignore[override]  # the flow asks, so it is a worker
        """Quit, after asking about unsaved files."""
        self._flow(self._quit)

    async def _quit(self) -> None:
        if await self.flows.may_quit():
            await self.link.close()
            self.exit()

    # ── files ───────────────────────────────────────────────────────────────────────────────

    @property
    def editor(self) -> Editor | None:
        """The editor that is seen; None before a file is open."""
        file = self.deck.current
        return None if file is None else file.editor

    def open_path(self, path: Path, line: int | None = None) -> None:
        """Open a file."""
        self._flow(self.flows.open, path, line)

    def _flow(self, flow: Callable[..., Coroutine[None, None, None]], *arguments: Any) -> None:
        """Run something that may ask questions."""
        self._work(partial(flow, *arguments), group="files")

    def _work(
        self, work: Callable[[], Coroutine[None, None, None]], group: str, exclusive: bool = False
    ) -> Worker[None]:
        return self.run_worker(partial(self._survive, work), group=group, exclusive=exclusive)

    async def _survive(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do some work; what nobody foresaw in it costs a notice, never the text being edited."""
        try:
            await work()
        except Exception as error:
            _log.exception("something in the app failed")
            self.notify(
                f"that failed ({type(error).__name__}); details: {paths.log_file()}",
                severity="error",
                timeout=8,
            )

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a notice for a while; brackets in it are brackets, as names of files have them."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def _handle_exception(self, error: Exception) -> None:
        """Keep unsaved text safe before an unforeseen error ends the app."""
        _log.critical("the app ends by an unforeseen error", exc_info=error)
        try:
            if hasattr(self, "flows"):
                self.flows.keep_recovery_now()
        except Exception:
            _log.exception("unsaved text could not be kept safe")
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End with one line: a traceback is for the log, and its values may be private."""
        if not self._exit_renderables:
            words = "unsaved text, but of private files, is offered the next time"
            log = f"details: {paths.log_file()}"
            self.panic(Text(f"spark-tui ended by an error of its own; {words}; {log}"))

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        """Open the file chosen in the tree; a tree that covers the editor gives way."""
        if not self.deck.display:
            self._wants_tree = None
            self._arrange()
        self.open_path(event.path)

    def on_repo_tree_new_file_requested(self, event: RepoTree.NewFileRequested) -> None:
        """Make a file beside the tree's cursor."""
        self._flow(self.flows.new, event.folder)

    async def on_file_made(self, message: FileMade) -> None:
        """Show the new file in the tree."""
        await self.repo_tree.action_reload_tree()

    def on_deck_changed(self) -> None:
        """Name the file and mark the unsaved ones."""
        file = self.deck.current
        self.deck.border_title = None if file is None else Content(self.flows.shown_path(file.path))
        self.deck.border_subtitle = "read only" if file and file.document.read_only else None
        self.status.show(
            path=None if file is None else self.flows.shown_path(file.path), report=None
        )
        if file is None:
            self.ghost_writer.look_at(None, Path(), None)
        else:
            self.ghost_writer.look_at(file.editor, file.path, file.secret)
        if file is not None and file.path.is_relative_to(self.rules.root):
            self._work(partial(self.repo_tree.reveal, file.path), group="tree", exclusive=True)
        self._show_cursor()
        self._show_unsaved()

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Follow an edit: suggestion, marks, cursor, recovery."""
        self.ghost_writer.edited(event)
        self._show_unsaved()
        self._show_cursor()
        self._recover_soon()

    def _recover_soon(self) -> None:
        """Keep unsaved text safe after a rest of the keys, and at times without one."""
        now = time.monotonic()
        if self._recovery_timer is None:
            self._unsafe_since = now
        elif now - self._unsafe_since < _RECOVERY_AT_LATEST:
            self._recovery_timer.stop()
        else:
            return
        self._recovery_timer = self.set_timer(_RECOVERY_REST, self._recover)

    def _recover(self) -> None:
        self._recovery_timer = None
        self._flow(self.flows.keep_recovery)

    def on_editor_moved(self, event: Editor.Moved) -> None:
        """Follow the cursor."""
        self.ghost_writer.moved(event)
        self._show_cursor()

    def on_editor_ghost_dismissed(self, event: Editor.GhostDismissed) -> None:
        """Follow what became of a suggestion."""
        self.ghost_writer.dismissed(event)

    def on_app_focus(self) -> None:
        """Look at the disk when the person comes back to the terminal."""
        self._flow(self.flows.check_disk)

    def _show_cursor(self) -> None:
        if self.editor is not None:
            row, column = self.editor.cursor_location
            self.status.show(line=row + 1, column=column + 1)

    def _show_unsaved(self) -> None:
        file = self.deck.current
        self.status.show(unsaved=file is not None and file.unsaved)
        unsaved = [file.path for file in self.deck.unsaved]
        self.repo_tree.show_files(unsaved, None if file is None else file.path)

    # ── engine and suggestions ──────────────────────────────────────────────────────────────

    def on_engine_event(self, message: EngineEvent) -> None:
        """Pass an event of the engine on to whom it concerns."""
        event = message.event
        if isinstance(event, Telemetry):
            self.feed.received(event)
            return
        self.ghost_writer.on_engine(event)
        if isinstance(event, Completed):
            self.panes.show_completion(event.completion)
        before, self.engine_state = self.engine_state, after(self.engine_state, event)
        if self.engine_state is not before:
            self.status.show(engine=self.engine_state)
            self.panes.show_state(self.engine_state)
        if isinstance(event, EngineReady):
            self.panes.show_ready(event)
            self.feed.engine_ready()

    def on_telemetry_updated(self, message: TelemetryUpdated) -> None:
        """Show new numbers."""
        self.panes.show_telemetry(message)

    # ── what is seen ────────────────────────────────────────────────────────────────────────

    def on_resize(self, event: events.Resize) -> None:
        """Fit the parts into the new size."""
        self.call_later(self._arrange)

    def _arrange(self) -> None:
        """Show the parts that have room; watch the engine only while panes are seen."""
        parts = arrange(
            self.size.width,
            self.size.height,
            tree=self._wants_tree,
            panes=self._wants_panes,
            mode=self._pane_mode,
            newest=self._newest,
        )
        self.repo_tree.display, self.repo_tree.styles.width = parts.tree > 0, parts.tree
        self.panes.display, self.panes.styles.width = parts.panes > 0, parts.panes
        self.deck.display = parts.deck
        self.panes.show_parts(parts)
        self.feed.watch(parts.panes > 0)

    def action_toggle_tree(self) -> None:
        """Show the tree and go to it, or hide it."""
        self._wants_tree = not self.repo_tree.display
        self._newest = "tree"
        self._arrange()
        self._focus_first(*((self.repo_tree,) if self.repo_tree.display else ()))

    def action_toggle_panes(self) -> None:
        """Show or hide the panes."""
        self._wants_panes = not self.panes.display
        self._newest = "panes"
        self._arrange()
        self._focus_first()

    def action_next_pane(self) -> None:
        """Show the next pane alone, or all again."""
        here = PANE_MODES.index(self._pane_mode)
        self._pane_mode = PANE_MODES[(here + 1) % len(PANE_MODES)]
        if not self.panes.display:
            self._wants_panes = True
            self._newest = "panes"
        self._arrange()

    def action_next_area(self) -> None:
        """Move the keyboard on: tree, editor, panes."""
        areas = [self.repo_tree, self.editor, self.panes.wafer_map]
        seen = [area for area in areas if area is not None and area.is_on_screen]
        here = next((i for i, area in enumerate(seen) if area.has_focus_within), -1)
        self._focus_first(*seen[here + 1 :], *seen[:1])

    def _focus_first(self, *widgets: Widget) -> None:
        """Give the keyboard to the first of the widgets, else the editor, else the tree."""
        for widget in (*widgets, self.editor, self.repo_tree):
            if widget is not None and widget.display:
                widget.focus()
                return

    # ── commands ────────────────────────────────────────────────────────────────────────────

    def action_save(self) -> None:
        """Save the file that is seen."""
        self._flow(self.flows.save)

    def action_save_as(self) -> None:
        """Save the file that is seen under another path."""
        self._flow(self.flows.save_as)

    def action_new_file(self) -> None:
        """Make a new file."""
        self._flow(self.flows.new)

    def action_close_file(self) -> None:
        """Close the file that is seen."""
        self._flow(self.flows.close)

    def action_go_to_line(self) -> None:
        """Ask for a line and go there."""
        self._flow(self.flows.go_to_line)

    def action_open_by_name(self) -> None:
        """Find a file of the repository by parts of its path."""
        from textual.command import CommandPalette

        self.push_screen(CommandPalette(providers=[FileCommands], placeholder="Open a file…"))

    def action_help(self) -> None:
        """Show keys and panes."""
        from tui.screens.help import EDITOR_KEYS, HelpScreen

        groups = (
            ("Everywhere", self.BINDINGS),
            ("Editor", EDITOR_KEYS),
            ("Tree", RepoTree.BINDINGS),
        )
        texts = (WaferPane.HELP, ThroughputPane.HELP, MemoryPane.HELP, RepoTree.HELP)
        self.push_screen(HelpScreen(groups, texts))

    def action_suggest(self) -> None:
        """Ask for a suggestion at the cursor."""
        self.ghost_writer.ask()

    def action_toggle_paused(self) -> None:
        """Let suggestions come by themselves, or no more."""
        self.ghost_writer.paused = not self.ghost_writer.paused
        self.status.show(paused=self.ghost_writer.paused)

    def action_copy_suggestion(self) -> None:
        """Put the ghost text onto the clipboard."""
        if self.editor is not None and self.editor.ghost:
            self.copy_to_clipboard(self.editor.ghost)
            self.notify("suggestion copied", timeout=2)
        else:
            self.notify("there is no suggestion to copy", severity="warning")

    async def action_refresh_tree(self) -> None:
        """Read the folders again."""
        await self.repo_tree.action_reload_tree()

    def action_connect_again(self) -> None:
        """Connect to the engine anew, after it could not be started."""
        self._work(self._reconnect, group="reconnect", exclusive=True)

    async def _reconnect(self) -> None:
        await self.link.close()
        await self.link.run()

    def action_focus_editor(self) -> None:
        """Give the keyboard back to the editor."""
        self._focus_first()

    def change_pane_interval(self, interval_ms: int) -> None:
        """Show the panes at another pace, until the app ends."""
        panes = replace(self.settings.panes, interval_ms=interval_ms)
        self.settings = replace(self.settings, panes=panes)
        self.feed.interval_ms = interval_ms

    def change_suggestions(self, **changes: Any) -> None:
        """Change settings of the suggestions, until the app ends."""
        suggestions = replace(self.settings.suggestions, **changes)
        self.settings = replace(self.settings, suggestions=suggestions)
        self.ghost_writer.change_settings(suggestions)


def _client_maker(
    client: Any, model: str | None, machine: str, clock_ghz: float | None
) -> "Callable[[Callable[[Event], None]], Client]":
    """Return what makes the client around the function that takes its events."""

    def make(on_event: "Callable[[Event], None]") -> Client:
        if client is not None:
            client.on_event = on_event
            given: Client = client
            return given
        from engine import EngineClient

        return EngineClient(model=model, machine=machine, clock_ghz=clock_ghz, on_event=on_event)

    return make
