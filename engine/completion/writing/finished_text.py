"""What of a written draft is worth showing, how likely it is, and why it ended.

Cuts by the rules of `engine.completion.rules.trim`; writes nothing.
"""

from engine.completion.code.in_place import in_place
from engine.completion.rules.trim import trim, without_extra_indent, without_unfinished_line
from engine.completion.writing.draft import Draft
from engine.generation.generator import Generation

__all__ = ["finish_reason", "finished", "likelihoods_of", "skipped_before"]


def finished(draft: Draft, multi_line: bool) -> tuple[str, str]:
    """Return (the text that was written, the part of it that is worth showing)."""
    written = draft.text if draft.ended else without_unfinished_line(draft.text)
    text = trim(written, draft.rules.around, multi_line=multi_line)
    syntax = draft.limits.syntax
    return written, text if syntax is None else in_place(text, syntax)


def likelihoods_of(draft: Draft, text: str) -> list[tuple[int, float]]:
    """Return how likely each token of ``text`` is, which is what is left of the draft's text.

    Empty where it is no stretch of that text, because its lines were moved.
    """
    start = skipped_before(draft)
    if not text or not draft.text.startswith(text, start):
        return []
    inside = [(end - start, share) for end, share in draft.likelihoods if end > start]
    whole = [(end, share) for end, share in inside if end < len(text)]
    last = [(len(text), share) for end, share in inside if end >= len(text)][:1]
    return whole + last


def skipped_before(draft: Draft) -> int:
    """Return how many characters of white space at a draft's beginning are there already."""
    return len(draft.text) - len(without_extra_indent(draft.text, draft.rules.around))


def finish_reason(draft: Draft, written: str, text: str, generation: Generation) -> str:
    """Return why a completion ended that was ``written`` and cut to ``text``."""
    if generation.cancelled:
        return "cancelled"
    cut = without_extra_indent(written, draft.rules.around)[len(text) :]
    return "trimmed" if cut.strip() else draft.ended or "length"
