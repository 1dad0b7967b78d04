"""Names at a cursor, places by syntax, and which of them may be shown."""

from pathlib import Path

import pytest

from engine.repository.ignore import IgnoreRules
from tui.navigation.places import (
    CodePlace,
    RepositorySymbols,
    by_file,
    definitions_among,
    places_in,
    readable_places,
    word_at,
)

GO = "package main\n\nfunc run() {}\n"


@pytest.mark.parametrize(
    ("column", "word"), [(0, "été"), (3, "été"), (4, ""), (5, "b2"), (7, "b2"), (9, "")]
)
def test_the_word_at_a_column(column: int, word: str) -> None:
    assert word_at("été= b2 7", column) == word


def test_places_by_syntax() -> None:
    (place,) = definitions_among(GO, Path("/r/main.go"), "run")
    assert (place.row, place.column, place.end, place.line) == (2, 5, (2, 8), "func run() {}")
    assert definitions_among(GO, Path("/r/main.go"), "main") == []
    assert definitions_among(GO, Path("/r/main.unknown"), "run") == []


def test_an_answer_names_each_place_once() -> None:
    answer = [{"path": "/a", "row": 1, "column": 2, "name": "x", "line": "  x"}] * 2
    assert places_in(answer) == [CodePlace(Path("/a"), 1, 2, "x", "  x")]


def test_ignored_and_private_files_are_not_shown(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "repo"
    (root / ".git").mkdir(parents=True)
    (root / ".gitignore").write_text("*.log.py\n")
    places = [
        CodePlace(folder / name, 0, 0, "x", "x")
        for folder in (root, tmp_path)
        for name in ("a.py", "b.log.py", ".env")
    ]
    shown = readable_places(places, IgnoreRules(root), [])
    assert [place.path for place in shown] == [
        root / "a.py", tmp_path / "a.py", tmp_path / "b.log.py", tmp_path / ".env",
    ]  # fmt: skip


def test_places_are_grouped_by_file() -> None:
    root = Path("/r")
    places = [CodePlace(root / "a.py", 3, 2, "x", "  x = 1"), CodePlace(Path("/b"), 0, 0, "x", "x")]
    inside, outside = by_file([*places, CodePlace(root / "a.py", 9, 0, "x", "x")], root)
    assert (inside.name, len(inside.matches), outside.name) == ("a.py", 2, "/b")
    match = inside.matches[0]
    assert (match.left, match.text, match.right) == ("  ", "x", " = 1")


def test_symbols_of_a_repository_follow_its_files(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    (root / "main.go").write_text(GO)
    (root / "a.py").write_text("def run(): pass\n")
    (root / ".env").write_text("run = 1\n")
    symbols = RepositorySymbols(IgnoreRules(root))
    found = symbols.named("run", [], near="main.go")
    assert sorted(place.path.name for place in found) == ["a.py", "main.go"]
    (root / "a.py").write_text("def walk(): pass  # it was run\n")
    assert [place.path.name for place in symbols.named("run", [], near="")] == ["main.go"]
    assert {symbol.name for _, symbol in symbols.every([])} == {"run", "walk"}
