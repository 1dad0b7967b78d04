"""The shipped tokenizer, and rows of tokens."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.train import neighbours, pack, parts, settings
from scripts.train.neighbours import Neighbours
from scripts.train.sources import Document, write_jsonl
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
    files = {path.name for path in settings.WEIGHTS_DIR.iterdir()}
    assert set(known) == files - {"README.md", "checksums.json"}
    for name, digest in known.items():
        data = (settings.WEIGHTS_DIR / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest, name


@given(st.text("ab \n", max_size=4000), st.integers(0, 99))
def test_chunks_cover_the_text(text: str, seed: int) -> None:
    bounds = list(pack.chunks(text, 40, 488, Random(seed)))
    assert "".join(text[start:end] for start, end in bounds) == text
    assert all(end == len(text) or text[end - 1] == "\n" for _, end in bounds)


@pytest.mark.parametrize("recipe", pack.RECIPES)
@pytest.mark.parametrize("length", pack.LENGTHS)
def test_examples_fit_a_row_and_mark_their_middle(length: int, recipe: str) -> None:
    document = Document("package", "package/pack.py", CODE)
    sibling = Document("package", "package/other.py", CODE.replace("row", "line"))
    beside = Neighbours([document, sibling])
    found = list(pack.examples(document, beside, ENCODE, length, pack.RECIPES[recipe]))
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
    beside = Neighbours(documents)
    found = [e for d in documents for e in pack.examples(d, beside, ENCODE, 512)]
    holes = sum(ENCODE.ids.middle in example.tokens for example in found) / len(found)
    repos = sum(example.tokens[0] == ENCODE.repo for example in found) / len(found)
    assert 0.6 < holes < 0.8
    assert 0.25 < repos < 0.42


def test_examples_are_the_same_each_time() -> None:
    document = Document("package", "package/pack.py", CODE)
    first, second = (
        list(pack.examples(document, Neighbours([document]), ENCODE, 512)) for _ in range(2)
    )
    assert first == second


def modules_of(count: int) -> list[Document]:
    """Return made-up modules, the same for ever."""
    found = []
    for seed in range(count):
        generator, pieces = Random(seed), []
        for _ in range(60):
            number = generator.randrange(1000)
            pieces.append(
                f"def function_{number}(first, second=None):\n    total = first + {number}\n"
                f"    if second is not None:\n        return helper_{number % 7}(total, second)\n"
                "    return total\n\n"
            )
        found.append(Document("package", f"package/module_{seed}.py", "".join(pieces)))
    return found


def test_the_first_recipe_packs_as_it_always_did() -> None:
    """The first phase of training can be rebuilt only while these examples stay the same."""
    documents = modules_of(6)
    beside, digest = Neighbours(documents), hashlib.sha256()
    for document in documents:
        for length in pack.LENGTHS:
            for example in pack.examples(document, beside, ENCODE, length, pack.RECIPES["first"]):
                digest.update(json.dumps([example.tokens, example.flags]).encode())
    golden = "a2c7043991fec6e095db412259a2e6f5045ad039912ec082ac8ea4a4a62c59f2"
    assert digest.hexdigest() == golden


def test_the_second_recipe_shows_definitions_of_imported_names() -> None:
    used = Document(
        "package", "package/used.py", "class Wanted:\n    kind = 'telling'\n\n" + "x = 1\n" * 300
    )
    text = "from package.used import Wanted\n" + "value = Wanted(kind)\n" * 400
    user = Document("package", "package/sub/user.py", text)
    beside = Neighbours([used, user])
    found = list(pack.examples(user, beside, ENCODE, 512, pack.RECIPES["second"]))
    shown = [ENCODE.decode_bytes(example.tokens) for example in found]
    marker = b"<|file_sep|>package/used.py\nclass Wanted:\n    kind = 'telling'"
    assert any(marker in text for text in shown)
    assert not any(
        b"class Wanted" in ENCODE.decode_bytes(example.tokens)
        for example in pack.examples(user, beside, ENCODE, 512, pack.RECIPES["first"])
    )


@pytest.mark.parametrize(
    ("path", "line", "modules"),
    [
        ("a/b/c.py", "from . import d", ["a.b"]),
        ("a/b/c.py", "from .d import e", ["a.b.d"]),
        ("a/b/__init__.py", "from .d import e", ["a.b.d"]),
        ("a/b/c.py", "from ..d import e", ["a.d"]),
        ("a/b/c.py", "    from a.d import e  # late", ["a.d"]),
        ("a/b/c.py", "import a.d as e", ["a.d"]),
        ("a.py", "from ... import d", []),
        ("a.py", "text = 'from . import d'", []),
    ],
)
def test_imports_point_to_modules(path: str, line: str, modules: list[str]) -> None:
    assert neighbours.imported(path, f"x = 1\n{line}\n") == modules


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
