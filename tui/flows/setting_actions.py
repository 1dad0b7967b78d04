"""The app's commands about settings and keys: the screen that lists them, and what a change does.

A part of the app of its own, mixed into it.
"""

from typing import TYPE_CHECKING

from textual.binding import Binding

from tui.flows.settings_flow import SettingsFlow
from tui.flows.suggestions.ghost_writer import GhostWriter
from tui.keymap import checked_keymap, keys_by_action
from tui.keys import help_parts, key_parts
from tui.link.telemetry_feed import TelemetryFeed
from tui.safe_app import SafeApp
from tui.settings import Settings
from tui.user_folders import settings_file
from tui.widgets.deck import Deck

if TYPE_CHECKING:
    from tui.screens.settings import KeyRow

__all__ = ["SettingActions"]


class SettingActions(SafeApp):
    """What a person can do about settings."""

    preferences: SettingsFlow
    ghost_writer: GhostWriter
    feed: TelemetryFeed
    deck: Deck
    pane_modes: list[str]

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self.preferences.now

    def change_setting(self, name: str, value: object) -> None:
        """Give a setting another value, now and for later starts.

        Raises:
            ValueError: It may not have this value; says what it may have.
        """
        if name == "theme" and value not in self.available_themes:
            known = ", ".join(sorted(self.available_themes))
            raise ValueError(f"theme must be one of {known}")
        self.preferences.change(name, value)

    def listen_to_settings(self) -> None:
        """Have changes of the settings take effect at once."""
        listen = self.preferences.listen
        listen("suggestions", lambda: self.ghost_writer.change_settings(self.settings.suggestions))
        listen("editor", lambda: self.deck.follow(self.settings.editor))
        listen("panes.interval_ms", self._change_pane_interval)
        listen("theme", self._change_theme)

    def follow_theme(self) -> None:
        """Keep the theme that is chosen in any way."""
        self.theme_changed_signal.subscribe(
            self, lambda theme: self.preferences.change("theme", theme.name)
        )

    def take_keys(self) -> list[str]:
        """Bind the keys that the settings name; return a line for each that cannot be."""
        if not self.settings.keys and not self._keymap:
            return []
        keymap, problems = checked_keymap(self.settings.keys, key_parts(self.pane_modes))
        self.set_keymap(keymap)
        return problems

    def change_key(self, action: str, keys: str) -> None:
        """Give an action other keys, or its own again if ``keys`` is empty.

        Raises:
            ValueError: A key is none, or taken; says by what.
        """
        others = {name: own for name, own in self.settings.keys.items() if name != action}
        wanted = others | ({action: keys} if keys.strip() else {})
        before = checked_keymap(self.settings.keys, key_parts(self.pane_modes))[1]
        problems = checked_keymap(wanted, key_parts(self.pane_modes))[1]
        for problem in problems:
            if problem not in before:
                raise ValueError(problem.removeprefix("keys: "))
        self.change_setting(f"keys.{action}", keys.strip() or None)
        self.take_keys()

    def action_settings(self) -> None:
        """Show all settings and keys."""
        from tui.screens.settings import SettingsScreen

        self.push_screen(
            SettingsScreen(
                now=lambda: self.settings,
                keys=self._key_rows,
                change=self.change_setting,
                change_key=self.change_key,
                file=settings_file(),
            )
        )

    def _key_rows(self) -> "list[KeyRow]":
        """Return every action with its keys."""
        from tui.screens.settings import KeyRow

        words = {
            binding.id: binding.description
            for part in help_parts(self.pane_modes)
            for binding in Binding.make_bindings(part.bindings)
        }
        parts = key_parts(self.pane_modes)
        now, own = keys_by_action(parts, self._keymap), keys_by_action(parts, {})
        return [
            KeyRow(name, ",".join(keys), ",".join(own[name]), words.get(name) or "")
            for name, keys in now.items()
        ]

    def _change_pane_interval(self) -> None:
        self.feed.interval_ms = self.settings.panes.interval_ms

    def _change_theme(self) -> None:
        if self.theme != self.settings.theme:
            self.theme = self.settings.theme
