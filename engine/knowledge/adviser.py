"""Adviser: prepares the advice for each completion from the buffer and its repository."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.knowledge.advice import Advice, Ends, line_ends
from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.library import Library
from engine.knowledge.recent_texts import RecentTexts
from engine.knowledge.text_index import IndexView, TextIndex
from engine.knowledge.tuning import Tuning
from engine.protocol.completion import PREFIX_CHARACTERS, SUFFIX_CHARACTERS
from engine.repository.other_files import FileChunk
from engine.tokenizer import Tokenizer

__all__ = ["Adviser"]

SUFFIXES = {"python": (".py", ".pyi")}
"""Endings of the files that are read for a model of one language."""

ANY_SUFFIXES = (
    *(".c", ".cc", ".cpp", ".cs", ".css", ".go", ".h", ".hpp", ".html", ".java", ".js", ".jsx"),
    *(".kt", ".lua", ".md", ".php", ".py", ".pyi", ".rb", ".rs", ".sh", ".sql", ".swift", ".ts"),
    *(".tsx", ".toml", ".vue", ".yaml", ".yml", ".zig"),
)
"""Endings of the files that are read for a model of many languages."""

KEPT_BUFFERS = 4
"""Buffer indexes kept: the text around the cursor's line stays the same while a line is typed."""


class Adviser:
    """Advises on completions in one repository at a time.

    `advise` never waits for files; `read` does.  Only one thread at a time may use an adviser.

    Args:
        tokenizer: The model's.
        tuning: The same model's.
        language: The model's only language, or ``"any"``.
        text_ends: Control tokens with which the model ends a text, the usual one first.
    """

    def __init__(
        self, tokenizer: Tokenizer, tuning: Tuning, language: str, text_ends: NDArray[np.int64]
    ) -> None:
        self._tokenizer = tokenizer
        self._suffixes = SUFFIXES.get(language, ANY_SUFFIXES)
        self._ends = Ends(line_ends(tokenizer), text_ends)
        self._library: Library | None = None
        self._recent = RecentTexts(tokenizer, self._suffixes)
        self._buffers: OrderedDict[tuple[str, str], TextIndex] = OrderedDict()
        self.tuning = tuning
        self.coefficients = tuning.coefficients()

    def read(self, root: str, private_patterns: tuple[str, ...], near: str = "") -> Library:
        """Read a repository, or what has changed in it, and return its library; blocks.

        Of too many files those nearest to ``near`` are read.
        """
        library = self.library(root, private_patterns)
        library.read(near)
        return library

    def library(self, root: str, private_patterns: tuple[str, ...]) -> Library:
        """Return the library of a repository: the last one, or a new and empty one."""
        known = self._library
        folder = Path(root).resolve()
        if known is None or (known.root, known.private_patterns) != (folder, private_patterns):
            known = Library(folder, self._tokenizer, self._suffixes, private_patterns)
            self._library = known
            self._recent = RecentTexts(self._tokenizer, self._suffixes)
        return known

    def learn(self, library: Library, chunks: Sequence[FileChunk]) -> None:
        """Let later advice know what the person just saw or changed in other files.

        Args:
            library: From `library`.
            chunks: Parts of files that may be read, as they are now.
        """
        self._recent.learn(library, chunks)

    def advise(
        self,
        library: Library,
        path: str,
        prefix: str,
        suffix: str,
        context: list[int],
        healing: bytes,
        *,
        one_line: bool,
    ) -> Advice:
        """Return the advice for a cursor between ``prefix`` and ``suffix``.

        Args:
            library: From `library`; updated in the background if it is time.
            path: The file, relative to the repository; its text on disk is hidden.
            prefix: Text before the cursor.
            suffix: Text after the cursor.
            context: Token ids before the generated ones.
            healing: Bytes before the cursor that are generated again.
            one_line: Whether the completion ends with the cursor's line.
        """
        library.freshen(path)
        return Advice(
            self._tokenizer,
            self._ends,
            IndexView(self._buffer_index(prefix, suffix), own=True),
            [*library.views(path), *self._recent.views(path)],
            CursorLines.of(prefix, suffix, healing, one_line=one_line),
            context,
        )

    def _buffer_index(self, prefix: str, suffix: str) -> TextIndex:
        """Return an index of the lines above and below the cursor's line."""
        above = prefix[: prefix.rfind("\n") + 1][-PREFIX_CHARACTERS:]
        below = suffix[:SUFFIX_CHARACTERS].partition("\n")[2]
        index = self._buffers.pop((above, below), None)
        if index is None:
            index = TextIndex(self._tokenizer, [("above", above), ("below", below)])
        self._buffers[above, below] = index
        while len(self._buffers) > KEPT_BUFFERS:
            self._buffers.popitem(last=False)
        return index
