"""Small tokenizers for tests."""

import json
from functools import cache

from tokenizers import Tokenizer as Backend

from engine.tokenizer import Tokenizer
from tests.tiny import byte_tokenizer as description


@cache
def byte_tokenizer() -> Tokenizer:
    """Return the tiny model's tokenizer: 7 control tokens, then one token for every byte."""
    return Tokenizer(Backend.from_str(json.dumps(description())))


@cache
def merging_tokenizer() -> Tokenizer:
    """Return the same with the tokens re, ret, ur, urn and return."""
    return _merged([("r", "e"), ("re", "t"), ("u", "r"), ("ur", "n"), ("ret", "urn")])


@cache
def quoting_tokenizer() -> Tokenizer:
    """Return the same with two and with three double quotes as tokens."""
    return _merged([('"', '"'), ('""', '"')])


def _merged(merges: list[tuple[str, str]]) -> Tokenizer:
    merged = description()
    vocabulary = merged["model"]["vocab"]
    for left, right in merges:
        vocabulary[left + right] = len(vocabulary)
    merged["model"]["merges"] = [f"{left} {right}" for left, right in merges]
    return Tokenizer(Backend.from_str(json.dumps(merged)))
