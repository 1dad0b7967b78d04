"""Which file a cursor is in, where a client does not say: the engine's rules go by its language.

llama.vim and llama.vscode send the text around a cursor without its file's name, but stretches of
open files with theirs.  Pure.
"""

import re
from collections.abc import Sequence

from engine.protocol.completion import TextChunk

__all__ = ["guess_path"]

LEAST_SHARED = 3
"""So many lines of a stretch must stand around the cursor too."""

TELLING_CHARACTERS = 8
"""A shorter line stands in many files."""

_PYTHON = re.compile(
    r"^\s*(?:(?:async\s+)?def\s+\w+\(|class\s+\w+.*:\s*$|from\s+[\w.]+\s+import\s|import\s+[\w.]+$"
    r"|(?:if|elif|while|with|except)\s.*:\s*$|for\s.*\sin\s.*:\s*$|self\.\w+)"
)
_NOT_PYTHON = re.compile(r"[;{}]\s*$|^\s*(?://|/\*|#include|use |fn |func |package )")


def guess_path(prefix: str, suffix: str, chunks: Sequence[TextChunk]) -> str:
    """Return the path that the file around a cursor probably has; empty where nothing tells."""
    lines = [line.strip() for line in f"{prefix}{suffix}".split("\n")]
    around = {line for line in lines if len(line) >= TELLING_CHARACTERS}
    for chunk in reversed(chunks):
        found = {line.strip() for line in chunk.text.split("\n")}
        telling = {line for line in found if len(line) >= TELLING_CHARACTERS}
        shared = telling & around
        if chunk.path and len(shared) >= max(LEAST_SHARED, len(telling) // 2):
            return chunk.path
    return "untitled.py" if _is_python(f"{prefix}{suffix}".split("\n")) else ""


def _is_python(lines: Sequence[str]) -> bool:
    likely = sum(bool(_PYTHON.search(line)) for line in lines)
    unlikely = sum(bool(_NOT_PYTHON.search(line)) for line in lines)
    return likely > 2 * unlikely
