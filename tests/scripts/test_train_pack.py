"""The shipped tokenizer, and rows of tokens."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.train import pack, settings
from scripts.train.corpus import Document
from scripts.train.tokenizer import load

ENCODE = pack.Encoder(load(settings.WEIGHTS_DIR / "tokenizer.json"))
CODE = Path(pack.__file__).read_text(encoding="utf-8")


@given(st.text())
def test_tokenizer_gives_any_text_back(text: str) -> None:
    assert ENCODE.decode_bytes(ENCODE(text)) == text.encode("utf-8", "surrogatepass")


@given(st.text("ab_1 \n\t\r.(é漢😀", max_size=60), st.integers(0, 60))
def test_parts_encoded_apart_join_to_the_text(text: str, at: int) -> None:
    assert ENCODE.decode_bytes(ENCODE(text[:at]) + ENCODE(text[at:])) == text.encode()


def test_markers_have_the_first_ids_and_text_never_makes_one() -> None:
    tokenizer = load(settings.WEIGHTS_DIR / "tokenizer.json")
    assert tokenizer.get_vocab_size() == settings.VOCABULARY
    ids = [tokenizer.token_to_id(token) for token in settings.SPECIAL_TOKENS]
    assert ids == list(range(7))
    assert min(ENCODE("<|endoftext|>")) >= 7


def test_indentation_never_lends_a_space_to_the_first_word() -> None:
    """A prompt that ends with the indentation reads as the same place in a file does."""
    whole = ENCODE("def f():\n        return 1\n")
    prompt = ENCODE("def f():\n        ")
    assert whole[: len(prompt)] == prompt
    assert ENCODE.decode_bytes(whole[len(prompt) :][:1]) == b"return"


def test_digits_stand_alone() -> None:
    assert len(ENCODE("1234")) == 4


def test_checksums_match_the_weights_folder() -> None:
    known = json.loads((settings.WEIGHTS_DIR / "checksums.json").read_text())["files"]
    assert set(known) == {"config.json", "model.safetensors", "tokenizer.json"}
    for name, digest in known.items():
        data = (settings.WEIGHTS_DIR / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest, name


@given(st.text("ab \n", max_size=4000), st.integers(0, 99))
def test_chunks_cover_the_text(text: str, seed: int) -> None:
    bounds = list(pack.chunks(text, 488, Random(seed)))
    assert "".join(text[start:end] for start, end in bounds) == text
    assert all(end == len(text) or text[end - 1] == "\n" for _, end in bounds)


@pytest.mark.parametrize("length", [256, 512, 2048])
def test_examples_fit_a_row_and_mark_their_middle(length: int) -> None:
    document = Document("package", "package/pack.py", CODE)
    siblings = [Document("package", "package/other.py", CODE.replace("row", "line"))]
    found = list(pack.examples(document, siblings, ENCODE, length))
    assert found
    for example in found:
        assert 0 < len(example.tokens) <= length + 1
        assert len(example.flags) == len(example.tokens)
        assert example.flags[0] == pack.NO_LOSS
        if pack.MIDDLE in example.flags:
            assert example.tokens[-1] == ENCODE.ids.end
            assert example.flags[-1] == pack.MIDDLE
            markers = (ENCODE.ids.prefix, ENCODE.ids.suffix, ENCODE.ids.middle)
            assert [example.tokens.count(marker) for marker in markers] == [1, 1, 1]


def test_most_examples_have_a_hole_and_a_third_name_the_repository() -> None:
    documents = [Document("package", f"package/{i}.py", CODE) for i in range(20)]
    found = [e for d in documents for e in pack.examples(d, documents[:1], ENCODE, 512)]
    holes = sum(ENCODE.ids.middle in example.tokens for example in found) / len(found)
    repos = sum(example.tokens[0] == ENCODE.repo for example in found) / len(found)
    assert 0.6 < holes < 0.8
    assert 0.25 < repos < 0.42


def test_examples_are_the_same_each_time() -> None:
    document = Document("package", "package/pack.py", CODE)
    assert list(pack.examples(document, [], ENCODE, 512)) == list(
        pack.examples(document, [], ENCODE, 512)
    )


@given(st.lists(st.integers(1, 65), max_size=60))
def test_rows_hold_every_example_once_and_are_full_length(lengths: list[int]) -> None:
    rows = pack.Rows(64, pad=4)
    for index, length in enumerate(lengths):
        rows.add(pack.Example([index + 10] * length, [pack.TEXT] * length))
    rows.finish()
    assert all(row.shape == (65,) and row.dtype == np.uint16 for row in rows.tokens)
    packed = np.concatenate(rows.tokens) if rows.tokens else np.array([])
    for index, length in enumerate(lengths):
        assert (packed == index + 10).sum() == length
    flags = np.concatenate(rows.flags) if rows.flags else np.array([])
    assert ((packed == 4) == (flags == pack.NO_LOSS)).all()


def test_an_example_longer_than_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        pack.Rows(64, pad=4).add(pack.Example([9] * 66, [1] * 66))
