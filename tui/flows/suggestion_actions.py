"""The app's commands about suggestions: why, the last prompt, fewer or more, learning.

A part of the app of its own, mixed into it.  Decides nothing: `tui.assist` does.
"""

from collections.abc import Callable, Iterator
from functools import partial

from textual.app import App

from tui.flows.ghost_writer import GhostWriter
from tui.settings import Settings
from tui.widgets.editor import Editor

__all__ = ["SuggestionActions"]

_SHARES = (10, 25, 40, 55, 70)
"""Thresholds that the palette offers, in percent, from more suggestions to fewer."""

Command = tuple[str, str, Callable[[], object]]
"""A command of the palette: its name, one line of help, and what it does."""


class SuggestionActions(App[None]):
    """What a person can do about suggestions, beside taking them."""

    ghost_writer: GhostWriter

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        raise NotImplementedError

    def change_setting(self, name: str, value: object) -> None:
        """Give a setting another value, now and for later starts."""
        raise NotImplementedError

    def on_editor_ghost_accepted(self, event: Editor.GhostAccepted) -> None:
        """Follow a suggestion that was taken."""
        self.ghost_writer.accepted(event)

    def action_why(self) -> None:
        """Explain the last attempt at a suggestion."""
        from tui.assist.attempt import explained
        from tui.screens.reading import ReadingScreen

        attempt = self.ghost_writer.last_attempt
        if attempt is None:
            self.notify("nothing was suggested yet; Ctrl+L asks", timeout=4)
        else:
            self.push_screen(ReadingScreen("the last suggestion", facts=explained(attempt)))

    def action_last_prompt(self) -> None:
        """Show what the model read for the last suggestion."""
        from tui.screens.reading import ReadingScreen

        attempt = self.ghost_writer.last_attempt
        if attempt is None or not attempt.prompt:
            self.notify("the model has read nothing yet; Ctrl+L asks", timeout=4)
            return
        completion = attempt.completion
        tokens = "" if completion is None else f"{completion.prompt_tokens} tokens"
        self.push_screen(ReadingScreen("the last prompt", attempt.prompt, note=tokens))

    def forget_person(self) -> None:
        """Begin anew to learn from what is taken."""
        self.ghost_writer.forget_person()
        self.notify("what was learnt from your answers is forgotten", timeout=4)

    def suggestion_commands(self) -> Iterator[Command]:
        """Yield what the palette offers about suggestions."""
        yield "Why?", "why the last suggestion came, or did not (Alt+W)", self.action_why
        yield "Last prompt", "what the model read, exactly", self.action_last_prompt
        now = self.settings.suggestions.threshold
        for share in _SHARES:
            if share != now:
                words = "fewer" if share > now else "more"
                yield (
                    f"Suggestions: {words}, from {share}%",
                    f"least chance that you take one; now {now}%",
                    partial(self.change_setting, "suggestions.threshold", share),
                )
        learns = self.settings.suggestions.learn
        yield (
            f"Suggestions: {'do not learn' if learns else 'learn'} from what you take",
            f"now {'on' if learns else 'off'}; a few numbers, on this computer",
            partial(self.change_setting, "suggestions.learn", not learns),
        )
        yield (
            "Suggestions: forget what was learnt",
            "the chance of a suggestion is the same for everybody again",
            self.forget_person,
        )
