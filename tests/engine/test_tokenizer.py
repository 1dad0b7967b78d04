import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelError
from engine.tokenizer import TextStream, Tokenizer
from tests.engine_tokenizers import merging_tokenizer
from tests.tiny import FIRST_BYTE_TOKEN, byte_tokenizer

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return merging_tokenizer()


@given(text)
def test_decoding_gives_the_text_back(text):
    tokenizer = merging_tokenizer()
    assert tokenizer.decode(tokenizer.encode_part(text)) == text


def test_markers_in_a_text_are_text(tokenizer):
    for marker in ("<|endoftext|>", "<|fim_middle|>"):
        ids = tokenizer.encode_part(f"a{marker}b")
        assert not tokenizer.special_ids & set(ids)
        assert tokenizer.decode(ids) == f"a{marker}b"


def test_markers_have_ids_by_name(tokenizer):
    assert tokenizer.special("<|endoftext|>") == 0
    assert tokenizer.special("<|no_such|>") is None
    assert tokenizer.token_bytes(0) == b""


def test_half_a_surrogate_pair_does_not_fail(tokenizer):
    assert tokenizer.decode(tokenizer.encode_part("a\ud800b")) == "a?b"


def test_ids_without_text_have_no_bytes(tokenizer):
    assert tokenizer.token_bytes(10**6) == tokenizer.token_bytes(-1) == b""


def test_many_texts_are_encoded_as_one_by_one(tokenizer):
    texts = ["return", "", "<|endoftext|>", "a\ud800b", *map(str, range(40))]
    assert list(tokenizer.encode_many(texts)) == [tokenizer.encode_part(text) for text in texts]


def test_an_added_token_that_is_no_marker_has_its_bytes(tmp_path):
    description = byte_tokenizer()
    added = dict(description["added_tokens"][0], id=999, content="→ plain", special=False)
    description["added_tokens"].append(added)
    (tmp_path / "tokenizer.json").write_text(json.dumps(description))
    tokenizer = Tokenizer.load(tmp_path)
    (plain,) = tokenizer.encode_part("→ plain")
    assert tokenizer.decode([plain]) == "→ plain"
    assert plain not in tokenizer.special_ids


@given(text)
def test_a_stream_gives_the_text_and_never_half_a_character(text):
    tokenizer = merging_tokenizer()
    stream = TextStream()
    pieces = [stream.push(tokenizer.token_bytes(i)) for i in tokenizer.encode_part(text)]
    assert "".join(pieces) == text
    assert "\ufffd" in text or not any("\ufffd" in piece for piece in pieces)


def test_a_stream_holds_an_unfinished_character_back():
    stream = TextStream()
    euro = "€".encode()
    assert [stream.push(euro[i : i + 1]) for i in range(3)] == ["", "", "€"]


def test_bytes_that_are_no_text_become_the_replacement_character():
    stream = TextStream()
    assert stream.push(b"a\xffb") == "a\ufffdb"


def test_nothing_to_say_allows_every_token_with_bytes(tokenizer):
    expected = [i for i in range(tokenizer.vocabulary) if tokenizer.token_bytes(i)]
    assert tokenizer.continuations(b"").tolist() == expected


@pytest.mark.parametrize("start", [b"re", b"ret", b"retu", b"p", b"\xff", b"return f"])
def test_continuations_are_the_tokens_that_agree_with_the_start(tokenizer, start):
    def agrees(token: int) -> bool:
        content = tokenizer.token_bytes(token)
        return content != b"" and (content.startswith(start) or start.startswith(content))

    expected = [token for token in range(tokenizer.vocabulary) if agrees(token)]
    assert tokenizer.continuations(start).tolist() == expected


def test_starts_are_character_positions(tokenizer):
    ids, starts = tokenizer.encode_with_starts("é return")
    assert [tokenizer.token_bytes(i) for i in ids] == [b"\xc3", b"\xa9", b" ", b"return"]
    assert starts == [0, 0, 1, 2]


def test_a_folder_is_loaded(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    assert Tokenizer.load(tmp_path).encode_part("A") == [FIRST_BYTE_TOKEN + 65]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"\xff\xfe", "cannot read"),
        (b"{", "not a tokenizer"),
        (b'{"model": {"type": "WordPiece"}, "decoder": null}', "WordPiece"),
        (b'{"model": {"type": "BPE"}, "decoder": {"type": "ByteLevel"}}', "not a tokenizer"),
    ],
)
def test_a_bad_file_is_a_clear_error(tmp_path, content, message):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        Tokenizer.load(tmp_path)
