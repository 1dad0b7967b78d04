"""The app: puts the parts on the screen and passes messages between them; work lives elsewhere."""

import asyncio
import importlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import DirectoryTree

from engine.protocol.messages import Completed, EngineReady, Telemetry
from engine.repository.ignore import IgnoreRules
from tui.app_messages import EngineEvent, PathsChanged, TelemetryUpdated
from tui.command_palette import AppCommands, FileCommands, ModelCommands
from tui.files.recent_files import RecentFiles
from tui.files.recovery import RecoveryStore
from tui.flows.files.file_dialogs import FileDialogs
from tui.flows.files.file_flows import FileFlows
from tui.flows.files.path_flows import PathFlows
from tui.flows.files.recovery_flow import RecoveryFlow
from tui.flows.models.model_flow import ModelFlow
from tui.flows.models.remote_consent import RemoteChoice, settle_remote
from tui.flows.part_actions import PartActions
from tui.flows.settings_flow import SettingsFlow
from tui.flows.suggestions.ghost_writer import GhostWriter
from tui.flows.suggestions.suggestion_actions import SuggestionActions
from tui.flows.visible_parts import VisibleParts
from tui.flows.wafer.what_if_actions import WhatIfActions
from tui.flows.workbench import Workbench
from tui.garbage_rest import GarbageRest
from tui.job_control import paint_when_continued
from tui.keymap import with_keys
from tui.keys import app_keys, help_parts
from tui.link.engine_link import ClientMaker, EngineLink, engine_client
from tui.link.engine_state import EngineState, after
from tui.link.telemetry_feed import TelemetryFeed
from tui.pane_registry import PANES
from tui.screen_layout import ALL_PANES
from tui.settings import LoadedSettings, Settings, load_settings
from tui.theme import SPARK_THEME
from tui.user_folders import recent_files_dir, recovery_dir, settings_file
from tui.watched_app import WatchedApp
from tui.widgets.deck import Deck
from tui.widgets.editor import Editor
from tui.widgets.pane import Pane
from tui.widgets.pane_column import PaneColumn
from tui.widgets.repo_tree import RepoTree
from tui.widgets.status_line import StatusLine
from tui.widgets.wafer_map import WaferMap

__all__ = ["SparkApp"]

_DISK_POLL_SECONDS = 2.0


def _modes(panes: Sequence[type[Pane]]) -> list[str]:
    """Return what F3 shows, one after another."""
    return [ALL_PANES, *(pane.NAME for pane in panes)]


