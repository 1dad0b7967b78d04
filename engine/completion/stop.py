"""Decides, token by token, that a completion is finished, so that no useless token is computed.

The decisions are those of the `SETTLED` rules of `engine.completion.trim`: text that a rule
already cuts will be cut there whatever follows.
"""

from dataclasses import dataclass

from engine.completion.place import Place
from engine.completion.trim import first_line, settle, without_extra_indent

__all__ = ["StopRules", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of the text so far."""

    shown: str
    """The part that can be shown while more is on the way."""
    ended: str | None
    """Why nothing more is needed: ``stop`` (the line that was asked for is there), ``trimmed``
    (a rule cuts, and would cut what follows); None: go on."""


@dataclass(frozen=True, slots=True)
class StopRules:
    """When the completion at one place ends."""

    place: Place
    multi_line: bool = True

    @property
    def one_line(self) -> bool:
        """Whether the completion ends with the cursor's line."""
        return not self.multi_line or bool(self.place.rest.strip())

    def look(self, text: str) -> Verdict:
        """Return the verdict on all text so far."""
        text = without_extra_indent(text, self.place)
        if self.one_line and "\n" in text:
            return Verdict(settle(first_line(text, self.place), self.place).rstrip(), "stop")
        settled = settle(text, self.place)
        return Verdict(settled.rstrip(), None if settled == text else "trimmed")
