"""The lines around an answer: what was read for it, how it ended, what it took.  Pure."""

from collections.abc import Sequence

from engine.protocol.asking import AskReply, ReadPart
from tui.assist.conversation import AskedTurn
from tui.format import count_text, milliseconds_text, rate_text
from tui.visuals.wafer_cost import cycles_text

__all__ = [
    "cost_text",
    "finish_text",
    "progress_text",
    "shown_cost",
    "sources_text",
]

_WHY = {"selected": "selected", "open": "open", "defines": "definition", "similar": "similar"}
_ENDS = {
    "length": "the answer was cut at its longest; ask it to go on",
    "repeats": "the model repeated itself and was stopped",
    "cancelled": "stopped",
}


def sources_text(parts: Sequence[ReadPart]) -> str:
    """Return the places that were read, by file: ``a.py:1-8, 20-24 (open), b.py:3-9 (similar)``."""
    files: dict[str, list[ReadPart]] = {}
    for part in parts:
        files.setdefault(part.path, []).append(part)
    return ", ".join(f"{path}:{_ranges(some)}" for path, some in files.items())


def _ranges(parts: Sequence[ReadPart]) -> str:
    """Return the lines of one file, those that were read for the same reason together."""
    reasons: dict[str, list[str]] = {}
    for part in parts:
        reasons.setdefault(_WHY[part.why], []).append(_lines(part))
    return ", ".join(f"{', '.join(lines)} ({why})" for why, lines in reasons.items())


def _lines(part: ReadPart) -> str:
    return str(part.first) if part.first == part.last else f"{part.first}-{part.last}"


def finish_text(reason: str) -> str:
    """Return why an answer is not whole, for a person; empty if it is."""
    return _ENDS.get(reason, "")


def cost_text(reply: AskReply) -> str:
    """Return what an answer took: host time as measured, wafer time as emulated."""
    host = reply.host
    total = milliseconds_text(host.prefill_ms + host.decode_ms)
    rate = f"{rate_text(host.tokens_per_second)} tokens/s"
    return f"host {total}, {rate} · {cycles_text(reply.wafer)} · {reply.model}"


def shown_cost(turn: AskedTurn) -> str:
    """Return what a turn took; of one from the disk as it was told then."""
    return turn.cost if turn.reply is None else cost_text(turn.reply)


def progress_text(turn: AskedTurn) -> str:
    """Return what goes on before the first word; empty once there is one."""
    if turn.answer or turn.ended:
        return ""
    if not turn.prompt_tokens:
        return "looking through the repository …"
    return f"reading {count_text(turn.prompt_tokens)} tokens …"
