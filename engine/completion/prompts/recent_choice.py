"""Which of the parts of other files that a person just saw a model reads first, for one cursor.

A part counts by the names it shares with the text around the cursor, rare ones more; among equals
the one seen last.  One that says mostly what the cursor's text says already tells nothing new.
Pure: the same parts and the same text give the same order.
"""

import re
from collections import Counter
from collections.abc import Sequence

from engine.repository.other_files import FileChunk

__all__ = ["best_first"]

BEFORE_CHARACTERS, AFTER_CHARACTERS = 1_200, 400
"""Text around the cursor that is compared: about thirty lines above and ten below."""

MOST_ALIKE = 0.5
"""A part is left out if a larger share of its lines stands around the cursor already.

Source: llama.vim leaves out what is more than half alike the place; it compares words.
"""

_NAME = re.compile(r"[^\W\d]\w{2,}")


def best_first(chunks: Sequence[FileChunk], prefix: str, suffix: str) -> list[FileChunk]:
    """Return the parts that are worth reading, the best first.

    Args:
        chunks: The part seen last comes first.
        prefix: Text before the cursor.
        suffix: Text after it.
    """
    around = prefix[-BEFORE_CHARACTERS:] + suffix[:AFTER_CHARACTERS]
    lines = _lines(around)
    worth = [chunk for chunk in chunks if _alike(_lines(chunk.text), lines) <= MOST_ALIKE]
    words = [set(_NAME.findall(chunk.text)) for chunk in worth]
    common = Counter(word for each in words for word in each)
    here = set(_NAME.findall(around))
    shared = [sum(1 / common[word] for word in each & here) for each in words]
    order = sorted(range(len(worth)), key=lambda i: -shared[i])
    return [worth[i] for i in order]


def _lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()} - {""}


def _alike(lines: set[str], around: set[str]) -> float:
    """Return the share of lines that stand around the cursor, too."""
    return len(lines & around) / len(lines) if lines else 1.0
