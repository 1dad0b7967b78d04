"""The app's commands about what panes show: pause, gauges, copies, pictures, words.

A part of an app of its own, mixed into it, with an editor or without one.
"""

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Iterator
from functools import partial

from tui.files.new_files import write_new
from tui.flows.setting_actions import SettingActions
from tui.keymap import key_label
from tui.user_folders import pictures_dir
from tui.widgets.pane import Pane
from tui.widgets.pane_column import PANE_KEYS, PaneColumn

__all__ = ["PaneManners"]


class PaneManners(SettingActions):
    """What a person can do with a pane: the one with the keyboard, else the first that is shown."""

    panes: PaneColumn

    def listen_to_panes(self) -> None:
        """Have the panes look as the settings say, from now on."""
        self.panes.prefer(self.settings.panes)
        self.preferences.listen("panes", lambda: self.panes.prefer(self.settings.panes))

    def on_pane_chosen(self, message: Pane.Chosen) -> None:
        """Keep how a pane looks."""
        self.change_setting(message.setting, message.value)

    def action_pause_panes(self) -> None:
        """Let what all panes show stand still, or follow again."""
        paused = not self.panes.paused
        self.panes.pause(paused)
        self.feed.pause(paused)

    def action_toggle_gauges(self) -> None:
        """Show gauges in a pane, or its map or histories."""
        pane = self._chosen_pane()
        if pane is None:
            return
        if not pane.GAUGES:
            self.notify(f"{pane.TITLE}: there are no gauges of this", severity="warning", timeout=3)
            return
        now = self.settings.panes.gauges
        others = tuple(name for name in now if name != pane.NAME)
        self.change_setting("panes.gauges", others if pane.NAME in now else (*others, pane.NAME))

    def action_copy_pane(self, as_json: bool = False) -> None:
        """Copy what a pane says, in words or as JSON, to the clipboard of the terminal."""
        pane = self._chosen_pane()
        if pane is None:
            return
        text = _json_of(pane) if as_json else pane.words()
        if not text:
            self.notify(f"{pane.TITLE}: there is nothing to copy", severity="warning", timeout=3)
            return
        self.copy_to_clipboard(text)
        form = "as JSON" if as_json else "in words"
        self.notify(f"{pane.TITLE}: copied {form}", timeout=2)

    def action_save_pane(self) -> None:
        """Save a picture of a pane."""
        pane = self._chosen_pane()
        if pane is not None:
            self.run_safely(partial(self._save, pane), group="files")

    async def _save(self, pane: Pane) -> None:
        from tui.widgets.pane_picture import pane_svg

        try:
            path = await asyncio.to_thread(
                write_new, pictures_dir(), _stem(pane), ".svg", pane_svg(pane)
            )
        except OSError as error:
            reason = error.strerror or str(error)
            self.notify(f"no picture is saved: {pictures_dir()}: {reason}", severity="error")
            return
        self.notify(f"saved: {path}", timeout=8)

    def action_read_pane(self) -> None:
        """Show what a pane says in sentences and tables."""
        from tui.screens.reading import ReadingScreen

        pane = self._chosen_pane()
        if pane is not None and len(self.screen_stack) == 1:
            words = pane.words() or "This pane has no form in words."
            self.push_screen(ReadingScreen(f"{pane.TITLE}, in words", words))

    def _chosen_pane(self) -> Pane | None:
        pane = self.panes.chosen
        if pane is None:
            self.notify("no pane is shown: F2 shows the panes", severity="warning", timeout=3)
        return pane

    def pane_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what the keys of a pane do, for the palette."""
        for binding in PANE_KEYS[1:]:
            key = key_label(binding.key.partition(",")[-1] or binding.key)
            yield (
                f"Pane: {binding.description}",
                f"{key} on a pane",
                partial(self.run_action, binding.action.removeprefix("app.")),
            )


def _stem(pane: Pane) -> str:
    """Return the name of a picture: of what, and when."""
    return f"{pane.NAME}-{dt.datetime.now():%Y-%m-%d-%H%M%S}"


def _json_of(pane: Pane) -> str:
    """Return the values of a pane as indented JSON; empty without any."""
    values = pane.values()
    return json.dumps(values, indent=2, ensure_ascii=False) if values else ""
