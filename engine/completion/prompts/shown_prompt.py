"""Writes a prompt out as a person reads it: text as it is, control tokens by their names."""

from collections.abc import Iterable
from itertools import groupby

from engine.tokenizer import Tokenizer

__all__ = ["shown_prompt"]


def shown_prompt(tokenizer: Tokenizer, ids: Iterable[int]) -> str:
    """Return the text of a prompt, each control token as its name in the vocabulary."""
    found = ((tokenizer.special(name), name) for name in tokenizer.special_names)
    names = {token: name for token, name in found if token is not None}

    def said(control: bool, run: Iterable[int]) -> str:
        return "".join(names[each] for each in run) if control else tokenizer.decode(run)

    return "".join(said(*each) for each in groupby(ids, lambda token: token in names))
