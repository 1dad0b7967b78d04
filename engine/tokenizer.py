"""Text ↔ token ids of one vocabulary.  Knows nothing of prompts or models.

Wraps the `tokenizers` library, which is imported when a tokenizer is opened.  It adds two things:
markers inside a person's text stay text, and decoding is exact to the byte, so that streaming can
hold back a character split over tokens.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.garbage import uncollected
from engine.json_vocabulary import contents_of, read_json_vocabulary
from engine.token_roles import TokenRoles
from engine.token_table import TokenTable

if TYPE_CHECKING:
    from tokenizers import Tokenizer as _Tokenizer

    from engine.model.formats.gguf import GgufFile

__all__ = ["TextStream", "Tokenizer"]

_BATCH = 16
"""Texts encoded together: enough to use all threads, few enough to fit in memory."""


class Tokenizer:
    """The vocabulary of one model.

    Open it with `load`.  Only one thread at a time may use it, but for `encode_many`.
    """

    def __init__(
        self,
        backend: "_Tokenizer",
        contents: Sequence[bytes] | None = None,
        roles: TokenRoles | None = None,
    ) -> None:
        """Wrap a tokenizer of the library.

        Args:
            backend: The library's; it puts nothing in front of a text.
            contents: The bytes of every token by id; None: its letters stand for bytes.
            roles: What the model's files say of single tokens; None: nothing.
        """
        self._backend = backend
        # Otherwise the library turns "<|endoftext|>" in a file into the control token.
        backend.encode_special_tokens = True
        added = backend.get_added_tokens_decoder()
        self._special = {token.content: i for i, token in added.items() if token.special}
        self._bytes = contents_of(backend) if contents is None else contents
        self.roles = roles or TokenRoles()
        """Which tokens begin a text or stand for a part of a prompt."""
        self.table = TokenTable(self._bytes)
        """The bytes of all tokens, to be searched."""

    @classmethod
    def load(cls, place: Path, file: "GgufFile | None" = None) -> "Tokenizer":
        """Open the vocabulary of a model: ``tokenizer.json`` in its folder, or its GGUF file.

        Args:
            place: The folder or the file.
            file: The file's head, where it has been read already.

        Raises:
            ModelError: The file is missing or malformed, or its vocabulary is of a kind that is
                not read.
            WeightsError: The GGUF file is missing or malformed.
        """
        with uncollected():
            return cls._read(place, file)

    @classmethod
    def _read(cls, place: Path, file: "GgufFile | None") -> "Tokenizer":
        if place.is_file() or place.suffix == ".gguf":
            from engine.gguf_vocabulary import read_vocabulary
            from engine.model.formats.gguf import read_gguf

            vocabulary = read_vocabulary(file or read_gguf(place))
            return cls(vocabulary.backend, vocabulary.contents, vocabulary.roles)
        described = read_json_vocabulary(place / "tokenizer.json")
        return cls(described.backend, described.contents, described.roles)

    @property
    def vocabulary(self) -> int:
        """One more than the largest id."""
        return len(self._bytes)

    @property
    def special_ids(self) -> frozenset[int]:
        """The ids of all control tokens."""
        return frozenset(self._special.values())

    @property
    def special_names(self) -> frozenset[str]:
        """The names of all control tokens."""
        return frozenset(self._special)

    def special(self, name: str) -> int | None:
        """Return the id of the control token ``name``; None if the vocabulary lacks it."""
        return self._special.get(name)

    def encode_part(self, text: str, *, first: bool = False) -> list[int]:
        """Return the ids of ``text``, with markers in it as ordinary characters.

        A character that UTF-8 cannot encode (half of a surrogate pair) becomes ``?``.

        Args:
            text: Some text.
            first: Whether nothing stands before it.  Some vocabularies begin a text with a space.
        """
        space = " " if first and text and self.roles.space_first else ""
        return list(self._encode(space + text)[0])

    def encode_with_starts(self, text: str) -> tuple[list[int], list[int]]:
        """Return the ids of ``text`` and, for each, the character at which it starts."""
        ids, offsets = self._encode(text)
        return list(ids), [start for start, _ in offsets]

    def encode_many(self, texts: Iterable[str]) -> Iterator[list[int]]:
        """Yield the ids of each text, as from `encode_part`.

        Encodes a few texts at a time, on all threads.  Another thread may encode meanwhile.
        """
        clean = (text.encode("utf-8", "replace").decode("utf-8") for text in texts)
        while batch := list(islice(clean, _BATCH)):
            for encoding in self._backend.encode_batch_fast(batch, add_special_tokens=False):
                yield encoding.ids

    def _encode(self, text: str) -> tuple[Sequence[int], Sequence[tuple[int, int]]]:
        if not text:
            return [], []
        clean = text.encode("utf-8", "replace").decode("utf-8")
        encoding = self._backend.encode(clean, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes of ``token``; none for a control token or an unused id."""
        return self._bytes[token] if 0 <= token < len(self._bytes) else b""

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Return the bytes of a run of tokens, which may end inside a character."""
        return b"".join(self.token_bytes(token) for token in tokens)

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the text of a run of tokens; bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(tokens).decode("utf-8", "replace")

    def continuations(self, start: bytes) -> NDArray[np.int64]:
        """Return, ascending, the ids that can come next if the text must begin with ``start``."""
        return self.table.continuations(start)


class TextStream:
    """Turns the bytes of tokens into text as they come, and holds back unfinished characters."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, content: bytes) -> str:
        """Return the text that ``content`` completes; may be empty.

        The pieces together are the text of all bytes, without an unfinished character at the
        end, which is never returned.  Bytes that are not UTF-8 become U+FFFD.
        """
        return self._decoder.decode(content)
