"""Whatever keys, rests and answers cross: no text is shown at a place it was not made for.

A person types, takes, moves, asks and refuses in any order; the engine answers late, in pieces,
wrongly or never.  Each answer names the place that it was asked for, so a text shown elsewhere is
noticed.
"""

import hypothesis.strategies as some
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from engine import EngineDown
from engine.protocol.messages import Complete, Failed, OtherText, PartialText
from tests.tui.assist.paper_world import READY, World, at, completed
from tui.assist.quick_session import QuickSession
from tui.assist.scored_text import ScoredText
from tui.assist.suggestion_events import SuggestionReady
from tui.assist.suggestions import Suggestions
from tui.settings import SuggestionSettings

SMALL = QuickSession(2, READY.model)
LARGE = replace(READY, model=replace(READY.model, name="large", parameters=1000, language="any"))


def answer_for(prefix: str, which: str = "") -> str:
    """Return a text that tells for which place it was made."""
    return f"<{len(prefix)}{which}>{prefix[-3:]}."


class Crossing(RuleBasedStateMachine):
    """A person and an engine that do not wait for each other."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.before = "x"
        self.ghost = ""
        self.made: dict[str, set[str]] = {}
        self.open: list[Complete] = []
        self.read = 0
        self.world.suggestions = Suggestions(
            self.world,
            SuggestionSettings(),
            on_event=self._hear,
            set_timer=self.world.set_timer,
            clock=lambda: self.world.now,
        )
        self.say = self.world.suggestions
        self.say.on_engine(LARGE)

    def _hear(self, event: object) -> None:
        """Show text as the app does: only where it says that it belongs."""
        if not isinstance(event, SuggestionReady) or event.place != at(self.before):
            return
        made = any(
            self.before.startswith(prefix) and text == self.before[len(prefix) :] + event.text
            for prefix, texts in self.made.items()
            for text in self._beginnings(texts)
        )
        assert made, f"{event.text!r} was not made for {self.before!r}"
        self.ghost = event.text

    @staticmethod
    def _beginnings(texts: set[str]) -> set[str]:
        return {text[:end] for text in texts for end in range(1, len(text) + 1)}

    def _requests(self) -> list[Complete]:
        sent, self.read = self.world.sent[self.read :], len(self.world.sent)
        self.open += [message for message in sent if isinstance(message, Complete)]
        return self.open

    def _typed(self, text: str, *, accepted: bool = False) -> None:
        self.ghost = self.ghost[len(text) :] if self.ghost.startswith(text) else ""
        self.before += text
        self.say.edited(at(self.before), accepted=accepted)

    # ── the person ──────────────────────────────────────────────────────────────────────────

    @rule(text=some.sampled_from(["a", "<", " ", "\n"]))
    def types(self, text: str) -> None:
        self._typed(text)

    @precondition(lambda self: self.ghost)
    @rule(part=some.sampled_from([1, 3, 100]))
    def types_or_takes_what_is_shown(self, part: int) -> None:
        self._typed(self.ghost[:part], accepted=part > 1)

    @rule(text=some.sampled_from(["a", "<", " ", "\n"]))
    def types_and_rests(self, text: str) -> None:
        self._typed(text)
        self.world.wait(150)

    @rule(back=some.integers(1, 3), way=some.sampled_from(["moves", "undoes", "asks", "refuses"]))
    def does_something_else(self, back: int, way: str) -> None:
        if way == "asks":
            self.say.ask(at(self.before))
            return
        self.ghost = ""
        if way == "refuses":
            self.say.dismissed()
            return
        self.before = self.before[:-back] or "x"
        (self.say.moved if way == "moves" else self.say.changed)(at(self.before))

    @rule(by=some.sampled_from([1, -1]))
    def wants_another(self, by: int) -> None:
        self.say.other(at(self.before), ScoredText(self.ghost), by)

    @rule(milliseconds=some.sampled_from([20, 100, 400]))
    def rests(self, milliseconds: int) -> None:
        self.world.wait(milliseconds)

    # ── the engine ──────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self._requests())
    @rule(data=some.data())
    def begins_an_answer(self, data: some.DataObject) -> None:
        self._answer(data, "part")

    @precondition(lambda self: self._requests())
    @rule(data=some.data(), kind=some.sampled_from(["whole", "whole", "other", "other", "fails"]))
    def answers(self, data: some.DataObject, kind: str) -> None:
        self._answer(data, kind)

    def _answer(self, data: some.DataObject, kind: str) -> None:
        back = data.draw(some.sampled_from([1, 1, 1, 1, 2, 3]))
        asked = self.open[-min(back, len(self.open))]
        prefix, number = asked.request.prefix, asked.request_id
        texts = self.made.setdefault(prefix, set())
        text = answer_for(prefix, {1: "", 2: "small"}[asked.session])
        texts.add(text)
        if kind == "part":
            self.say.on_engine(PartialText(number, text[: data.draw(some.integers(1, len(text)))]))
        elif kind == "other" and asked.others:
            other = answer_for(prefix, data.draw(some.sampled_from("bcd")))
            texts.add(other)
            self.say.on_engine(OtherText(number, other, -0.5))
        elif kind == "fails":
            self.open.remove(asked)
            self.say.on_engine(Failed(number, "no"))
        else:
            self.open.remove(asked)
            self.say.on_engine(completed(number, text))

    @rule(what=some.sampled_from(["another model", "one model", "lost", "away"]))
    def changes(self, what: str) -> None:
        if what in ("another model", "one model"):
            self.say.quick = SMALL if what == "another model" else None
        else:
            self.open = []
            self.say.on_engine(EngineDown("gone", retrying=what == "lost"))
            self.say.on_engine(LARGE)

    @invariant()
    def nobody_waits_for_what_is_not_asked(self) -> None:
        if self.say.state == "asking":
            assert self._requests()


Crossing.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCrossing = Crossing.TestCase
