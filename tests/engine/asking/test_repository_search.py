"""Searches in small repositories."""

import subprocess
from pathlib import Path

import pytest

from engine.asking.question_words import QuestionWords
from engine.asking.repository_search import MOST_SIMILAR, Found, search

FILES = {
    "stock/shelf.py": "class Shelf:\n    def count_boxes(self):\n        return len(self.boxes)\n",
    "stock/door.py": "LOCK = 3\n\ndef open_it(key):\n    # a lock turns\n    return key == LOCK\n",
    "tests/test_shelf.py": "def count_boxes():\n    assert Shelf().count_boxes() == 0\n",
    "web/app.ts": "export async function openWindow(at: number) {\n  return at\n}\n",
    "notes.md": "# Locks\n\nA lock has a key.\n",
    "build/out.py": "def count_boxes(): pass\n",
    ".env": "count_boxes = 1\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".gitignore").write_text("build/\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def found(root: Path, question: str, **options: object) -> Found:
    return search(root, QuestionWords.of(question), lambda: False, **options)  # type: ignore


def places(some: list) -> list[tuple[str, int, int]]:  # type: ignore[type-arg]
    return [(each.path, each.first, each.last) for each in some]


def test_a_name_is_found_where_it_is_defined_code_before_tests(repository: Path) -> None:
    seen = found(repository, "What does count_boxes return?")
    assert places(seen.defining) == [("stock/shelf.py", 2, 3)]
    (repository / "stock/shelf.py").unlink()
    assert places(found(repository, "count_boxes").defining) == [("tests/test_shelf.py", 1, 2)]


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("What is LOCK_?", None),
        ("Explain `LOCK`.", "stock/door.py"),
        ("When is openWindow called?", "web/app.ts"),
        ("What is a Shelf?", "stock/shelf.py"),
    ],
)
def test_definitions_of_other_kinds(repository: Path, question: str, path: str | None) -> None:
    seen = found(repository, question).defining
    assert [each.path for each in seen] == ([] if path is None else [path])


def test_of_two_definitions_that_whose_file_has_the_words(tmp_path: Path) -> None:
    for name in ("a", "b"):
        owner = "class Basket:\n    " if name == "b" else ""
        (tmp_path / f"{name}.py").write_text(f"{owner}def begin(self): pass\n")
    seen = found(tmp_path, "What does Basket.begin do?").defining
    assert [each.path for each in seen] == ["b.py"]


def test_a_plain_word_is_no_name_of_a_test(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def comment(): pass\n")
    assert found(tmp_path, "Show it with a comment.").defining == []
    assert found(tmp_path, "Show `comment`.").defining != []


def test_similar_passages_have_the_words(repository: Path) -> None:
    seen = found(repository, "how does a lock turn with a key?")
    assert {each.path for each in seen.similar} == {"stock/door.py", "notes.md"}


def test_private_and_ignored_files_are_not_searched(repository: Path) -> None:
    seen = found(repository, "count_boxes", private_patterns=("shelf.py",))
    paths = {each.path for each in (*seen.defining, *seen.similar)}
    assert paths == {"tests/test_shelf.py"}


def test_what_became_ignored_is_not_read_again(repository: Path) -> None:
    assert found(repository, "count_boxes").defining
    (repository / ".gitignore").write_text("build/\nstock/\ntests/\n")
    assert not found(repository, "count_boxes").defining


def test_the_open_files_text_on_the_screen_counts(repository: Path) -> None:
    buffer = "\ndef brand_new(): pass\n"
    seen = found(repository, "brand_new", near="stock/door.py", buffer=buffer)
    assert places(seen.defining) == [("stock/door.py", 2, 2)]


def test_few_passages_and_few_of_one_file(tmp_path: Path) -> None:
    text = "".join(f"def f{i}():\n" + "    lamp()\n" * 10 for i in range(20))
    for name in "abcd":
        (tmp_path / f"{name}.py").write_text(text)
    seen = found(tmp_path, "lamp")
    assert len(seen.similar) == MOST_SIMILAR
    assert max(sum(e.path == f"{n}.py" for e in seen.similar) for n in "abcd") <= 2


def test_a_cancelled_search_ends(repository: Path) -> None:
    seen = search(repository, QuestionWords.of("count_boxes lock"), lambda: True)
    assert (seen.defining, seen.similar) == ([], [])


def test_no_words_no_passages(repository: Path) -> None:
    seen = found(repository, "explain this")
    assert (seen.defining, seen.similar) == ([], [])
