"""Vocabularies of model folders other than our own: pieces, prefixes, plain control tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelError
from engine.tokenizer import Tokenizer
from tests.tiny import byte_tokenizer

REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
PREPEND = {"type": "Prepend", "prepend": "▁"}
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
BEGIN = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
}


def added(number: int, content: str, *, special: bool) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, "special": special, **flags}


def pieces(**changes: Any) -> dict[str, Any]:
    """A description in the way of Llama 2: pieces, bytes, merges, a token that begins a text."""
    words = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "b", "▁a", "ab"]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(0, "<unk>", special=True), added(1, "<s>", special=True)],
        "normalizer": {"type": "Sequence", "normalizers": [PREPEND, REPLACE]},
        "pre_tokenizer": None,
        "post_processor": BEGIN,
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "byte_fallback": True,
            "vocab": {word: i for i, word in enumerate(words)},
            "merges": ["▁ a", "a b"],
        },
        **changes,
    }


@pytest.fixture
def opened(tmp_path: Path):
    def build(description: dict[str, Any]) -> Tokenizer:
        (tmp_path / "tokenizer.json").write_text(json.dumps(description))
        return Tokenizer.load(tmp_path)

    return build


def said(tokenizer: Tokenizer, text: str, **options: bool) -> list[bytes]:
    return [tokenizer.token_bytes(i) for i in tokenizer.encode_part(text, **options)]


@pytest.mark.parametrize(
    "changes",
    [{}, {"normalizer": REPLACE}, {"normalizer": None, "pre_tokenizer": METASPACE}],
    ids=["prepend", "replace", "metaspace"],
)
def test_parts_keep_their_bytes(opened, changes) -> None:
    tokenizer = opened(pieces(**changes))
    assert said(tokenizer, "ab a\né") == [b"ab", b" a", b"\n", b"\xc3", b"\xa9"]
    assert tokenizer.encode_with_starts("ab a")[1] == [0, 2]


@pytest.mark.parametrize(
    ("changes", "first"),
    [({}, b" a"), ({"normalizer": REPLACE}, b"a"), ({"pre_tokenizer": METASPACE}, b" a")],
)
def test_a_space_stands_first_where_the_folder_says_so(opened, changes, first) -> None:
    assert said(opened(pieces(**changes)), "a", first=True) == [first]


def test_the_tokens_that_begin_a_text(opened) -> None:
    assert opened(pieces()).roles.start == (1,)
    assert opened(pieces(post_processor=None)).roles.start == ()
    assert opened(byte_tokenizer()).roles.start == ()


def test_a_control_token_that_the_folder_calls_plain_is_one(opened) -> None:
    """As Qwen's does with those that fill in the middle."""
    description = byte_tokenizer()
    for token in description["added_tokens"]:
        token["special"] = False
    tokenizer = opened(description)
    assert tokenizer.special("<|fim_middle|>") == 2
    assert not tokenizer.special_ids & {*tokenizer.encode_part("a<|fim_middle|>b")}


def test_accents_are_not_composed(opened) -> None:
    tokenizer = opened(byte_tokenizer() | {"normalizer": {"type": "NFC"}})
    text = "e\u0301"
    assert tokenizer.decode(tokenizer.encode_part(text)) == text


def test_an_id_far_beyond_the_others_is_refused(opened) -> None:
    description = byte_tokenizer()
    description["model"]["vocab"]["far"] = 10**9
    with pytest.raises(ModelError, match="1000000000, far beyond"):
        opened(description)


def test_another_kind_says_what_is_supported(opened) -> None:
    description = pieces()
    description["model"]["byte_fallback"] = False
    with pytest.raises(ModelError, match="BPE tokenizer; supported: byte-level BPE, BPE with byte"):
        opened(description)
