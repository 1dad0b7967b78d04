from pathlib import Path

import pytest

from engine.knowledge.library import Library
from engine.knowledge.recent_texts import RecentTexts
from engine.repository.other_files import FileChunk
from tests.engine_tokenizers import byte_tokenizer

BYTES = byte_tokenizer()
PYTHON = (".py",)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "a.py").write_text("first = 1\nsecond = 2\n")
    library = Library(tmp_path, BYTES, PYTHON)
    library.read()
    return library


def known(recent: RecentTexts, without: str = "") -> dict[str, bytes]:
    return {
        name: view.index.lines.texts[i]
        for view in recent.views(without)
        for name, i in view.index.names.items()
        if name not in view.hidden
    }


def test_what_the_library_holds_is_not_counted_twice(library: Library) -> None:
    recent = RecentTexts(BYTES, PYTHON)
    recent.learn(library, [FileChunk("a.py", "second = 2\n")])
    assert known(recent) == {}


def test_what_is_not_saved_and_what_is_not_read_is_known(library: Library) -> None:
    recent = RecentTexts(BYTES, PYTHON)
    recent.learn(library, [FileChunk("a.py", "third = 3\n"), FileChunk("b.py", "b = 1")])
    assert known(recent) == {"a.py": b"third = 3\n", "b.py": b"b = 1\n"}


def test_parts_of_a_file_are_one_text(library: Library) -> None:
    recent = RecentTexts(BYTES, PYTHON)
    recent.learn(library, [FileChunk("b.py", "one = 1"), FileChunk("b.py", "two = 2\n\n")])
    assert known(recent) == {"b.py": b"one = 1\ntwo = 2\n"}


def test_a_file_learns_nothing_from_itself(library: Library) -> None:
    recent = RecentTexts(BYTES, PYTHON)
    recent.learn(library, [FileChunk("b.py", "b = 1\n"), FileChunk("c.py", "c = 1\n")])
    assert known(recent, without="b.py") == {"c.py": b"c = 1\n"}


def test_what_is_saved_since_belongs_to_the_library(library: Library, tmp_path: Path) -> None:
    recent = RecentTexts(BYTES, PYTHON)
    chunks = [FileChunk("a.py", "third = 3\n")]
    recent.learn(library, chunks)
    (tmp_path / "a.py").write_text("first = 1\nthird = 3\n")
    library.read()
    recent.learn(library, chunks)
    assert known(recent) == {}


def test_other_languages_do_not_count_for_a_model_of_one(library: Library) -> None:
    recent = RecentTexts(BYTES, PYTHON)
    recent.learn(library, [FileChunk("b.go", "package b\n")])
    assert known(recent) == {}


def test_an_index_stays_while_the_parts_are_the_same(library: Library) -> None:
    recent = RecentTexts(BYTES, PYTHON)
    recent.learn(library, [FileChunk("b.py", "b = 1\n")])
    before = recent.views("")[0].index
    recent.learn(library, [FileChunk("b.py", "b = 1\n"), FileChunk("a.py", "first = 1\n")])
    assert recent.views("")[0].index is before
