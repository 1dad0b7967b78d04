"""Other texts for a cursor: each leaves the first one's line where another token was likely.

Written one after another behind the first, from the same prompt, so each costs its own tokens only.
Trims nothing and knows no completion: that is `engine.completion.completer`.
"""

from collections.abc import Callable, Iterator

from engine.completion.writing.draft import Draft

__all__ = ["MOST_OTHERS", "other_texts"]

MOST_OTHERS = 4
"""Most other texts that are written for one cursor; more than five ways nobody compares."""

_TRIES = 2
"""Beginnings tried for each text that is wanted: some lead to a line that is there already."""


def other_texts(
    draft: Draft, count: int, write: Callable[[], str], cancelled: Callable[[], bool]
) -> Iterator[str]:
    """Yield texts for the cursor of ``draft``, the likeliest beginning first.

    Args:
        draft: Holds the first text; while a text is yielded, that one.
        count: Most texts.
        write: Writes the draft on to its end, and returns what is worth showing of it.
        cancelled: Asked before each text.
    """
    first, wanted = draft.choices, min(count, MOST_OTHERS)
    seen = {_line(draft.text)}
    for other in sorted(draft.other_lines(), reverse=True)[: _TRIES * wanted]:
        if wanted == 0 or cancelled():
            return
        draft.restore(first)
        draft.take(other)
        text = write()
        if text.strip() and _line(text) not in seen and not cancelled():
            seen.add(_line(text))
            wanted -= 1
            yield text


def _line(text: str) -> str:
    """Return the first line that is not blank, by which two texts are told apart."""
    return text.strip().partition("\n")[0].rstrip()
