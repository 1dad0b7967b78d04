"""Decides after each token whether a completion is finished, so that no useless token is computed.

Applies the `SETTLED` rules of `engine.completion.rules.trim`: where one of them cuts growing text,
it cuts there whatever follows.
"""

from dataclasses import dataclass

from engine.completion.code.surroundings import Surroundings
from engine.completion.rules.trim import first_line, settle, without_extra_indent

__all__ = ["StopDecision", "StopRules"]


@dataclass(frozen=True, slots=True)
class StopDecision:
    """Whether to go on after the text so far."""

    shown: str
    """The part that can be shown while more is on its way."""
    ended: str | None
    """Why to stop: ``stop`` (the line that was asked for is complete) or ``trimmed`` (a rule
    cuts the text, and would cut whatever follows).  None: go on."""


@dataclass(frozen=True, slots=True)
class StopRules:
    """When the completion at one cursor ends."""

    around: Surroundings
    multi_line: bool = True

    @property
    def one_line(self) -> bool:
        """Whether the completion ends with the cursor's line."""
        return not self.multi_line or bool(self.around.rest.strip())

    def decide(self, text: str) -> StopDecision:
        """Return the decision on all text so far."""
        text = without_extra_indent(text, self.around)
        if self.one_line and "\n" in text:
            line = first_line(text, self.around)
            return StopDecision(settle(line, self.around).rstrip(), "stop")
        settled = settle(text, self.around)
        return StopDecision(settled.rstrip(), None if settled == text else "trimmed")
