"""What became of suggestions, as counts that add up: by day, and by model and type of file.

Holds numbers, names of models and endings of files, and no text.  Pure; `store` keeps them.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec

from tui.assist.numbers.times import Histogram

__all__ = [
    "CHECKS",
    "DAYS",
    "PARTS",
    "DailyCounts",
    "KindCounts",
    "OutcomeCounts",
    "SuggestionKind",
    "total",
]

CHECKS = (30, 120, 600)
"""Seconds after which we look whether an accepted text is still there, as Copilot does."""

PARTS = ("delay", "queue", "prefill", "decode", "trim", "other", "paint")
"""Parts of the time from a key to the whole suggestion on the screen, in their order; ``other`` is
preparing the prompt, choosing tokens, and the way of the text."""

DAYS = 90
"""Days that are kept."""

_KINDS = 40
"""Most kinds of a day; what comes then is counted under `_REST`."""
_REST = "other"

_Count = Annotated[int, msgspec.Meta(ge=0)]


class OutcomeCounts(msgspec.Struct):
    """Counts of suggestions, or of what was typed."""

    shown: _Count = 0
    """Suggestions that were on the screen."""
    accepted: _Count = 0
    """Those of which a key accepted something."""
    dismissed: _Count = 0
    """Those that went with no character kept, neither accepted nor typed."""
    refused: _Count = 0
    """Those of the dismissed that Esc took away."""
    held_back: _Count = 0
    """Answers that were not likely enough to be shown."""
    accept_keys: dict[str, _Count] = {}
    """Keys that accepted something, by what: ``all``, ``line``, ``word``, ``part``."""
    characters_accepted: _Count = 0
    """Characters that these keys brought, without indentation, which the editor writes."""
    characters_typed: _Count = 0
    """Characters that came one by one; nothing that was pasted."""
    looked: dict[int, _Count] = {}
    """Accepted texts that were looked for, by the seconds since, of `CHECKS`."""
    still_there: dict[int, _Count] = {}
    """Those of them that were found."""
    times: dict[str, Histogram] = {}
    """Host times by part: ``first_text``, ``whole`` and those of `PARTS`."""

    def add(self, other: "OutcomeCounts") -> None:
        """Add other counts to these."""
        for field in self.__struct_fields__:
            mine, theirs = getattr(self, field), getattr(other, field)
            if isinstance(theirs, int):
                setattr(self, field, mine + theirs)
            elif field == "times":
                for part, histogram in theirs.items():
                    mine[part] = _sum(mine.get(part, {}), histogram)
            else:
                setattr(self, field, _sum(mine, theirs))

    @property
    def keys_saved(self) -> int:
        """Characters that were accepted, less the keys that did it."""
        return self.characters_accepted - sum(self.accept_keys.values())

    @property
    def keys_saved_share(self) -> float | None:
        """Keys saved as a share of all characters that came in, 0–1; None if none did."""
        characters = self.characters_accepted + self.characters_typed
        return self.keys_saved / characters if characters else None


def _sum(one: dict, other: dict) -> dict:  # type: ignore[type-arg]  # counts by anything
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}


class SuggestionKind(NamedTuple):
    """What suggestions are counted by."""

    model: str
    file_type: str
    """A file's ending: ``"py"``; ``"other"`` for endings that are not of code."""


class KindCounts(msgspec.Struct):
    """The counts of one kind."""

    model: str
    file_type: str
    counts: OutcomeCounts

    @property
    def kind(self) -> SuggestionKind:
        """Whose counts they are."""
        return SuggestionKind(self.model, self.file_type)


class DailyCounts(msgspec.Struct):
    """Counts by day, as they are kept."""

    version: int = 1
    days: dict[str, list[KindCounts]] = {}
    """By date (ISO 8601, local)."""

    def of(self, day: str, kind: SuggestionKind) -> OutcomeCounts:
        """Return the counts of a kind on a day, to be changed; too many kinds become one."""
        kinds = self.days.setdefault(day, [])
        if len(kinds) >= _KINDS and all(each.kind != kind for each in kinds):
            kind = SuggestionKind(_REST, _REST)
        found = next((each.counts for each in kinds if each.kind == kind), None)
        if found is None:
            found = OutcomeCounts()
            kinds.append(KindCounts(*kind, found))
        return found

    def add(self, other: "DailyCounts") -> None:
        """Add the counts of others to these."""
        for day, kinds in other.days.items():
            for each in kinds:
                self.of(day, each.kind).add(each.counts)

    def prune(self, today: dt.date) -> None:
        """Drop the days that are too long ago, and what is no day."""
        first = (today - dt.timedelta(days=DAYS - 1)).isoformat()
        self.days = {
            day: kinds for day, kinds in self.days.items() if _is_day(day) and day >= first
        }

    def kinds(self, since: dt.date | None = None) -> list[KindCounts]:
        """Return the sums of each kind over the days from ``since`` on, the most shown first."""
        sums: dict[SuggestionKind, OutcomeCounts] = {}
        for day, kinds in self.days.items():
            for each in kinds if since is None or day >= since.isoformat() else ():
                sums.setdefault(each.kind, OutcomeCounts()).add(each.counts)
        rows = [KindCounts(*kind, counts) for kind, counts in sums.items()]
        return sorted(rows, key=lambda row: -row.counts.shown)


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def total(kinds: Iterable[KindCounts]) -> OutcomeCounts:
    """Return the sum over kinds."""
    sum_ = OutcomeCounts()
    for kind in kinds:
        sum_.add(kind.counts)
    return sum_
