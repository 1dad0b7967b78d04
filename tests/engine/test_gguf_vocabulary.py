"""Vocabularies inside GGUF files, against small loops that merge pair by pair."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.byte_letters import byte_of_letter
from engine.errors import ModelError
from engine.tokenizer import Tokenizer
from tests.gguf_writer import Array, write_gguf

LETTER = {byte: letter for letter, byte in byte_of_letter().items()}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, _, BYTE = range(1, 7)
MERGES = ["a b", "ab a", "Ġ a", "Ġa b", "b b", "1 2", "Ċ Ċ", "' s", "Ã ¶"]
CONTROLS = ["<|fim_middle|>", "<end>"]
WHOLE = ["\t\t", "<s>"]


def letters(text: str) -> str:
    return "".join(LETTER[byte] for byte in text.encode())


def byte_level(pre: str = "gpt-2", **changes: object) -> dict[str, object]:
    """Metadata of a byte-level vocabulary: all bytes, the merges, controls, whole pieces."""
    pieces = [LETTER[byte] for byte in range(256)] + [m.replace(" ", "") for m in MERGES]
    kinds = [NORMAL] * len(pieces) + [NORMAL, CONTROL] + [USER_DEFINED] * len(WHOLE)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": Array("str", [*pieces, *CONTROLS, *WHOLE]),
        "tokenizer.ggml.token_type": Array("i32", kinds),
        "tokenizer.ggml.merges": Array("str", MERGES),
        **changes,
    }


SCORED = {"aa": -9, "▁": -1, "a": -2, "b": -3, "▁a": -4, "ab": -5, "▁ab": -6, "aba": -7}


def sentence_piece(**changes: object) -> dict[str, object]:
    """Metadata of a vocabulary with scores and byte fallback."""
    pieces = ["<unk>", "<end>", *(f"<0x{byte:02X}>" for byte in range(256)), *SCORED, "\n\n"]
    kinds = [UNKNOWN, CONTROL] + [BYTE] * 256 + [NORMAL] * len(SCORED) + [USER_DEFINED]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": Array("str", pieces),
        "tokenizer.ggml.scores": Array("f32", [0.0] * 258 + [*SCORED.values(), 0.0]),
        "tokenizer.ggml.token_type": Array("i32", kinds),
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_space_prefix": False,
        **changes,
    }


@pytest.fixture
def opened(tmp_path: Path):
    def build(metadata: dict[str, object]) -> Tokenizer:
        path = tmp_path / "model.gguf"
        write_gguf(path, metadata, {})
        return Tokenizer.load(path)

    return build


def pieces_of(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.decode([token]) for token in tokenizer.encode_part(text, first=True)]


def merged(word: str) -> list[str]:
    """Byte-level BPE of one word, the slow way: the first merge in the list, leftmost, again."""
    parts = list(letters(word))
    while ranked := [
        (MERGES.index(f"{left} {right}"), at)
        for at, (left, right) in enumerate(pairwise(parts))
        if f"{left} {right}" in MERGES
    ]:
        _, at = min(ranked)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


@pytest.mark.parametrize("word", ["ab", "aba", "abab", "bbab", " ab", "babaab", "ö", "öab"])
def test_merges_go_by_rank(opened, word: str) -> None:
    tokenizer = opened(byte_level())
    bytes_ = [bytes(byte_of_letter()[c] for c in part) for part in merged(word)]
    assert [tokenizer.token_bytes(t) for t in tokenizer.encode_part(word)] == bytes_


@pytest.mark.parametrize(
    ("pre", "text", "pieces"),
    [
        ("gpt-2", "a's", ["a", "'s"]),
        ("gpt-2", "a'S", ["a", "'", "S"]),
        ("gpt-2", "12", ["12"]),
        ("starcoder", "12", ["1", "2"]),
        ("smollm", " 12", [" ", "1", "2"]),
        ("qwen2", "12", ["1", "2"]),
        ("llama-bpe", "12", ["12"]),
        ("qwen2", "ab\n\na", ["ab", "\n\n", "a"]),
        ("qwen2", ".ab", [".", "ab"]),
        ("gpt-2", "  a", [" ", " a"]),
    ],
)
def test_text_is_cut_as_the_pre_tokenizer_says(opened, pre, text, pieces) -> None:
    assert pieces_of(opened(byte_level(pre)), text) == pieces


@pytest.mark.parametrize("build", [byte_level, sentence_piece])
def test_text_that_looks_like_a_control_token_stays_text(opened, build) -> None:
    tokenizer = opened(build())
    for text in ("<end>", "a<end>b", "<|fim_middle|>"):
        ids = tokenizer.encode_part(text)
        assert not tokenizer.special_ids & set(ids)
        assert tokenizer.decode(ids) == text


def test_a_control_token_that_the_file_calls_normal_is_one(opened) -> None:
    """Some files give fill-in-the-middle tokens the kind of plain text."""
    tokenizer = opened(byte_level())
    middle = tokenizer.special("<|fim_middle|>")
    assert middle == 256 + len(MERGES)
    assert tokenizer.token_bytes(middle) == b""


def test_pieces_of_the_user_are_matched_whole(opened) -> None:
    assert pieces_of(opened(byte_level()), "a\t\tb\t") == ["a", "\t\t", "b", "\t"]
    assert pieces_of(opened(sentence_piece()), "a\n\nb") == ["a", "\n\n", "b"]
    assert pieces_of(opened(byte_level()), "a<s>b") == ["a", "<s>", "b"]  # HTML, no control token


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab", ["ab"]),
        (" ab", [" ab"]),  # "▁a" + "b", the piece of the highest score first
        ("aba", ["aba"]),
        (" aba", [" ab", "a"]),
        ("a  b", ["a", " ", " ", "b"]),
        ("aab", ["a", "ab"]),  # "aa" comes earlier in the file, "ab" has the higher score
    ],
)
def test_scores_decide_what_is_merged_first(opened, text, pieces) -> None:
    assert pieces_of(opened(sentence_piece()), text) == pieces


def test_what_no_piece_spells_falls_back_to_bytes(opened) -> None:
    tokenizer = opened(sentence_piece())
    ids = tokenizer.encode_part("aö\n")
    assert [tokenizer.token_bytes(token) for token in ids] == [b"a", b"\xc3", b"\xb6", b"\n"]
    assert tokenizer.decode(ids) == "aö\n"


def test_a_space_in_front_where_the_file_asks_for_one(opened) -> None:
    metadata = sentence_piece()
    del metadata["tokenizer.ggml.add_space_prefix"]
    assert pieces_of(opened(metadata), "ab") == [" ab"]


def test_random_text_comes_back(opened) -> None:
    chance = np.random.default_rng(0)
    signs = np.array(list("ab1' \t\n<>|ö€🤖"))
    for build in (byte_level, sentence_piece):
        tokenizer = opened(build())
        for _ in range(200):
            text = "".join(chance.choice(signs, chance.integers(0, 30)))
            assert tokenizer.decode(tokenizer.encode_part(text)) == text


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "'tokenizer.ggml.model' is missing"),
        (byte_level(**{"tokenizer.ggml.model": "bert"}), "kind 'bert'; supported: gpt2, llama"),
        (byte_level("elvish"), "pre-tokenizer 'elvish'; supported: gpt-2, "),
        (byte_level(**{"tokenizer.ggml.merges": 3}), "merges' is a number, not an array of texts"),
        (byte_level(**{"tokenizer.ggml.merges": Array("str", ["ab"])}), "'ab' is no merge"),
        (byte_level(**{"tokenizer.ggml.merges": Array("str", ["a zz"])}), "makes no tokenizer"),
        (
            byte_level(**{"tokenizer.ggml.token_type": Array("i32", [1])}),
            "is an array of 1 n.* not .* 269 n",
        ),
        (sentence_piece(**{"tokenizer.ggml.scores": Array("f32", [0.0])}), "array of 267 numbers"),
    ],
)
def test_a_vocabulary_that_cannot_be_read_says_why(tmp_path, metadata, words) -> None:
    path = tmp_path / "bad.gguf"
    write_gguf(path, metadata, {})
    with pytest.raises(ModelError, match=words) as caught:
        Tokenizer.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
