"""A model's vocabulary as packing takes it: ids of text, and of the markers between its parts.

Families spell their markers in a few ways.  A vocabulary without those of fill-in-the-middle learns
plain text, one without those of files learns text without paths.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from engine.errors import AdaptError
from engine.packing.examples import PackingRecipe
from engine.packing.fim import MarkerIds
from engine.tokenizer import Tokenizer

__all__ = ["ModelEncoder"]

_SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "prefix": ("<|fim_prefix|>", "<fim_prefix>"),
        "middle": ("<|fim_middle|>", "<fim_middle>"),
        "suffix": ("<|fim_suffix|>", "<fim_suffix>"),
        "pad": ("<|fim_pad|>", "<fim_pad>"),
        "repository": ("<|repo_name|>", "<repo_name>", "<reponame>"),
        "file": ("<|file_sep|>", "<file_sep>"),
        "end": ("<|endoftext|>", "<|end_of_text|>", "<eos>", "</s>"),
    }
)
"""As in `engine.completion.prompt_styles`; the first that a vocabulary has counts."""


class ModelEncoder:
    """Ids of text and of the markers of one vocabulary.

    Raises:
        AdaptError: The vocabulary has no token that ends a text.
    """

    def __init__(self, name: str, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        found = {role: self._found(names) for role, names in _SPELLINGS.items()}
        end = tokenizer.roles.end if found["end"] is None else found["end"]
        if end is None:
            raise AdaptError(f"{name} cannot be adapted: no token of its vocabulary ends a text")
        ids = {role: end if number is None else number for role, number in found.items()}
        self.ids = MarkerIds(end, ids["prefix"], ids["middle"], ids["suffix"])
        self.pad, self.repo, self.file = ids["pad"], ids["repository"], ids["file"]
        self.start = tokenizer.roles.start
        """Stand in front of every row."""
        self._fills = None not in (found["prefix"], found["middle"], found["suffix"])
        self._names_files = None not in (found["repository"], found["file"])

    def _found(self, names: tuple[str, ...]) -> int | None:
        known = (self.tokenizer.special(name) for name in names)
        return next((number for number in known if number is not None), None)

    def recipe(self, wanted: PackingRecipe) -> PackingRecipe:
        """Return a recipe without what the vocabulary has no markers for."""
        headers = wanted.headers if self._names_files else {"none": 1.0}
        share = wanted.fim_share if self._fills else 0.0
        return replace(wanted, headers=headers, fim_share=share)

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text; markers inside it are ordinary characters."""
        return self.tokenizer.encode_part(text)

    def size_bytes(self, tokens: list[int]) -> int:
        """Return the bytes of the text of some tokens."""
        return len(self.tokenizer.decode_bytes(tokens))
