"""What every key of a typed page took, by part, and the sums.  Pure: no engine, no clock."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from scripts.bench.spread import percentiles
from scripts.bench.typing_passes import Passes, has_line

__all__ = ["PARTS", "Key", "Text", "latency_table", "summary"]

PARTS = ("delay_ms", "queue_ms", "prefill_ms", "first_decode_ms")
"""From the key to the first text: the policy's rest; until the session begins with the request;
the prompt; all else, that is preparing the prompt, the first tokens, and the way of the text."""

_LIMITS = (8, 16, 32, 64, 512)
"""Tokens of an answer at most, for each row of a latency table."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text that was shown, and when."""

    at: float
    """Seconds, on the clock of the key."""
    text: str


@dataclass(slots=True)
class Key:
    """One key, and all that came of it before the next."""

    kind: str
    """``character``, ``enter``, ``after accept`` (it accepted a suggestion), or ``cold``: the
    first key in a file."""
    pressed: float
    source: str = "none"
    """What answered: ``request``; ``shown`` (it was the next character of what was shown);
    ``cache`` (an earlier answer); ``none`` (the policy asked for nothing)."""
    asked: float | None = None
    """When the request was sent."""
    began: float | None = None
    """When the session began with it."""
    ended: float | None = None
    """When its answer was there."""
    texts: list[Text] = field(default_factory=list)
    final: str | None = None
    """What is shown in the end, "" if nothing is; None: the next key came first."""
    prompt_tokens: int = 0
    new_tokens: int = 0
    """Prompt tokens that were not in the KV cache."""
    completion_tokens: int = 0
    prefill_ms: float = 0.0
    before: str = ""
    """The end of the text before the cursor."""
    passes: Passes | None = None
    """What the session computed, where that was noted."""

    @property
    def first(self) -> Text | None:
        """The first text that was not withdrawn: what is shown in the end begins with it."""
        final = self.final or ""
        return next((each for each in self.texts if final.startswith(each.text.rstrip())), None)

    @property
    def withdrawn(self) -> int:
        """Texts before it that were."""
        final = self.final or ""
        return sum(not final.startswith(each.text.rstrip()) for each in self.texts)

    @property
    def has_line(self) -> bool:
        """Whether the first line of the text that is shown is complete."""
        return any("\n" in each.text.lstrip("\n") for each in self.texts)

    def figures(self) -> dict[str, float]:
        """Return milliseconds by part; nothing where nothing was shown in the end."""
        first = self.first
        if first is None:
            return {}
        found = {"first_text_ms": 1e3 * (first.at - self.pressed)}
        found["any_text_ms"] = 1e3 * (self.texts[0].at - self.pressed)
        if self.source != "request" or self.asked is None:
            return found
        line_at = self._line_at()
        if line_at is not None:
            found["whole_line_ms"] = 1e3 * (max(first.at, line_at) - self.pressed)
        found["delay_ms"] = 1e3 * (self.asked - self.pressed)
        if self.began is not None:
            found["queue_ms"] = 1e3 * (self.began - self.asked)
            found["prefill_ms"] = self.prefill_ms
            behind = 1e3 * (first.at - self.began) - self.prefill_ms
            found["first_decode_ms"] = max(0.0, behind)
        return found

    def _line_at(self) -> float | None:
        """Return when the first line of the text was complete; None: the next key came first."""
        for each in self.texts:
            if has_line(each.text, self.final or ""):
                return each.at
        return self.ended


def summary(keys: Sequence[Key], pass_ms: float) -> dict[str, Any]:
    """Return the figures of all keys; ``request`` leaves out those at a cold cursor.

    Args:
        keys: All of one run.
        pass_ms: Bytes read for one token ÷ bandwidth, in milliseconds.
    """
    every = [key for key in keys if key.source == "request"]
    asked = [key for key in every if key.kind != "cold"]
    kinds = sorted({key.kind for key in keys})
    sources = ("shown", "cache", "request", "none")
    return {
        "keys": len(keys),
        "sources": {name: sum(key.source == name for key in keys) for name in sources},
        "unanswered": sum(key.final is None for key in asked),
        "nothing_shown": sum(key.final == "" for key in asked),
        "withdrawn": sum(key.withdrawn for key in asked),
        "pass_ms": pass_ms,
        "request": latencies(asked, pass_ms),
        "kinds": {
            kind: latencies([key for key in every if key.kind == kind], pass_ms) for kind in kinds
        },
        "shown": times(keys, "shown", "first_text_ms"),
        "cache": times(keys, "cache", "first_text_ms"),
    }


def latencies(keys: Sequence[Key], pass_ms: float) -> dict[str, Any]:
    """Return the percentiles of keys with a request: milliseconds, passes, tokens."""
    figures = [key.figures() for key in keys]
    names = ("first_text_ms", "whole_line_ms", "any_text_ms", *PARTS)
    found: dict[str, Any] = {"n": len(keys)}
    for name in names:
        found[name] = percentiles([each[name] for each in figures if name in each])
    for name in names[:2]:
        found[name.replace("_ms", "_passes")] = {
            at: value / pass_ms for at, value in found[name].items()
        }
    done = [key for key in keys if key.final is not None]
    for name in ("new_tokens", "prompt_tokens", "completion_tokens"):
        found[name] = percentiles([getattr(key, name) for key in done])
    return found


def times(keys: Iterable[Key], source: str, name: str) -> dict[str, float]:
    """Return the percentiles of a figure of the keys that one source answered."""
    figures = [key.figures() for key in keys if key.source == source]
    return percentiles([each[name] for each in figures if name in each])


def latency_table(model: str, keys: Sequence[Key]) -> dict[str, Any] | None:
    """Return when answers come, for `spark-tui bench quality --latency`.

    Medians over the requests of a run, from the moment they are sent: the first text, and the end
    of answers of so many tokens.  A row without an answer takes the time of a token from the rest.
    None where nothing was shown.
    """
    done = [key for key in keys if key.source == "request" and key.ended is not None]
    firsts = [1e3 * (key.first.at - (key.asked or 0)) for key in done if key.first is not None]
    if not firsts:
        return None
    first = _median(firsts)
    ends = [(key.completion_tokens, 1e3 * ((key.ended or 0) - (key.asked or 0))) for key in done]
    rates = [max(0.0, ms - first) / tokens for tokens, ms in ends if tokens > 0]
    token_ms = _median(rates)
    rows: list[list[float]] = []
    least = 0
    for most in _LIMITS:
        inside = [ms for tokens, ms in ends if least < tokens <= most]
        before = rows[-1][1] if rows else first
        taken = _median(inside) if inside else first + token_ms * most
        rows.append([most, round(max(before, taken), 1)])
        least = most
    return {"model": model, "first_text_ms": round(first, 1), "latency_ms": rows}


def _median(values: Sequence[float]) -> float:
    return percentiles(values)["p50"] if values else 0.0


def as_json(keys: Iterable[Key]) -> list[dict[str, Any]]:
    """Return every key with its texts and parts, for ``--keys-out``."""
    return [asdict(key) | key.figures() for key in keys]