class SparkApp(
    WatchedApp,
    PartActions,
    SuggestionActions,
    WhatIfActions,
    Workbench,
):
    """The editor beside the wafer.

    Args:
        repository: Folder of the tree.
        open_file: File to open at the start; relative to ``repository`` or absolute.
        line: Line of that file to go to, from 1.
        make_client: Makes the client of the engine, after the first paint.
        settings: None reads the settings file.
        offer_model: Whether a better model may be offered: only to a person, once.
        remote: A model elsewhere that the client asks for: the person may have to agree first.
        panes: The panes of the right column.
        problems: What was found wrong with the settings before; told once with the rest.
    """

    TITLE = "spark-tui"
    parts: VisibleParts
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar = {AppCommands, FileCommands, ModelCommands}
    BINDINGS: ClassVar[list[BindingType]] = app_keys(_modes(PANES))

    def __init__(
        self,
        repository: Path,
        *,
        open_file: Path | None = None,
        line: int | None = None,
        make_client: ClientMaker | None = None,
        settings: Settings | None = None,
        offer_model: bool = False,
        remote: RemoteChoice | None = None,
        panes: Sequence[type[Pane]] = PANES,
        problems: Sequence[str] = (),
    ) -> None:
        super().__init__()
        loaded = load_settings() if settings is None else LoadedSettings(settings)
        self.preferences = SettingsFlow(
            loaded.settings,
            settings_file() if settings is None else None,
            notify=self.notify,
            run=partial(self.run_safely, group="settings"),
        )
        self.privacy_known = loaded.privacy_known
        self._problems = (*loaded.problems, *problems)
        self.rules = IgnoreRules(repository.resolve())
        self.recent = RecentFiles(recent_files_dir(), self.rules.root)
        self.pane_modes = _modes(panes)
        self._pane_kinds = panes
        self._offer_model = offer_model
        self._remote = remote
        self._first_file = open_file
        self._first_line = line
        self.garbage: GarbageRest | None = None
        """Decides when to look for garbage, if the process is this app's alone."""
        self.engine_state = EngineState()
        self.link = EngineLink(self.post_message, make_client or engine_client())
        self.feed = TelemetryFeed(
            send=self.link.send,
            post=self.post_message,
            call_later=self.call_later,
            interval_ms=self.settings.panes.interval_ms,
        )
        self.models = ModelFlow(
            self.link,
            notify=self.notify,
            ask=self.push_screen_wait,
            ask_line=self.push_screen_wait,
            run=partial(self.run_safely, group="models"),
            show=lambda work: self.status.show(background=work),
            tell=lambda news: self.panes.show_training(news),
        )
        self.ghost_writer = GhostWriter(
            self.link,
            self.settings,
            root=self.rules.root,
            set_timer=self.set_timer,
            report=lambda report: self.status.show(report=report),
            private_known=self.privacy_known,
        )
        self.listen_to_settings()

    def compose(self) -> ComposeResult:
        """Lay out tree, editor and panes above the status line."""
        self.repo_tree = RepoTree(self.rules, id="tree")
        self.deck = Deck(id="deck")
        self.deck.follow(self.settings.editor)
        self.panes = PaneColumn(self._pane_kinds, id="panes")
        self.status = StatusLine(id="status")
        self.dialogs = FileDialogs(self, self.rules.root)
        self.recovery = RecoveryFlow(
            self.deck,
            RecoveryStore(recovery_dir()),
            self.dialogs,
            set_timer=self.set_timer,
            run=self._flow,
        )
        self.flows = FileFlows(
            self, self.deck, self.dialogs, self.recovery, self.settings, self.recent
        )
        self.path_flows = PathFlows(self, self.deck, self.dialogs, self.recovery, self.flows.lock)
        self.parts = VisibleParts(
            self.repo_tree,
            self.deck,
            self.panes,
            modes=self.pane_modes,
            settings=self.settings,
            size=lambda: self.size,
            focus=lambda widget: self.screen_stack[0].set_focus(widget),
            watch=self.feed.watch,
        )
        yield Horizontal(self.repo_tree, self.deck, self.panes, id="body")
        yield self.status

    # ── start and end ───────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        """Take theme and sizes; everything slow waits for the first paint."""
        self.register_theme(SPARK_THEME)
        self._choose_theme(self.settings.theme)
        self.follow_theme()
        self._problems += tuple(self.take_keys())
        self.listen_to_panes()
        self.animation_level = "none"  # a suggestion must not wait for something that slides
        self.parts.arrange()
        paint_when_continued(self)
        self.repo_tree.focus()
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        """Open the first file, connect to the engine, begin to watch the disk."""
        if self._problems:
            self.notify(
                "\n".join(self._problems), title="settings, folders", severity="warning", timeout=12
            )
        if self._first_file is not None:
            self.open_path(self.rules.root / self._first_file, self._first_line)
        self._flow(self.flows.tell_what_was_left)
        self.run_safely(self._connect, group="engine")
        if self._offer_model:
            self.models.offer_once()
        self.set_interval(_DISK_POLL_SECONDS, lambda: self._flow(self.flows.check_disk))
        if self.garbage is not None:
            self.garbage.begin()
            self.set_interval(GarbageRest.EVERY, self.garbage.look)

    async def _connect(self) -> None:
        """Import in a thread what only the engine needs, then talk to it until the end."""
        for module in ("tui.assist.suggestions", "tui.visuals.heat_grid"):
            await asyncio.to_thread(importlib.import_module, module)
        self.ghost_writer.start()
        if self._remote is not None:
            await settle_remote(self._remote, self.link, self.push_screen_wait)
        await self.link.run()

    def _choose_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name
        else:
            known = ", ".join(sorted(self.available_themes))
            self._problems += (f"theme = {name!r}: not a theme (known: {known})",)
            self.theme = SPARK_THEME.name

    async def end_quietly(self) -> None:
        """Keep unsaved text safe and let go of the engine."""
        self.models.end()
        self.preferences.keep_now()
        await self.recovery.keep()
        await self.link.close()

    def keep_text_now(self) -> None:
        """Keep unsaved text safe, if there is a screen with text already; fetch nothing more."""
        self.models.end()
        if hasattr(self, "recovery"):
            self.recovery.keep_now()

    def action_quit(self) -> None:  # type: ignore[override]  # the flow asks, so it is a worker
        """Quit, after asking about unsaved files."""
        self._flow(self._quit)

    async def _quit(self) -> None:
        if await self.flows.may_quit():
            self.models.end()
            self.preferences.keep_now()
            await self.link.close()
            self.exit()

    # ── files ───────────────────────────────────────────────────────────────────────────────

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        """Open the file chosen in the tree; a tree that covers the editor gives way."""
        self.parts.uncover_editor()
        self.open_path(event.path)

    async def on_paths_changed(self, message: PathsChanged) -> None:
        """Show what is on disk now in the tree."""
        await self.repo_tree.action_reload_tree()

    def on_deck_changed(self) -> None:
        """Name the visible file and mark the unsaved ones."""
        file = self.deck.current
        self.parts.file_shown()
        shown = None if file is None else self.dialogs.shown_path(file.path)
        self.deck.border_title = None if shown is None else Content(shown)
        self.deck.border_subtitle = None if file is None else file.remark
        self.status.show(path=shown, report=None)
        if file is None:
            self.ghost_writer.look_at(None, Path(), None)
        else:
            self.ghost_writer.look_at(file.editor, file.path, file.secret)
        if file is not None and file.path.is_relative_to(self.rules.root):
            self.run_safely(partial(self.repo_tree.reveal, file.path), group="tree", exclusive=True)
        self._show_cursor()
        self._show_unsaved()

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Follow an edit: suggestion, marks, cursor, recovery."""
        self.models.typed()
        self.ghost_writer.edited(event)
        self._show_unsaved()
        self._show_cursor()
        self.recovery.keep_soon()

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
        self.deck.show_unsaved()
        unsaved = [file.path for file in self.deck.unsaved]
        self.repo_tree.show_files(unsaved, None if file is None else file.path)

    # ── engine ──────────────────────────────────────────────────────────────────────────────

    def on_engine_event(self, message: EngineEvent) -> None:
        """Pass an event of the engine on to those whom it concerns."""
        event = message.event
        parts = (self.models, self.edits, self.asking, self.xrays, self.wafer)
        if any(each.takes(event) for each in parts):
            return
        if self.takes_comparison(event) or (self.what_ifs and self.what_ifs.takes(event)):
            return
        if isinstance(event, Telemetry):
            self.feed.received(event)
            return
        if isinstance(event, Completed) and not self.ghost_writer.is_aside(event.request_id):
            self.panes.show_completion(event.completion)
            self.xrays.completed(event.completion)
            if self.what_ifs:
                self.what_ifs.completed(event.completion)
            self.dialogs.tell_unread(event.completion.repository)
        self.ghost_writer.on_engine(event)
        before, self.engine_state = self.engine_state, after(self.engine_state, event)
        if self.engine_state is not before:
            self.status.show(engine=self.engine_state)
            self.panes.show_state(self.engine_state)
        if isinstance(event, EngineReady):
            self.panes.show_ready(event)
            self.feed.engine_ready(event.session)

    def on_telemetry_updated(self, message: TelemetryUpdated) -> None:
        """Show new numbers."""
        self.panes.show_telemetry(message)

    def on_wafer_map_viewed(self, message: WaferMap.Viewed) -> None:
        """Ask for the numbers of the cores that are drawn."""
        self.feed.look_at(message.cores)

    # ── commands ────────────────────────────────────────────────────────────────────────────

    def action_save(self) -> None:
        """Save the visible file, and offer the edits that its comments ask for."""
        super().action_save()
        self.offer_commented_edits()

    def action_open_by_name(self) -> None:
        """Find a file of the repository by parts of its path."""
        from tui.screens.palette import PatientPalette

        self.push_screen(PatientPalette(providers=[FileCommands], placeholder="Open a file…"))

    def action_command_palette(self) -> None:
        """Find a command by parts of its name."""
        from tui.screens.palette import PatientPalette

        if not any(isinstance(screen, PatientPalette) for screen in self.screen_stack):
            self.push_screen(PatientPalette(id="--command-palette"))

    def action_help(self) -> None:
        """Show keys and panes."""
        from tui.screens.help import HelpScreen

        groups = [
            (part.title, with_keys(part.bindings, self._keymap))
            for part in help_parts(self.pane_modes)
        ]
        texts = [*(pane.HELP for pane in self._pane_kinds), RepoTree.HELP]
        self.push_screen(HelpScreen(groups, texts))

    def action_suggest(self) -> None:
        """Ask for a suggestion at the cursor."""
        self.ghost_writer.ask()

    def action_copy_suggestion(self) -> None:
        """Copy the ghost text to the clipboard."""
        if self.editor is not None and self.editor.ghost:
            self.copy_to_clipboard(self.editor.ghost)
            self.notify("suggestion copied", timeout=2)
        else:
            self.notify("there is no suggestion to copy", severity="warning")

    async def action_refresh_tree(self) -> None:
        """Read the folders again."""
        await self.repo_tree.action_reload_tree()

    def action_connect_again(self) -> None:
        """Connect to the engine again, after it failed to start."""
        self.run_safely(self._reconnect, group="reconnect", exclusive=True)

    async def _reconnect(self) -> None:
        await self.link.close()
        self.models.forget_switch()
        await self.link.run()
