"""Small tokenizers for tests."""

import json
from functools import cache

from tokenizers import AddedToken, decoders, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend
from tokenizers.models import BPE

from engine.byte_letters import byte_of_letter
from engine.json_vocabulary import contents_of
from engine.token_roles import TokenRoles
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


def tokenizer_with(
    *controls: str,
    words: tuple[str, ...] = (),
    pieced: bool = False,
    roles: TokenRoles | None = None,
) -> Tokenizer:
    """Return a tokenizer with control tokens, a token for every byte, and some words.

    Args:
        controls: Control tokens; the first has the id 0.
        words: Tokens besides the bytes; a text is cut into the longest, from the left.
        pieced: Whether ``▁`` stands for a space and ``<0x0A>`` for a byte, as in SentencePiece.
        roles: What the model's files say of single tokens.
    """
    if pieced:
        singles = [f"<0x{byte:02X}>" for byte in range(256)]
        spelled = [word.replace(" ", "▁") for word in (" ", *words)]
        normal, decoder = normalizers.Replace(" ", "▁"), decoders.ByteFallback()
    else:
        letter = {byte: sign for sign, byte in byte_of_letter().items()}
        singles = [letter[byte] for byte in range(256)]
        spelled = ["".join(letter[byte] for byte in word.encode()) for word in words]
        normal, decoder = None, decoders.ByteLevel()
    alphabet = sorted({sign for word in spelled for sign in word} - {*singles})
    merges, pieces = [], dict.fromkeys([*singles, *alphabet])
    for word in spelled:
        for end in range(2, len(word) + 1):
            merges.append((word[: end - 1], word[end - 1]))
            pieces.setdefault(word[:end])
    ids = {piece: i for i, piece in enumerate([*controls, *pieces])}
    backend = Backend(BPE(vocab=ids, merges=list(dict.fromkeys(merges)), byte_fallback=pieced))
    if normal is not None:
        backend.normalizer = normal
    else:
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoder
    backend.add_special_tokens([AddedToken(control, normalized=False) for control in controls])
    return Tokenizer(backend, contents_of(backend, pieced=pieced), roles)


@cache
def chat_tokenizer() -> Tokenizer:
    """Return 7 control tokens, those of ChatML among them, then one token for every byte."""
    others = (f"<|{letter}|>" for letter in "abcd")
    return tokenizer_with("<|endoftext|>", "<|im_start|>", "<|im_end|>", *others)
