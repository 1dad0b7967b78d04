"""Adviser: makes the advice for each completion out of the buffer and its repository."""

from collections import OrderedDict
from pathlib import Path

from engine.knowledge.advice import Advice, line_ends
from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.library import Library
from engine.knowledge.text_index import IndexView, TextIndex
from engine.knowledge.tuning import Tuning
from engine.protocol.messages import PREFIX_CHARACTERS, SUFFIX_CHARACTERS
from engine.tokenizer import Tokenizer

__all__ = ["Adviser"]

SUFFIXES = {"python": (".py", ".pyi")}
"""Endings of the files that a model of one language learns from."""

ANY_SUFFIXES = (
    *(".c", ".cc", ".cpp", ".cs", ".css", ".go", ".h", ".hpp", ".html", ".java", ".js", ".jsx"),
    *(".kt", ".lua", ".md", ".php", ".py", ".pyi", ".rb", ".rs", ".sh", ".sql", ".swift", ".ts"),
    *(".tsx", ".toml", ".vue", ".yaml", ".yml", ".zig"),
)
"""The same of a model of many."""

KEPT_BUFFERS = 4
"""Buffers whose shelves are kept: while a line is typed, the text around it stays the same."""


class Adviser:
    """Knows one repository at a time.

    `advise` never waits for files; `read` does.  One thread at a time may advise.

    Args:
        tokenizer: The model's.
        tuning: Of the same model.
        language: The model's one language, or ``"any"``.
    """

    def __init__(self, tokenizer: Tokenizer, tuning: Tuning, language: str) -> None:
        self._tokenizer = tokenizer
        self._suffixes = SUFFIXES.get(language, ANY_SUFFIXES)
        self._ends = line_ends(tokenizer)
        self._library: Library | None = None
        self._buffers: OrderedDict[tuple[str, str], TextIndex] = OrderedDict()
        self.tuning = tuning
        self.coefficients = tuning.coefficients()

    def read(self, root: str, private_patterns: tuple[str, ...]) -> Library:
        """Read a repository now, or what changed in it; blocks.  Return its library."""
        library = self.library(root, private_patterns)
        library.read()
        return library

    def library(self, root: str, private_patterns: tuple[str, ...]) -> Library:
        """Return the library of a repository, empty where it is another than before."""
        known = self._library
        folder = Path(root).resolve()
        if known is None or (known.root, known.private_patterns) != (folder, private_patterns):
            known = Library(folder, self._tokenizer, self._suffixes, private_patterns)
            self._library = known
        return known

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
            library: From `library`; read in the background when it is time.
            path: The file, relative to the repository: its text on disk is passed over.
            prefix: Text before the cursor.
            suffix: Text after it.
            context: Token ids in front of what will be generated.
            healing: Bytes before the cursor that will be generated again.
            one_line: Whether the completion ends with the cursor's line.
        """
        library.freshen(path)
        return Advice(
            self._tokenizer,
            self._ends,
            IndexView(self._buffer_index(prefix, suffix), own=True),
            library.views(path),
            CursorLines.of(prefix, suffix, healing, one_line=one_line),
            context,
        )

    def _buffer_index(self, prefix: str, suffix: str) -> TextIndex:
        """Return a shelf of the lines above and below the cursor's."""
        above = prefix[: prefix.rfind("\n") + 1][-PREFIX_CHARACTERS:]
        below = suffix[:SUFFIX_CHARACTERS].partition("\n")[2]
        index = self._buffers.pop((above, below), None)
        if index is None:
            index = TextIndex(self._tokenizer, [("above", above), ("below", below)])
        self._buffers[above, below] = index
        while len(self._buffers) > KEPT_BUFFERS:
            self._buffers.popitem(last=False)
        return index
