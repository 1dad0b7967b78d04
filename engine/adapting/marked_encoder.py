"""A model's vocabulary as packing takes it: ids of text, and of the markers between its parts."""

from engine.errors import AdaptError
from engine.packing.fim import MarkerIds
from engine.tokenizer import Tokenizer

__all__ = ["ModelEncoder"]

_END, _PREFIX, _MIDDLE, _SUFFIX = (
    "<|endoftext|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
)
_PAD, _REPOSITORY, _FILE = "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"
_LARGEST_VOCABULARY = 1 << 16
"""Rows hold 16 bits a token."""


class ModelEncoder:
    """Ids of text and of the markers of one vocabulary.

    Raises:
        AdaptError: The vocabulary has other markers, or is too large.
    """

    def __init__(self, name: str, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        ids = {
            marker: tokenizer.special(marker)
            for marker in (_END, _PREFIX, _MIDDLE, _SUFFIX, _PAD, _REPOSITORY, _FILE)
        }
        missing = [marker for marker, number in ids.items() if number is None]
        if missing or tokenizer.vocabulary > _LARGEST_VOCABULARY:
            lacks = f"has no token {missing[0]}" if missing else "is larger than 65,536 tokens"
            raise AdaptError(
                f"{name} cannot be adapted: its vocabulary {lacks}; spark-nano can be adapted"
            )
        known = {marker: number for marker, number in ids.items() if number is not None}
        self.ids = MarkerIds(known[_END], known[_PREFIX], known[_MIDDLE], known[_SUFFIX])
        self.pad, self.repo, self.file = known[_PAD], known[_REPOSITORY], known[_FILE]

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text; markers inside it are ordinary characters."""
        return self._tokenizer.encode_part(text)

    def size_bytes(self, tokens: list[int]) -> int:
        """Return the bytes of the text of some tokens."""
        return len(self._tokenizer.decode_bytes(tokens))
