"""What a person just saw or changed in other files, indexed as far as the library does not hold it.

A file that is changed and not saved yet, or saved since the library last looked, is known here
first.  What the library holds already is not counted twice.
"""

from collections.abc import Sequence

from engine.knowledge.library import Library
from engine.knowledge.text_index import IndexView, TextIndex
from engine.repository.other_files import FileChunk
from engine.tokenizer import Tokenizer

__all__ = ["RecentTexts"]


class RecentTexts:
    """Parts of files that no library holds yet.

    Args:
        tokenizer: The model's.
        suffixes: Endings of the file names that count.
    """

    def __init__(self, tokenizer: Tokenizer, suffixes: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._suffixes = tuple(suffixes)
        self._texts: dict[str, str] = {}
        self._index: TextIndex | None = None

    def learn(self, library: Library, chunks: Sequence[FileChunk]) -> None:
        """Index those parts of ``chunks`` that ``library`` does not hold, and forget all others.

        Cost:
            A search in a text for each part; a few milliseconds where the parts changed.
        """
        texts: dict[str, str] = {}
        for chunk in chunks:
            if chunk.path.endswith(self._suffixes) and not library.holds(chunk.path, chunk.text):
                texts[chunk.path] = texts.get(chunk.path, "") + chunk.text.rstrip("\n") + "\n"
        if texts != self._texts:
            self._texts = texts
            self._index = TextIndex(self._tokenizer, list(texts.items())) if texts else None

    def views(self, without: str) -> list[IndexView]:
        """Return the view for a completion in the file ``without``; none if nothing is known."""
        return [] if self._index is None else [IndexView(self._index, hidden=frozenset({without}))]
