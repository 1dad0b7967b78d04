"""The app's commands about suggestions: why, the last prompt, fewer or more, learning.

A part of the app of its own, mixed into it.  Decides nothing: `tui.assist` does.
"""

import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from textual.timer import Timer

from engine.visible_text import visible
from tui.app_messages import EngineEvent
from tui.flows.files.file_actions import FileActions
from tui.flows.models.model_flow import ModelFlow
from tui.flows.setting_actions import SettingActions
from tui.link.engine_link import EngineLink
from tui.widgets.editor import Editor
from tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from tui.flows.models.quick_model import QuickModel

__all__ = ["SuggestionActions"]

_SNOOZES = (5, 15, 60)
"""Minutes without suggestions that the palette offers."""
_SNOOZE_LOOK_SECONDS = 5.0
_SHARES = (10, 25, 45, 60, 75)
"""Thresholds that the palette offers, in percent, from more suggestions to fewer."""

Command = tuple[str, str, Callable[[], object]]
"""A command of the palette: its name, one line of help, and what it does."""


class SuggestionActions(FileActions, SettingActions):
    """What a person can do about suggestions, beside taking them."""

    status: StatusLine
    link: EngineLink
    models: ModelFlow
    _snoozed_until: float | None = None
    """The time at which suggestions resume by themselves; None if they do not."""
    _snooze_timer: Timer | None = None

    @property
    def shown_ghost(self) -> str:
        """The suggestion that is shown; empty without one."""
        return "" if self.editor is None else self.editor.ghost

    def on_editor_ghost_accepted(self, event: Editor.GhostAccepted) -> None:
        """Follow a suggestion that was taken."""
        self.ghost_writer.accepted(event)

    def action_other_suggestion(self, by: int) -> None:
        """Show the next of several suggestions, or the one before."""
        self.ghost_writer.other(by)

    def action_accept_sure(self) -> None:
        """Take the part of the suggestion that the model is sure of."""
        if self.editor is None:
            return
        if self.editor.ghost and self.editor.ghost_unsure == len(self.editor.ghost):
            self.notify("the model is sure of no part of it; Tab takes all of it", timeout=3)
        self.editor.accept_sure()

    # ── a second model ──────────────────────────────────────────────────────────────────────

    @cached_property
    def quick_model(self) -> "QuickModel":
        """The small model that is asked first, if the person wants one."""
        from tui.flows.models.quick_model import QuickModel

        def tell(reason: str) -> None:
            self.notify(reason, severity="warning", timeout=8)

        return QuickModel(self.link, self.ghost_writer.use_quick, tell)

    def on_engine_event(self, message: EngineEvent) -> None:
        """Follow the model that serves, and the one beside it."""
        second = self.settings.models.second
        if second or "quick_model" in vars(self):
            self.quick_model.want(second)
            self.quick_model.follow(message.event, self.link.session)

    def use_second_model(self, name: str) -> None:
        """Ask a small model first from now on, or none where ``name`` is empty."""
        self.change_setting("models.second", name)
        self.quick_model.want(name)
        self.quick_model.open_beside(self.models.serving)
        told = f"{visible(name)} answers first" if name else "the large model answers alone"
        self.notify(f"{told} from now on", timeout=4)

    # ── quiet ───────────────────────────────────────────────────────────────────────────────

    def action_toggle_paused(self) -> None:
        """Pause suggestions, or let them come by themselves again."""
        self._pause(not self.ghost_writer.paused)

    def snooze(self, minutes: int) -> None:
        """Pause suggestions for some minutes."""
        self._pause(True, time.time() + 60 * minutes)

    def _pause(self, paused: bool, until: float | None = None) -> None:
        """Pause or resume; until a time of day, or until the person resumes."""
        self._snoozed_until = until if paused else None
        if self._snoozed_until is not None and self._snooze_timer is None:
            self._snooze_timer = self.set_interval(_SNOOZE_LOOK_SECONDS, self._end_snooze)
        shown = "" if until is None else time.strftime("%H:%M", time.localtime(until))
        self.ghost_writer.paused = paused
        self.status.show(paused=paused, snoozed_until=shown if paused else "")

    def _end_snooze(self) -> None:
        """Resume once the time has come, by the clock on the wall: no suspend stops that."""
        if self._snoozed_until is not None and time.time() >= self._snoozed_until:
            self._pause(False)

    # ── why ─────────────────────────────────────────────────────────────────────────────────

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

        prompt, tokens = self.ghost_writer.last_prompt
        if prompt:
            self.push_screen(ReadingScreen("the last prompt", prompt, note=f"{tokens} tokens"))
        else:
            self.notify("the model has read nothing yet; Ctrl+L asks", timeout=4)

    def forget_person(self) -> None:
        """Begin anew to learn from what is taken."""
        self.ghost_writer.forget_person()
        self.notify("what was learnt from your answers is forgotten", timeout=4)

    def suggestion_commands(self) -> Iterator[Command]:
        """Yield what the palette offers about suggestions."""
        yield "Why?", "why the last suggestion came, or did not (Alt+W)", self.action_why
        next_one = partial(self.action_other_suggestion, 1)
        yield "Another suggestion", "up to five, the likeliest first (Alt+N, Alt+P)", next_one
        yield "Last prompt", "what the model read, exactly", self.action_last_prompt
        for minutes in _SNOOZES:
            yield (
                f"Snooze suggestions for {minutes} minutes",
                "F4 resumes them before; Ctrl+L asks meanwhile",
                partial(self.snooze, minutes),
            )
        subtle = self.settings.suggestions.subtle
        yield (
            f"Suggestions: {'show them at once' if subtle else 'wait until Ctrl+L'}",
            "a sign in the status line says that there is one",
            self._changes(
                "subtle",
                not subtle,
                f"suggestions {'are shown at once' if subtle else 'wait until Ctrl+L'}",
            ),
        )
        second = self.settings.models.second
        yield (
            f"Second model: {'off' if second else 'spark-nano beside the large one'}",
            f"now {visible(second) or 'none'}; a small one answers at once, until the large one "
            "says something else",
            partial(self.use_second_model, "" if second else "spark-nano"),
        )
        yield from self._file_commands()
        now = self.settings.suggestions.threshold
        for share in _SHARES:
            if share != now:
                words = "fewer" if share > now else "more"
                yield (
                    f"Suggestions: {words}, from {share}%",
                    f"least chance that you take one; now {now}%",
                    self._changes(
                        "threshold",
                        share,
                        f"suggestions come by themselves from a chance of {share}%, not {now}%",
                    ),
                )
        learns = self.settings.suggestions.learn
        yield (
            f"Suggestions: {'do not learn' if learns else 'learn'} from what you take",
            f"now {'on' if learns else 'off'}; a few numbers, on this computer",
            self._changes(
                "learn",
                not learns,
                f"what you take {'changes nothing more' if learns else 'is learnt from'}",
            ),
        )
        yield (
            "Suggestions: forget what was learnt",
            "the chance of a suggestion is the same for everybody again",
            self.forget_person,
        )

    def _changes(self, name: str, value: object, told: str) -> Callable[[], None]:
        """Return what gives a setting of suggestions a value, and says so."""

        def change() -> None:
            self.change_setting(f"suggestions.{name}", value)
            self.notify(told, timeout=4)

        return change

    def _file_commands(self) -> Iterator[Command]:
        """Yield whether suggestions come in files like the visible one."""
        name = self.file_name
        off = self.settings.suggestions.off
        suffix = PurePath(name).suffix
        if not suffix:
            return
        pattern = f"*{suffix}"
        others = tuple(each for each in off if each != pattern)
        if pattern in off:
            change = self._changes("off", others, f"suggestions come in {pattern} again")
            yield f"Suggestions: on in {pattern}", "they come by themselves again", change
        else:
            change = self._changes(
                "off", (*others, pattern), f"none comes by itself in {pattern}; Ctrl+L asks"
            )
            yield f"Suggestions: off in {pattern}", "none comes by itself; Ctrl+L asks", change
