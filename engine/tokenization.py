"""The tokens of a text in a model's vocabulary, by the model's name.  Opens no weights."""

from dataclasses import dataclass

from engine.model_store.lookup import find_model
from engine.tokenizer import Tokenizer

__all__ = ["TokenizedText", "tokenize"]


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """A text as tokens."""

    ids: list[int]
    pieces: list[str]
    """The text of each token; bytes that are no UTF-8 by themselves are U+FFFD."""


def tokenize(model: str | None, text: str) -> TokenizedText:
    """Return a text in a model's vocabulary; what looks like a control token stays text.

    Args:
        model: A bundled name, a model folder or a GGUF file; None means the bundled default.
        text: The text.

    Raises:
        ModelError: The model cannot be found, or its vocabulary cannot be read.
        WeightsError: The GGUF file is missing or malformed.
    """
    tokenizer = Tokenizer.load(find_model(model))
    ids = tokenizer.encode_part(text, first=True)
    return TokenizedText(ids, [tokenizer.decode([token]) for token in ids])
