"""Files become examples: chunks, holes, neighbours."""

import hashlib
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.packing import examples as packing
from engine.packing import neighbours
from engine.packing.neighbours import FileNeighbours
from scripts.train import pack, settings
from scripts.train.sources import Document
from scripts.train.tokenizer import load
from tests.packed_texts import modules_of

ENCODE = pack.Encoder(load(settings.WEIGHTS_DIR / "tokenizer.json"))
CODE = Path(packing.__file__).read_text(encoding="utf-8")


@given(st.text("ab \n", max_size=4000), st.integers(0, 99))
def test_chunks_cover_the_text(text: str, seed: int) -> None:
    bounds = list(packing.chunks(text, 40, 488, Random(seed)))
    assert "".join(text[start:end] for start, end in bounds) == text
    assert all(end == len(text) or text[end - 1] == "\n" for _, end in bounds)


@pytest.mark.parametrize("recipe", packing.RECIPES)
@pytest.mark.parametrize("length", pack.LENGTHS)
def test_examples_fit_a_row_and_mark_their_middle(length: int, recipe: str) -> None:
    document = Document("package", "package/pack.py", CODE)
    sibling = Document("package", "package/other.py", CODE.replace("row", "line"))
    beside = FileNeighbours([document, sibling])
    found = list(packing.examples(document, beside, ENCODE, length, packing.RECIPES[recipe]))
    assert found
    for example in found:
        assert 0 < len(example.tokens) <= length + 1
        assert len(example.flags) == len(example.tokens)
        assert example.flags[0] == packing.NO_LOSS
        if packing.MIDDLE in example.flags:
            assert example.tokens[-1] == ENCODE.ids.end
            assert example.flags[-1] == packing.MIDDLE
            markers = (ENCODE.ids.prefix, ENCODE.ids.suffix, ENCODE.ids.middle)
            assert [example.tokens.count(marker) for marker in markers] == [1, 1, 1]


def test_most_examples_have_a_hole_and_a_third_name_the_repository() -> None:
    documents = [Document("package", f"package/{i}.py", CODE) for i in range(20)]
    beside = FileNeighbours(documents)
    found = [e for d in documents for e in packing.examples(d, beside, ENCODE, 512)]
    holes = sum(ENCODE.ids.middle in example.tokens for example in found) / len(found)
    repos = sum(example.tokens[0] == ENCODE.repo for example in found) / len(found)
    assert 0.6 < holes < 0.8
    assert 0.25 < repos < 0.42


def test_examples_are_the_same_each_time() -> None:
    document = Document("package", "package/pack.py", CODE)
    first, second = (
        list(packing.examples(document, FileNeighbours([document]), ENCODE, 512)) for _ in range(2)
    )
    assert first == second


def test_the_first_recipe_packs_as_it_always_did() -> None:
    """The first phase of training can be rebuilt only while these examples stay the same."""
    documents = modules_of(6)
    beside, digest = FileNeighbours(documents), hashlib.sha256()
    for document in documents:
        for length in pack.LENGTHS:
            for example in packing.examples(
                document, beside, ENCODE, length, packing.RECIPES["first"]
            ):
                digest.update(json.dumps([example.tokens, example.flags]).encode())
    golden = "a2c7043991fec6e095db412259a2e6f5045ad039912ec082ac8ea4a4a62c59f2"
    assert digest.hexdigest() == golden


def test_the_second_recipe_shows_definitions_of_imported_names() -> None:
    used = Document(
        "package", "package/used.py", "class Wanted:\n    kind = 'telling'\n\n" + "x = 1\n" * 300
    )
    text = "from package.used import Wanted\n" + "value = Wanted(kind)\n" * 400
    user = Document("package", "package/sub/user.py", text)
    beside = FileNeighbours([used, user])
    found = list(packing.examples(user, beside, ENCODE, 512, packing.RECIPES["second"]))
    shown = [ENCODE.decode_bytes(example.tokens) for example in found]
    marker = b"<|file_sep|>package/used.py\nclass Wanted:\n    kind = 'telling'"
    assert any(marker in text for text in shown)
    assert not any(
        b"class Wanted" in ENCODE.decode_bytes(example.tokens)
        for example in packing.examples(user, beside, ENCODE, 512, packing.RECIPES["first"])
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


def test_another_epoch_cuts_elsewhere() -> None:
    document = Document("package", "package/pack.py", CODE)
    beside = FileNeighbours([document])
    first, again, second = (
        list(packing.examples(document, beside, ENCODE, 512, epoch=epoch)) for epoch in (0, 0, 1)
    )
    assert first == again != second


def test_examples_say_what_they_do() -> None:
    import doctest

    assert doctest.testmod(neighbours).failed == 0
