"""The shipped tokenizer, and rows of tokens."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.train import pack, parts, settings
from scripts.train.sources import write_jsonl
from scripts.train.tokenizer import load
from tests.packed_texts import modules_of

ENCODE = pack.Encoder(load(settings.WEIGHTS_DIR / "tokenizer.json"))


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
    files = {path.name for path in settings.WEIGHTS_DIR.iterdir()}
    assert set(known) == files - {"README.md", "checksums.json"}
    for name, digest in known.items():
        data = (settings.WEIGHTS_DIR / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest, name


def test_rows_are_packed_the_same_and_survive_cutting(tmp_path: Path) -> None:
    rows = []
    for name in ("first", "second"):
        work = tmp_path / name
        (work / "full").mkdir(parents=True)
        write_jsonl(work / "full/corpus.jsonl", modules_of(8))
        (work / "tokenizer.json").write_bytes(
            (settings.WEIGHTS_DIR / "tokenizer.json").read_bytes()
        )
        parser = argparse.ArgumentParser()
        parser.add_argument("--work", type=Path)
        pack.add_arguments(parser)
        options = ["--work", str(work), "--processes", "1", "--parts-mib", "0.001"]
        pack.run(parser.parse_args(options))
        rows.append({path.name: path.read_bytes() for path in (work / "full").glob("*.npy")})
        with pytest.raises(ValueError, match="add --force"):
            pack.run(parser.parse_args([*options, "--cap-bytes", "5"]))
    assert rows[0] == rows[1]
    assert {"rows_512.npy", "flags_512.npy", "rows_2048.npy", "flags_2048.npy"} == rows[0].keys()
    cut = tmp_path / "first/full/parts"
    pieces = sorted(cut.glob("part-*.xz"))
    assert len(pieces) > 2
    assert max(path.stat().st_size for path in pieces) <= int(0.001 * 2**20)
    # Parts may come in several loads.
    other = tmp_path / "other"
    other.mkdir()
    pieces[1].rename(other / pieces[1].name)
    parts.join([cut, other], tmp_path / "joined")
    for name, data in rows[0].items():
        assert (tmp_path / "joined" / name).read_bytes() == data
    assert json.loads((tmp_path / "joined/pack.json").read_text())["options"]["recipe"] == "second"


def test_missing_and_altered_parts_are_named(tmp_path: Path) -> None:
    whole = tmp_path / "whole.bin"
    whole.write_bytes(bytes(Random(0).randbytes(5000)))
    pieces = parts.cut([whole], tmp_path / "parts", 1000)
    pieces[2].write_bytes(pieces[2].read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=r"part-002.xz is altered"):
        parts.join([tmp_path / "parts"], tmp_path / "out")
    pieces[2].unlink()
    with pytest.raises(ValueError, match=r"part-002.xz is missing"):
        parts.join([tmp_path / "parts"], tmp_path / "out")
    assert not (tmp_path / "out/whole.bin").exists()
